//! How the domain's types are described: what a text may hold, which words there are, what a value may be.
//!
//! For the description of the API alone: what is accepted is decided where the domain parses it.

#![allow(dead_code, reason = "these types are described, not made")]

use flagstaff_domain::changes;
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

/// 1 to 150 characters, no control characters, no `/`, no surrounding white space, not `.` or `..`.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 150,
    pattern = r"^(?!\.\.?$)[^\s/\x00-\x1f\x7f-\x9f]([^/\x00-\x1f\x7f-\x9f]*[^\s/\x00-\x1f\x7f-\x9f])?$"
)]
pub(crate) struct Name(String);

/// 1 to 150 characters on one line, no surrounding white space.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 150,
    pattern = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$"
)]
pub(crate) struct Label(String);

/// 1 to 50 characters on one line, no surrounding white space.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 50,
    pattern = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$"
)]
pub(crate) struct Tag(String);

/// Up to 4,000 characters; no control characters but line breaks and tabs.
#[derive(ToSchema)]
#[schema(
    max_length = 4000,
    pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
)]
pub(crate) struct Description(String);

/// What kind of feature it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum FeatureType {
    Standard,
    Multivariate,
}

/// Who a key is for: applications in their users' hands, or servers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyKind {
    Client,
    Server,
}

/// What a change concerns.
pub(crate) struct Context;

impl ToSchema for Context {}

impl PartialSchema for Context {
    fn schema() -> RefOr<Schema> {
        let words = changes::Context::all().map(changes::Context::as_str);
        let words = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words));
        words.into()
    }
}

/// What a flag carries.
pub(crate) struct FlagValue;

impl ToSchema for FlagValue {}

impl PartialSchema for FlagValue {
    fn schema() -> RefOr<Schema> {
        let string = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(65_536))
            .pattern(Some(r"^[^\x00]*$"));
        let integer = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
        let plain = [
            Type::Null,
            Type::Boolean,
            Type::Number,
            Type::Object,
            Type::Array,
        ]
        .map(|kind| ObjectBuilder::new().schema_type(kind));
        let all = AnyOfBuilder::new().description(Some(
            "Null, a boolean, a string without NUL or JSON up to 64 KiB, a 64-bit integer, a float",
        ));
        let all = [string, integer]
            .into_iter()
            .chain(plain)
            .fold(all, |all, one| all.item(one));
        all.into()
    }
}
