//! Request targets: the paths of operations with names that are there or hostile, paths in disguise, and queries.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::operations::Operation;
use crate::server::{ENVIRONMENTS, FEATURES};

/// What may stand where a name does, as it is sent.
const HOSTILE: &[&str] = &[
    "",
    ".",
    "..",
    "%2e",
    "%2e%2e",
    "%2f",
    "..%2f..",
    "%00",
    "%ff%fe",
    "%ED%A0%80",
    "%",
    "%zz",
    "%2",
    "%c0%ae",
    "%25",
    "%2500",
    "..;",
    ";a=b",
    "a%0d%0aX:%20y",
    "%20",
    "%EF%BB%BF",
    "*",
    "-1",
    "0",
    "99999999999999999999",
    "1e9",
    "null",
    "undefined",
    "%F0%9F%98%80",
    "a%2Fb",
];

/// What may stand as a parameter's value, as it is sent.
const VALUES: &[&str] = &[
    "",
    "1",
    "0",
    "-1",
    "1000",
    "1001",
    "99999999999999999999",
    "-9223372036854775808",
    "1e3",
    "true",
    "false",
    "yes",
    "flags",
    "access",
    "dark_mode",
    "production",
    "user:admin",
    "%00",
    "%ff",
    "%zz",
    "a%26b",
    "a+b",
    "%3Cscript%3E",
    "gr%C3%B6%C3%9Fe%20%E6%97%A5%E6%9C%AC",
];

/// Parameters that no operation has, and such as might hold a key.
const FOREIGN: &[&str] = &[
    "x",
    "environment_key",
    "key",
    "token",
    "%6bey",
    "_method",
    "limit%00",
    "",
    "FORCE",
    "__proto__",
];

/// The target of a request for this operation.
pub(crate) fn target(operation: &Operation) -> BoxedStrategy<Vec<u8>> {
    let users = operation.path.starts_with("/api/admin/users");
    let path = operation.path.split('/').skip(1).map(|part| match part {
        "{environment}" => name(ENVIRONMENTS),
        "{feature}" => name(FEATURES),
        // Not the one who sends the requests: somebody else who administers could shut that one out.
        "{id}" if users => (2..40_u32).prop_map(|id| id.to_string()).boxed(),
        "{id}" => {
            prop_oneof![9 => (1..40_u32).prop_map(|id| id.to_string()), 1 => hostile()].boxed()
        }
        "{guid}" => {
            prop_oneof![9 => (1..20_u32).prop_map(|guid| format!("{guid:032X}")), 1 => hostile()]
                .boxed()
        }
        "{date}" => {
            let days = (1..32_u32).prop_map(|day| format!("2026-10-{day:02}"));
            prop_oneof![9 => days, 1 => hostile()].boxed()
        }
        _ if part.starts_with('{') => hostile(),
        _ => Just(part.to_owned()).boxed(),
    });
    let path = path
        .collect::<Vec<_>>()
        .prop_map(|parts| format!("/{}", parts.join("/")));
    let path = prop_oneof![
        16 => path.clone(),
        3 => (path.clone(), disguise(), any::<Index>()).prop_map(|(path, disguise, at)| disguise.over(&path, at)),
        1 => (select(vec!["http://flags.example", "https://other.example:1", "//flags.example"]), path)
            .prop_map(|(origin, path)| format!("{origin}{path}")),
    ];
    (path, query(operation))
        .prop_map(|(path, query)| format!("{path}{query}").into_bytes())
        .prop_flat_map(damaged)
        .boxed()
}

/// One of these names, percent-encoded, or a hostile one.
fn name(names: &'static [&'static str]) -> BoxedStrategy<String> {
    prop_oneof![12 => select(names).prop_map(encoded), 1 => hostile()].boxed()
}

fn hostile() -> BoxedStrategy<String> {
    prop_oneof![
        4 => select(HOSTILE).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9_.~-]{1,12}",
        1 => (140..160_usize).prop_map(|length| "a".repeat(length)),
        1 => select(vec![300_usize, 3_000, 60_000]).prop_map(|length| "%41".repeat(length)),
    ]
    .boxed()
}

/// A name as a path has it.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// How a path is written so that it might be taken for another.
#[derive(Debug, Clone, Copy)]
enum Disguise {
    Insert(&'static str),
    Replace(&'static str, &'static str),
    Upper,
    Encode,
    Prefix(&'static str),
    Suffix(&'static str),
}

fn disguise() -> impl Strategy<Value = Disguise> {
    use Disguise::{Encode, Insert, Prefix, Replace, Suffix, Upper};
    select(vec![
        Insert("/"),
        Insert("/."),
        Insert("/x/.."),
        Insert("/%2e"),
        Insert("%00"),
        Insert(";"),
        Replace("/", "%2f"),
        Replace("/", "\\"),
        Replace("/", "//"),
        Replace("a", "%61"),
        Replace("/", "%252f"),
        Replace("admin", "Admin"),
        Replace("v1", "v1/../admin"),
        Replace("/", "\u{ff0f}"),
        Upper,
        Encode,
        Prefix("/docs/.."),
        Prefix("/docs/..%2f"),
        Prefix("/api/v1/flags/../../.."),
        Prefix("/."),
        Suffix("/"),
        Suffix("%00"),
        Suffix("//"),
        Suffix(";a=b"),
        Suffix("#part"),
        Suffix(".json"),
        Suffix("%20"),
    ])
}

impl Disguise {
    fn over(self, path: &str, at: Index) -> String {
        let bound = path.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
        let at = bound[at.index(bound.len())];
        match self {
            Self::Insert(text) => format!("{}{text}{}", &path[..at], &path[at..]),
            Self::Replace(old, new) => path.replace(old, new),
            Self::Upper => path.to_uppercase(),
            Self::Encode => path.bytes().map(|byte| format!("%{byte:02x}")).collect(),
            Self::Prefix(text) => format!("{text}{path}"),
            Self::Suffix(text) => format!("{path}{text}"),
        }
    }
}

fn query(operation: &Operation) -> BoxedStrategy<String> {
    let foreign = || select(FOREIGN).prop_map(str::to_owned);
    let name = match operation.query.is_empty() {
        true => foreign().boxed(),
        false => prop_oneof![12 => select(operation.query.clone()), 1 => foreign()].boxed(),
    };
    let value = prop_oneof![
        8 => select(VALUES).prop_map(str::to_owned),
        1 => hostile(),
    ];
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    prop_oneof![
        if operation.query.is_empty() { 120 } else { 6 } => Just(String::new()),
        6 => vec(pair, 1..3).prop_map(|pairs| format!("?{}", pairs.join("&"))),
        1 => select(vec!["?", "?&", "?=", "??", "?limit", "?feature", "?feature=&feature=", "?%", "?a[]=1"])
            .prop_map(str::to_owned),
    ]
    .boxed()
}

/// The same bytes, or seldom with some that no target has.
fn damaged(target: Vec<u8>) -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        40 => Just(target.clone()),
        1 => (Just(target), any::<Index>(), vec(any::<u8>(), 1..4)).prop_map(|(mut target, at, bytes)| {
            let at = at.index(target.len() + 1);
            target.splice(at..at, bytes);
            target
        }),
    ]
    .boxed()
}
