//! What a request tells of an identity: as JSON, as a form, or in the query. Members that are not known are left to the SDKs
//! that send them.

use std::borrow::Cow;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::header::HeaderMap;
use flagstaff_domain::flags::Visit;
use flagstaff_domain::flags::evaluation::TraitValue;
use flagstaff_domain::flags::evaluation::subject::{NAME_MAX, TEXT_MAX, TRAITS_MAX, fits};
use flagstaff_domain::flags::traits::{TRAITS_BYTES, bytes};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::admin::schema;
use crate::error::{Code, Problem};
use crate::json;

/// An identity, and what is known of it.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct IdentityRequest<'a> {
    /// The identity, 1 to 2,000 characters.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 2000)]
    identifier: Cow<'a, str>,
    /// What is known of it from now on, at most 100; what was known before stays.
    #[serde(default)]
    traits: Option<Vec<SentTrait>>,
    /// Whether nothing is remembered of it, nor recalled.
    #[serde(default)]
    transient: Option<bool>,
}

/// A trait of an identity.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SentTrait {
    /// Its name, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    trait_key: String,
    /// A text of at most 2,000 characters, a number or a boolean; null forgets it.
    #[schema(value_type = schema::TraitValue)]
    trait_value: TraitValue,
    /// Whether it is told for this request alone.
    #[serde(default)]
    transient: Option<bool>,
}

/// What a body tells.
pub(super) fn of_body(headers: &HeaderMap, body: &[u8]) -> Result<Visit, Problem> {
    let media_type = headers.get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let essence = media_type.map(|value| value.split(';').next().unwrap_or_default().trim());
    match essence {
        Some(form) if form.eq_ignore_ascii_case("application/x-www-form-urlencoded") => {
            of_form(body)
        }
        Some(other) if !is_json(other) => Err(Problem::new(
            Code::UnsupportedMediaType,
            "the body must be JSON (Content-Type: application/json) or a form (application/x-www-form-urlencoded)",
        )),
        Some(_) | None => {
            // What is wrong is told by reading it once more, the slow way.
            let request = match serde_json::from_slice::<IdentityRequest<'_>>(body) {
                Ok(request) if body.trim_ascii_start().starts_with(b"{") => request,
                _ => json::parse_borrowed(body)?,
            };
            visit(request)
        }
    }
}

fn is_json(essence: &str) -> bool {
    let essence = essence.to_ascii_lowercase();
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// What a query tells: `?identifier=user-1&transient=true`.
pub(super) fn of_query(query: &str) -> Result<Visit, Problem> {
    let mut request = None;
    for (name, value) in pairs(query.as_bytes())? {
        match name.as_str() {
            "identifier" => {
                request
                    .get_or_insert_with(IdentityRequest::default)
                    .identifier = value.into()
            }
            "transient" => {
                let transient = switch(&name, &value)?;
                request
                    .get_or_insert_with(IdentityRequest::default)
                    .transient = Some(transient);
            }
            _ => {}
        }
    }
    let missing = || {
        Problem::field(
            "identifier",
            "is missing: it must be in the query, as ?identifier=user-1",
        )
    };
    visit(request.ok_or_else(missing)?)
}

/// What a form tells: `identifier`, `transient`, and traits as `traits[0]trait_key`.
fn of_form(body: &[u8]) -> Result<Visit, Problem> {
    let mut request = IdentityRequest::default();
    let mut traits: Vec<(String, SentTrait)> = Vec::new();
    for (name, value) in pairs(body)? {
        match name.as_str() {
            "identifier" => request.identifier = value.into(),
            "transient" => request.transient = Some(switch(&name, &value)?),
            other => {
                let Some((number, member)) = of_trait(other) else {
                    continue;
                };
                let at = match traits.iter().position(|(known, _)| known == number) {
                    Some(at) => at,
                    None if traits.len() > TRAITS_MAX => return Err(too_many()),
                    None => {
                        traits.push((number.to_owned(), SentTrait::none()));
                        traits.len() - 1
                    }
                };
                let one = &mut traits[at].1;
                match member {
                    "trait_key" => one.trait_key = value,
                    "trait_value" => one.trait_value = TraitValue::Text(value),
                    "transient" => one.transient = Some(switch(&name, &value)?),
                    _ => {}
                }
            }
        }
    }
    request.traits = Some(traits.into_iter().map(|(_, one)| one).collect());
    visit(request)
}

/// The number and the member that a form's field names: `traits[0]trait_key`, `traits[0][trait_key]`, `traits[0].trait_key`.
fn of_trait(name: &str) -> Option<(&str, &str)> {
    let (number, member) = name.strip_prefix("traits[")?.split_once(']')?;
    Some((number, member.trim_matches(['[', ']', '.'])))
}

fn pairs(encoded: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let text = std::str::from_utf8(encoded);
    let text = text.map_err(|_| Problem::new(Code::InvalidRequest, "the request must be UTF-8"))?;
    let decoded = |part: &str| {
        let spaced = part.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
        decoded.map(Cow::into_owned)
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let shown = || Problem::field(name, "must be UTF-8, percent-encoded");
            Ok((
                decoded(name).map_err(|_| shown())?,
                decoded(value).map_err(|_| shown())?,
            ))
        })
        .collect()
}

fn switch(name: &str, text: &str) -> Result<bool, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(Problem::field(name, "must be true or false")),
    }
}

impl SentTrait {
    fn none() -> Self {
        Self {
            trait_key: String::new(),
            trait_value: TraitValue::Null,
            transient: None,
        }
    }
}

fn too_many() -> Problem {
    Problem::field("traits", format!("must hold at most {TRAITS_MAX} traits"))
}

/// Checks what was told.
fn visit(request: IdentityRequest<'_>) -> Result<Visit, Problem> {
    let identifier = request.identifier;
    if identifier.is_empty() || !fits(&identifier, TEXT_MAX) || identifier.contains('\0') {
        let wanted = format!("must have 1 to {TEXT_MAX} characters, none of them NUL");
        return Err(Problem::field("identifier", wanted));
    }
    let mut visit = Visit {
        identifier: identifier.into_owned(),
        transient: request.transient.unwrap_or_default(),
        ..Visit::default()
    };
    let traits = request.traits.unwrap_or_default();
    if traits.len() > TRAITS_MAX {
        return Err(too_many());
    }
    for (at, one) in traits.into_iter().enumerate() {
        let wrong =
            |member: &str, wanted: String| Problem::field(format!("traits[{at}].{member}"), wanted);
        if one.trait_key.is_empty() || !fits(&one.trait_key, NAME_MAX) {
            let wanted = format!("must have 1 to {NAME_MAX} characters");
            return Err(wrong("trait_key", wanted));
        }
        if let TraitValue::Text(text) = &one.trait_value
            && !fits(text, TEXT_MAX)
        {
            let wanted = format!("must have at most {TEXT_MAX} characters");
            return Err(wrong("trait_value", wanted));
        }
        let traits = match one.transient {
            Some(true) => &mut visit.transient_traits,
            Some(false) | None => &mut visit.traits,
        };
        traits.insert(one.trait_key, one.trait_value);
    }
    if bytes(&visit.traits) + bytes(&visit.transient_traits) > TRAITS_BYTES {
        let wanted = "must have at most 16 KiB of names and texts together";
        return Err(Problem::field("traits", wanted));
    }
    Ok(visit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_tells_the_same_as_json() {
        let form = b"identifier=a%40b+c&transient=false&traits[0]trait_key=plan&traits%5B0%5Dtrait_value=pro\
            &traits[1][trait_key]=age&traits[1][trait_value]=5&traits[1][transient]=true&other=1";
        let json = br#"{"identifier": "a@b c", "transient": false, "other": [1], "traits": [
            {"trait_key": "plan", "trait_value": "pro"},
            {"trait_key": "age", "trait_value": "5", "transient": true}]}"#;
        let headers = HeaderMap::new();
        assert_eq!(of_form(form).unwrap(), of_body(&headers, json).unwrap());
    }

    #[test]
    fn a_query_names_the_identity() {
        let visit = of_query("transient=True&identifier=user%2B1+x&traits=5").unwrap();
        assert_eq!(
            (visit.identifier.as_str(), visit.transient),
            ("user+1 x", true)
        );
        for wrong in [
            "",
            "transient=true",
            "identifier=",
            "identifier=%ff",
            "identifier=a&transient=2",
        ] {
            assert_eq!(
                of_query(wrong).unwrap_err().code(),
                Code::InvalidRequest,
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_text_is_measured_in_characters() {
        for (text, holds) in [
            ("äöü", true),
            ("äöüß", false),
            ("abc", true),
            ("abcd", false),
        ] {
            assert_eq!(fits(text, 3), holds, "{text}");
        }
    }
}
