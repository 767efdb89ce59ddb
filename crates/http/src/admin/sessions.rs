//! `/api/admin/sessions`: the cookie that a browser manages with.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use flagstaff_domain::access::GivenPassword;
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::UserRecord;
use super::schema;
use crate::app::Services;
use crate::auth::{CurrentSession, cookie, credentials, origin};
use crate::error::{Challenge, Problem};
use crate::json::Body;
use crate::sign_in::Attempt;

/// With what to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignIn)]
pub(crate) struct Given {
    /// The name.
    #[schema(max_length = 150)]
    username: String,
    /// The password.
    #[schema(value_type = schema::GivenPassword)]
    password: GivenPassword,
}

/// Begin a session
///
/// Answers with the user and a cookie, which is refused to scripts and to other sites' pages. A session that the same browser had
/// until now ends.
#[utoipa::path(post, path = "/api/admin/sessions", tag = "sessions", request_body = Given, security(()),
    responses((status = 201, description = "Begun", body = UserRecord)))]
pub(crate) async fn begin(
    request: HttpRequest,
    services: web::Data<Services>,
    body: Body<Given>,
) -> Result<HttpResponse, Problem> {
    let secure = services.settings.secure_cookie;
    origin::check(&request, secure)?;
    let replaces = credentials::session_of(&request, secure);
    let attempt = Attempt::new(&request, body.0.username, body.0.password.into_text());
    let attempt = attempt.within_limits("password")?;
    let (sign_in, sessions) = (services.sign_in.clone(), services.sessions.clone());
    let verified = services
        .hashing
        .read(move || sign_in.verify(&attempt))
        .await;
    // No browser is to ask by itself, as it would for HTTP Basic.
    let verified = verified.map_err(|problem| problem.challenge(Challenge::Session))?;
    let begin = move || sessions.begin(&verified, replaces.as_ref());
    let (text, account) = services.blocking.run(begin).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::SET_COOKIE, cookie::given(&text, secure)))
        .json(UserRecord::from(&account)))
}

/// End this session
///
/// Its cookie is dead from then on.
#[utoipa::path(delete, path = "/api/admin/sessions/current", tag = "sessions",
    responses((status = 204, description = "Ended"),
              (status = 404, description = "The request belongs to no session", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn end(
    CurrentSession(session): CurrentSession,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let sessions = services.sessions.clone();
    services.blocking.run(move || sessions.end(session)).await?;
    let taken = cookie::taken(services.settings.secure_cookie);
    Ok(HttpResponse::NoContent()
        .insert_header((header::SET_COOKIE, taken))
        .finish())
}
