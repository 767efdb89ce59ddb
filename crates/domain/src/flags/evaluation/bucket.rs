//! Buckets: a number from 0 to 100 that depends on ids alone, so that the same user always falls into the same part.
//!
//! Flagsmith's formula: MD5 of the ids joined by commas, its hexadecimal digits read as an integer, modulo 9999, divided by
//! 9998, times 100. Should that be 100, the list of ids is repeated and hashed again.

use std::fmt::{self, Display, Write};

use md5::{Digest, Md5};

/// The bucket of these ids: at least 0, below 100.
#[must_use]
pub fn percentage(ids: &[&dyn Display]) -> f64 {
    let mut times = 1;
    loop {
        let rest = hash(ids, times) % 9999;
        if rest < 9998 {
            #[expect(clippy::cast_precision_loss, reason = "below 9998")]
            return rest as f64 / 9998.0 * 100.0;
        }
        times += 1;
    }
}

fn hash(ids: &[&dyn Display], times: usize) -> u128 {
    let mut text = Hashed(Md5::new());
    for (at, id) in std::iter::repeat_n(ids, times).flatten().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{id}"); // which cannot fail
    }
    u128::from_be_bytes(text.0.finalize().into())
}

/// A hash that text is written into, without a text in between.
struct Hashed(Md5);

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_that_of_flagsmith() {
        // From Flagsmith's Python engine 11.1; the last one hashes to 100 at first.
        for (ids, expected) in [
            (vec!["12", "93"], 27.655_531_106_221_243),
            (vec!["ü", ""], 56.301_260_252_050_41),
            (vec!["270"], 11.362_272_454_490_899),
            (vec!["14368", "x"], 46.719_343_868_773_755),
        ] {
            let ids: Vec<&dyn Display> = ids.iter().map(|id| id as &dyn Display).collect();
            let bucket = percentage(&ids);
            assert!((bucket - expected).abs() < 1e-9, "{bucket}");
        }
    }
}
