//! The reference that Flagstaff is measured against: a bare actix-web program that answers fixed bytes and headers after
//! reading the request's body, if it has one, and one header lookup in a map behind a `parking_lot::RwLock`. No
//! middleware, no metric, no limit.
//!
//! Started by `flagstaff-bench` as `reference ADDRESS KEY ANSWER`, where ANSWER is a file with `{"headers", "body"}`.

use std::collections::HashMap;
use std::io::{Error, ErrorKind};

use actix_web::http::header::{HeaderName, HeaderValue, IF_NONE_MATCH};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use parking_lot::RwLock;
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    headers: Vec<(String, String)>,
    body: String,
}

struct Answer {
    headers: Vec<(HeaderName, HeaderValue)>,
    etag: Option<HeaderValue>,
    body: Bytes,
}

type Answers = RwLock<HashMap<Vec<u8>, Answer>>;

async fn post(request: HttpRequest, body: Bytes, answers: web::Data<Answers>) -> HttpResponse {
    if body.is_empty() {
        return HttpResponse::BadRequest().finish();
    }
    get(request, answers).await
}

async fn get(request: HttpRequest, answers: web::Data<Answers>) -> HttpResponse {
    let Some(key) = request.headers().get("x-environment-key") else {
        return HttpResponse::Unauthorized().finish();
    };
    let answers = answers.read();
    let Some(answer) = answers.get(key.as_bytes()) else {
        return HttpResponse::Unauthorized().finish();
    };
    let matches = request.headers().get(IF_NONE_MATCH);
    let unchanged = matches.is_some() && matches == answer.etag.as_ref();
    let mut response = if unchanged {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    for header in &answer.headers {
        response.insert_header(header.clone());
    }
    if unchanged {
        response.finish()
    } else {
        response.body(answer.body.clone())
    }
}

fn answer(file: &str) -> std::io::Result<Answer> {
    let recorded: Recorded = serde_json::from_slice(&std::fs::read(file)?)?;
    let headers: Vec<(HeaderName, HeaderValue)> = recorded
        .headers
        .into_iter()
        .map(|(name, value)| {
            let name = HeaderName::try_from(name).map_err(Error::other)?;
            let value = HeaderValue::try_from(value).map_err(Error::other)?;
            Ok((name, value))
        })
        .collect::<std::io::Result<_>>()?;
    let etag = headers.iter().find(|(name, _)| name == "etag");
    Ok(Answer {
        etag: etag.map(|(_, value)| value.clone()),
        headers,
        body: Bytes::from(recorded.body),
    })
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, key, file] = arguments.as_slice() else {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "usage: reference ADDRESS KEY ANSWER",
        ));
    };
    let answers: Answers = RwLock::new(HashMap::from([(key.clone().into_bytes(), answer(file)?)]));
    let answers = web::Data::new(answers);
    HttpServer::new(move || {
        App::new()
            .app_data(answers.clone())
            .route("/{path:.*}", web::get().to(get))
            .route("/{path:.*}", web::post().to(post))
    })
    .workers(1)
    .bind(address)?
    .run()
    .await
}
