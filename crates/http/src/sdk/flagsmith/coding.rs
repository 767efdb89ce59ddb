//! Which content coding a client likes best (RFC 9110, 12.5.3), told without allocating.

use actix_web::http::header::HeaderValue;

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
}

impl Coding {
    /// The value of `Content-Encoding`, where there is one.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

/// The best of the codings that bodies are kept in; of equals Brotli, then gzip. Where none is accepted, and where the
/// client says nothing, the body goes as it is.
pub(crate) fn preferred(accepted: Option<&HeaderValue>) -> Coding {
    let Some(accepted) = accepted.and_then(|value| value.to_str().ok()) else {
        return Coding::Identity;
    };
    let (mut gzip, mut brotli, mut identity, mut any) = (None, None, None, None);
    for item in accepted.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let quality = Some(weight(&mut parts.clone().skip(1)));
        let name = parts.next().unwrap_or_default();
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            gzip = quality;
        } else if name.eq_ignore_ascii_case("br") {
            brotli = quality;
        } else if name.eq_ignore_ascii_case("identity") {
            identity = quality;
        } else if name == "*" {
            any = quality;
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    let brotli = brotli.or(any).unwrap_or(0);
    let identity = identity.unwrap_or(0);
    if brotli > 0 && brotli >= gzip && brotli >= identity {
        Coding::Brotli
    } else if gzip > 0 && gzip >= identity {
        Coding::Gzip
    } else {
        Coding::Identity
    }
}

/// The weight among an item's parameters in thousandths; 1,000 where there is none, 0 where it is no number.
fn weight<'a>(parameters: &mut impl Iterator<Item = &'a str>) -> u16 {
    let quality = parameters.find_map(|one| one.strip_prefix("q=").or(one.strip_prefix("Q=")));
    let Some(quality) = quality else {
        return 1_000;
    };
    match quality.parse::<f32>() {
        // The range is checked, so the product fits.
        Ok(quality) if (0.0..=1.0).contains(&quality) => (quality * 1_000.0) as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_coding_wins_and_brotli_among_equals() {
        for (accepted, coding) in [
            ("", Coding::Identity),
            ("gzip, deflate", Coding::Gzip),
            ("gzip, deflate, br", Coding::Brotli),
            ("GZIP", Coding::Gzip),
            ("br;q=0.5, gzip;q=0.8", Coding::Gzip),
            ("br;q=0, gzip;q=0", Coding::Identity),
            ("*", Coding::Brotli),
            ("*;q=0", Coding::Identity),
            ("br;q=0, *", Coding::Gzip),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("gzip;q=2", Coding::Identity),
            ("gzip ; q=0.001", Coding::Gzip),
            ("deflate, zstd", Coding::Identity),
            (";;q=,,", Coding::Identity),
        ] {
            let value = HeaderValue::from_static(accepted);
            assert_eq!(preferred(Some(&value)), coding, "{accepted:?}");
        }
        assert_eq!(preferred(None), Coding::Identity);
    }
}
