//! Names in paths. What cannot be a name names nothing: 404, saying why.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use flagstaff_domain::ids::{AccountId, KeyId, OverrideId, TokenId};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Code, Problem};

/// The names in a path, parsed.
#[derive(Debug)]
pub(crate) struct Names<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for Names<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // Without this, whatever is not UTF-8 would be read as the character that stands for it.
        let text = percent_decode_str(request.path()).decode_utf8();
        let names = web::Path::<T>::from_request(request, payload).into_inner();
        std::future::ready(match (text, names) {
            (Ok(_), Ok(names)) => Ok(Self(names.into_inner())),
            (Ok(_), Err(error)) => Err(no_name(&error.to_string())),
            (Err(_), _) => Err(no_name("must be UTF-8")),
        })
    }
}

fn no_name(reason: &str) -> Problem {
    Problem::new(
        Code::NotFound,
        format!("nothing can have the name in this path: it {reason}"),
    )
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $id:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Deserialize)]
        #[serde(try_from = "String")]
        pub(crate) struct $name(pub(crate) $id);

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let id = text.parse::<i64>().ok();
                // One spelling: a record has one path.
                id.filter(|id| id.to_string() == text)
                    .map(|id| Self($id(id)))
                    .ok_or(concat!("must be ", $what, " id, which is a whole number"))
            }
        }
    };
}

number!(
    /// The id of a key in a path.
    KeyNumber, KeyId, "a key's"
);
number!(
    /// The id of an override in a path.
    OverrideNumber, OverrideId, "an override's"
);
number!(
    /// The id of a user in a path.
    UserNumber, AccountId, "a user's"
);
number!(
    /// The id of an access token in a path.
    TokenNumber, TokenId, "a token's"
);
