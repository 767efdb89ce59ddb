//! Names in paths. What cannot be a name names nothing: 404, saying why.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use crate::error::{Code, Problem};

/// The names in a path, parsed.
#[derive(Debug)]
pub(crate) struct Names<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for Names<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let names = web::Path::<T>::from_request(request, payload).into_inner();
        std::future::ready(names.map(|path| Self(path.into_inner())).map_err(|error| {
            Problem::new(
                Code::NotFound,
                format!("nothing can have the name in this path: it {error}"),
            )
        }))
    }
}
