//! `/api/admin/users`.

use actix_web::{HttpRequest, HttpResponse, web};
use flagstaff_domain::access::{
    ChangeAccount, CreateAccount, GivenPassword, Password, Principal, Proof, Role, Username,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::UserRecord;
use super::{answer, schema};
use crate::app::Services;
use crate::auth::{Admin, Myself, Viewer};
use crate::error::{Code, Problem};
use crate::json::{Body, Params};
use crate::names::{Names, UserNumber};
use crate::paging::{self, PageParams};
use crate::precondition::Accepts;
use crate::sign_in::Attempt;

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// The name by which they sign in.
    #[schema(value_type = schema::Username)]
    username: Username,
    /// With which.
    #[schema(value_type = schema::NewPassword)]
    password: Password,
    /// What they may do; "viewer" unless told.
    #[schema(value_type = Option<schema::Role>)]
    role: Option<Role>,
}

/// What of a user is to become another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChange {
    /// What they may do.
    #[schema(value_type = Option<schema::Role>)]
    role: Option<Role>,
    /// With which they sign in.
    #[schema(value_type = Option<schema::NewPassword>)]
    password: Option<Password>,
    /// Whether they are shut out.
    disabled: Option<bool>,
    /// The password until now: beside a new one of one's own, and nowhere else.
    #[schema(value_type = Option<schema::GivenPassword>)]
    current_password: Option<GivenPassword>,
}

/// List the users
#[utoipa::path(get, path = "/api/admin/users", tag = "users",
    params(("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "The most users to return, 1 to 1,000; 1,000 unless told."),
           ("after" = Option<i64>, Query, description = "Only what comes after the user of this id.")),
    responses((status = 200, description = "The users, oldest first", body = Vec<UserRecord>)))]
pub(crate) async fn list(
    _: Viewer,
    services: web::Data<Services>,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = params
        .0
        .page(|id| UserNumber::try_from(id).map(|UserNumber(id)| id))?;
    let limit = page.limit;
    let accounts = services.accounts.clone();
    let listing = services.blocking.read(move || accounts.list(&page)).await?;
    Ok(paging::list(
        &listing,
        limit,
        "/api/admin/users",
        |one| UserRecord::from(one),
        |one| one.id.to_string(),
    ))
}

/// Add a user
#[utoipa::path(post, path = "/api/admin/users", tag = "users", request_body = NewUser,
    responses((status = 201, description = "Added", body = UserRecord),
              (status = 409, description = "The name is taken, in this or another case", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create(
    admin: Admin,
    services: web::Data<Services>,
    body: Body<NewUser>,
) -> Result<HttpResponse, Problem> {
    let command = CreateAccount {
        username: body.0.username,
        password: body.0.password,
        role: body.0.role.unwrap_or(Role::Viewer),
    };
    let accounts = services.accounts.clone();
    let written = services
        .blocking
        .run(move || accounts.create(&admin.actor(), command))
        .await?;
    let record = UserRecord::from(&written.record);
    let path = ["users", &record.id.to_string()];
    let version = written.record.version;
    Ok(answer::created(written.revision, version, &path, &record))
}

/// Show oneself
///
/// The user that the request's credentials belong to.
#[utoipa::path(get, path = "/api/admin/users/me", tag = "users", operation_id = "me",
    responses((status = 200, description = "The user", body = UserRecord)))]
pub(crate) async fn me(
    myself: Myself,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    answered(&services, UserNumber(myself.0.account)).await
}

/// Show a user
#[utoipa::path(get, path = "/api/admin/users/{id}", tag = "users",
    params(("id" = i64, Path, description = "The user's id")),
    responses((status = 200, description = "The user", body = UserRecord)))]
pub(crate) async fn show(
    _: Admin,
    services: web::Data<Services>,
    id: Names<UserNumber>,
) -> Result<HttpResponse, Problem> {
    answered(&services, id.0).await
}

async fn answered(
    services: &Services,
    UserNumber(id): UserNumber,
) -> Result<HttpResponse, Problem> {
    let accounts = services.accounts.clone();
    let account = services.blocking.read(move || accounts.get(id)).await?;
    Ok(answer::record(account.version, &UserRecord::from(&account)))
}

/// Change a user
///
/// Everybody may give themselves another password, with the current one. Everything else is for administrators. Another
/// password, and disabling, end the user's sessions and tokens.
#[utoipa::path(patch, path = "/api/admin/users/{id}", tag = "users", request_body = UserChange,
    params(("id" = i64, Path, description = "The user's id")),
    responses((status = 200, description = "Changed", body = UserRecord),
              (status = 409, description = "This is the last enabled administrator", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn change(
    myself: Myself,
    services: web::Data<Services>,
    request: HttpRequest,
    id: Names<UserNumber>,
    accepts: Accepts,
    body: Body<UserChange>,
) -> Result<HttpResponse, Problem> {
    let (Myself(principal), Names(UserNumber(id))) = (myself, id);
    let change = ChangeAccount {
        role: body.0.role,
        password: body.0.password,
        disabled: body.0.disabled,
    };
    let proof = principal.may_change(id, &change)?;
    prove(
        proof,
        &principal,
        body.0.current_password,
        &services,
        &request,
    )
    .await?;
    let accounts = services.accounts.clone();
    let written = services
        .blocking
        .run(move || accounts.change(&principal.actor(), id, &change, &accepts.0))
        .await?;
    let account = &written.record;
    let record = UserRecord::from(account);
    Ok(answer::changed(written.revision, account.version, &record))
}

/// Verifies what has to be shown. A wrong password counts as a failed sign-in.
async fn prove(
    proof: Proof,
    principal: &Principal,
    current: Option<GivenPassword>,
    services: &Services,
    request: &HttpRequest,
) -> Result<(), Problem> {
    let current = match (proof, current) {
        (Proof::Nothing, None) => return Ok(()),
        (Proof::Nothing, Some(_)) => {
            return Err(Problem::field(
                "current_password",
                "must stand beside a new password of one's own, and nowhere else",
            ));
        }
        (Proof::CurrentPassword, None) => {
            return Err(Problem::new(
                Code::Forbidden,
                "one's own password is changed with the current one, in the field current_password",
            ));
        }
        (Proof::CurrentPassword, Some(current)) => current,
    };
    let attempt = Attempt::new(request, principal.username.to_string(), current.into_text());
    let attempt = attempt.within_limits("current_password")?;
    let sign_in = services.sign_in.clone();
    let verified = services
        .hashing
        .read(move || sign_in.verify(&attempt))
        .await;
    match verified {
        Err(problem) if problem.code() == Code::Unauthenticated => Err(Problem::new(
            Code::Forbidden,
            "current_password is not the current password",
        )),
        other => other.map(|_| ()),
    }
}

/// Delete a user
///
/// Ends all their sessions and tokens.
#[utoipa::path(delete, path = "/api/admin/users/{id}", tag = "users",
    params(("id" = i64, Path, description = "The user's id")),
    responses((status = 204, description = "Deleted"),
              (status = 409, description = "This is the last enabled administrator", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn delete(
    admin: Admin,
    services: web::Data<Services>,
    id: Names<UserNumber>,
    accepts: Accepts,
) -> Result<HttpResponse, Problem> {
    let Names(UserNumber(id)) = id;
    let accounts = services.accounts.clone();
    let revision = services
        .blocking
        .run(move || accounts.delete(&admin.actor(), id, &accepts.0))
        .await?;
    Ok(answer::deleted(revision))
}
