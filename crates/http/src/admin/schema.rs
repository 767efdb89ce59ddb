//! How the domain's types are described: what a text may hold, which words there are, what a value may be.
//!
//! For the description of the API alone: what is accepted is decided where the domain parses it.

#![allow(dead_code, reason = "these types are described, not made")]

use flagstaff_domain::changes;
use flagstaff_domain::flags::evaluation::Operator;
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

/// 1 to 150 characters on one line, no `:`, no surrounding white space; unique without regard to case.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 150,
    pattern = r"^[^\s:\x00-\x1f\x7f-\x9f]([^:\x00-\x1f\x7f-\x9f]*[^\s:\x00-\x1f\x7f-\x9f])?$"
)]
pub(crate) struct Username(String);

/// 12 to 128 characters. No answer holds one.
#[derive(ToSchema)]
#[schema(min_length = 12, max_length = 128, format = Password)]
pub(crate) struct NewPassword(String);

/// Up to 128 characters. No answer holds one.
#[derive(ToSchema)]
#[schema(max_length = 128, format = Password)]
pub(crate) struct GivenPassword(String);

/// 32 hexadecimal characters, letters in upper case.
#[derive(ToSchema)]
#[schema(pattern = r"^[0-9A-F]{32}$")]
pub(crate) struct Guid(String);

/// 1 to 255 characters on one line.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 255,
    pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"
)]
pub(crate) struct GuidUser(String);

/// Unix time in whole seconds, from 0 to 253402300799.
#[derive(ToSchema)]
#[schema(pattern = r"^[0-9]{1,12}$")]
pub(crate) struct Expire(String);

/// Unix time in whole seconds, from 0 to 253402300799, as a string or as a number.
pub(crate) struct ExpireInput;

impl ToSchema for ExpireInput {}

impl PartialSchema for ExpireInput {
    fn schema() -> RefOr<Schema> {
        // Whatever is not beyond 253402300799.
        let string = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(concat!(
                r"^0*([0-9]{1,11}|1[0-9]{11}|2[0-4][0-9]{10}|25[0-2][0-9]{9}|253[0-3][0-9]{8}|25340[01][0-9]{6}",
                r"|253402[0-2][0-9]{5}|253402300[0-7][0-9]{2})$"
            )));
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(253_402_300_799_i64));
        AnyOfBuilder::new().item(string).item(number).into()
    }
}

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

/// What an account may do; each role may do what those before it may.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Viewer,
    Editor,
    Admin,
}

/// Whose state of a feature it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    Identity,
    Segment,
    Environment,
}

/// What became of a state that might have been served.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Won,
    Beaten,
    NoMatch,
}

/// How many must hold.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum RuleType {
    All,
    Any,
    None,
}

/// A text, or several. A number, true or false stands for its text.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ConditionValue {
    One(Scalar),
    List(Vec<Scalar>),
}

/// A text, or what is taken for one.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Scalar {
    Text(String),
    Number(f64),
    Boolean(bool),
}

/// What a trait says: a text, a number, true or false; null is nothing.
pub(crate) struct TraitValue;

impl ToSchema for TraitValue {}

impl PartialSchema for TraitValue {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(2_000));
        let plain = [Type::Null, Type::Boolean, Type::Number]
            .map(|kind| ObjectBuilder::new().schema_type(kind));
        let all = AnyOfBuilder::new().item(text);
        plain.into_iter().fold(all, |all, one| all.item(one)).into()
    }
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

/// One of the values that a feature may have.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variant {
    /// What it is called, for ever.
    #[schema(value_type = Name)]
    pub(crate) key: String,
    /// What those who get it get.
    #[schema(value_type = FlagValue)]
    pub(crate) value: (),
}

/// Which part of the identities gets a variant.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Share {
    /// The variant's key.
    #[schema(value_type = Name)]
    pub(crate) variant: String,
    /// How many of a hundred get it, with at most four decimals; together at most 100.
    #[schema(minimum = 0, maximum = 100)]
    pub(crate) weight: f64,
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

/// 1 to 2,000 characters, no NUL.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 2000, pattern = r"^[^\x00]*$")]
pub(crate) struct Identifier(String);

/// A rule: as many of its conditions, and of its nested rules, must hold as its type says.
#[derive(ToSchema)]
pub(crate) struct Rule {
    /// `ALL`, `ANY` or `NONE`.
    #[schema(rename = "type")]
    kind: RuleType,
    /// Conditions on the context.
    #[schema(required = false, max_items = 100)]
    conditions: Vec<Condition>,
    /// Nested rules, up to 8 levels deep.
    #[schema(required = false, no_recursion, max_items = 100)]
    rules: Vec<Rule>,
}

/// A condition: an operator between a property of the context and a value.
#[derive(ToSchema)]
pub(crate) struct Condition {
    /// A trait's name, or an RFC 9535 path into the context; for `FLAG` a feature's name.
    #[schema(required = false, max_length = 500)]
    property: String,
    /// One of those that `/api/admin/operators` lists.
    operator: OperatorName,
    /// What it is compared with.
    #[schema(required = false)]
    value: ConditionValue,
}

/// An operator's name.
pub(crate) struct OperatorName;

impl ToSchema for OperatorName {}

impl PartialSchema for OperatorName {
    fn schema() -> RefOr<Schema> {
        let names = Operator::all().map(Operator::name);
        let names = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names));
        names.into()
    }
}
