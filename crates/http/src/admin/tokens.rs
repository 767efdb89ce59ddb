//! `/api/admin/tokens`: the access tokens of whoever asks.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::text::TokenName;
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::{IssuedTokenRecord, TokenRecord};
use super::{answer, schema};
use crate::app::Services;
use crate::auth::Myself;
use crate::error::Problem;
use crate::json::{Body, Params};
use crate::names::{Names, TokenNumber};
use crate::paging::{self, PageParams};
use crate::precondition::Accepts;

/// A new token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// Tells its owner which token this is; stands in the log beside the owner's name.
    #[schema(value_type = schema::Name)]
    name: TokenName,
    /// From when on it is refused; never where there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// List one's tokens
#[utoipa::path(get, path = "/api/admin/tokens", tag = "tokens",
    params(("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "The most tokens to return, 1 to 1,000; 1,000 unless told."),
           ("after" = Option<i64>, Query, description = "Only what comes after the token of this id.")),
    responses((status = 200, description = "The tokens in the order of their creation, without their texts", body = Vec<TokenRecord>)))]
pub(crate) async fn list(
    myself: Myself,
    services: web::Data<Services>,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = params
        .0
        .page(|id| TokenNumber::try_from(id).map(|TokenNumber(id)| id))?;
    let (limit, account) = (page.limit, myself.0.account);
    let tokens = services.tokens.clone();
    let listing = services
        .blocking
        .read(move || tokens.list(account, &page))
        .await?;
    Ok(paging::list(
        &listing,
        limit,
        "/api/admin/tokens",
        |one| TokenRecord::from(one),
        |one| one.id.to_string(),
    ))
}

/// Make a token
///
/// It does what its owner's role allows, until it expires or is deleted, or the owner is disabled or gets another password. Its text is
/// shown in this answer and never again. One that is made with a token that expires must not outlive it.
#[utoipa::path(post, path = "/api/admin/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 201, description = "Made", body = IssuedTokenRecord)))]
pub(crate) async fn create(
    myself: Myself,
    services: web::Data<Services>,
    body: Body<NewToken>,
) -> Result<HttpResponse, Problem> {
    let tokens = services.tokens.clone();
    let NewToken { name, expires_at } = body.0;
    let issued = services
        .blocking
        .run(move || tokens.create_own(&myself.0, name, expires_at))
        .await?;
    let record = IssuedTokenRecord::from(&issued);
    let path = ["tokens", &record.id.to_string()];
    let written = &issued.written;
    let mut response = answer::created(written.revision, written.record.version, &path, &record);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Delete one's token
///
/// It is refused from the answer on.
#[utoipa::path(delete, path = "/api/admin/tokens/{id}", tag = "tokens",
    params(("id" = i64, Path, description = "The token's id")),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    myself: Myself,
    services: web::Data<Services>,
    id: Names<TokenNumber>,
    accepts: Accepts,
) -> Result<HttpResponse, Problem> {
    let (Myself(principal), Names(TokenNumber(id))) = (myself, id);
    let tokens = services.tokens.clone();
    let revision = services
        .blocking
        .run(move || tokens.delete(&principal.actor(), principal.account, id, &accepts.0))
        .await?;
    Ok(answer::deleted(revision))
}
