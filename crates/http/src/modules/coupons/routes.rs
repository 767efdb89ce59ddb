//! `/coupons` and `/coupons/{id}`.

use actix_web::http::header::{CACHE_CONTROL, ETAG, VARY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use flagstaff_domain::modules::coupons::{
    Audience, ChangeCoupon, Coupon, CouponError, CurrencyCode,
};

use super::dto::{CouponBody, CouponFields, Created, NewCoupon};
use super::query::{Numbered, Wanted, Worth};
use super::{CouponsModule, audience};
use crate::admin::answer;
use crate::app::Services;
use crate::auth::Editor;
use crate::error::Problem;
use crate::json::{Body, Params};
use crate::paging;
use crate::precondition::{Accepts, entity_tag};

/// What is answered depends on who asks, and on the moment.
fn read() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((VARY, "X-Environment-Key, Authorization, Cookie"));
    response
}

/// What coupons look like, with what they are worth in a currency where one is asked for.
fn shown(
    module: &CouponsModule,
    coupons: &[Coupon],
    currency: Option<CurrencyCode>,
) -> Result<Vec<CouponBody>, CouponError> {
    let mut worth = match currency {
        Some(currency) => module.coupons.convert(coupons, currency)?,
        None => Vec::new(),
    };
    worth.resize(coupons.len(), None);
    let bodies = coupons.iter().zip(worth);
    Ok(bodies
        .map(|(coupon, converted)| CouponBody::new(coupon, converted))
        .collect())
}

/// List coupons
///
/// With an environment's key: those that are published, as far as that environment's features show them. Without: those
/// that no feature shows or hides, also before they are published. Unpaged up to 1,000.
#[utoipa::path(get, path = "/coupons", tag = "coupons", params(Wanted),
    security((), ("environment_key" = []), ("basic" = [])),
    responses((status = 200, description = "The coupons", body = Vec<CouponBody>,
        headers(("Link" = String, description = "Where the next page is, if there is one")))))]
pub(crate) async fn list(
    request: HttpRequest,
    services: web::Data<Services>,
    module: web::Data<CouponsModule>,
    wanted: Params<Wanted>,
) -> Result<HttpResponse, Problem> {
    let wanted = wanted.0;
    let (state, currency, page) = (wanted.state()?, wanted.currency()?, wanted.page()?);
    let audience = audience::of_reader(&request, &module, wanted.hidden()).await?;
    let (listing, bodies) = services
        .blocking
        .read(move || {
            let listing = module.coupons.list(state, audience, page)?;
            let bodies = shown(&module, &listing.items, currency)?;
            Ok::<_, CouponError>((listing, bodies))
        })
        .await?;
    let mut response = read();
    if let Some(last) = listing.items.last().filter(|_| listing.more) {
        response.insert_header(paging::link("/coupons", &wanted.next(last)));
    }
    Ok(response.json(bodies))
}

/// Create a coupon
#[utoipa::path(post, path = "/coupons", tag = "coupons", request_body = NewCoupon,
    responses((status = 201, description = "Created", body = Created)))]
pub(crate) async fn create(
    editor: Editor,
    services: web::Data<Services>,
    module: web::Data<CouponsModule>,
    body: Body<CouponFields>,
) -> Result<HttpResponse, Problem> {
    let command = body.0.into_new()?;
    let written = services
        .blocking
        .run(move || module.coupons.create(&editor.actor(), &command))
        .await?;
    let id = written.record.id.0;
    Ok(answer::created_at(
        written.revision,
        written.record.version,
        format!("/coupons/{id}"),
        &Created { id },
    ))
}

/// Show a coupon
///
/// With an account: any. With an environment's key: 404 where that environment's list would not have it. Without: 404
/// where a feature shows or hides it.
#[utoipa::path(get, path = "/coupons/{id}", tag = "coupons",
    security((), ("environment_key" = []), ("basic" = [])),
    params(("id" = u64, Path, description = "Its id", minimum = 1), Worth),
    responses((status = 200, description = "The coupon", body = CouponBody),
              (status = 429, description = "Too many coupons were asked for that are not there", body = crate::error::ProblemBody,
               content_type = "application/problem+json")))]
pub(crate) async fn show(
    request: HttpRequest,
    id: Numbered,
    services: web::Data<Services>,
    module: web::Data<CouponsModule>,
    worth: Params<Worth>,
) -> Result<HttpResponse, Problem> {
    let currency = worth.0.currency()?;
    let audience = audience::of_visitor(&request, &module).await?;
    // Whoever has a key or an account does not have to guess.
    let guesses = (audience == Audience::Everybody).then(|| module.guesses.clone());
    if let Some(guesses) = &guesses {
        guesses.admit(&request)?;
    }
    let found = services
        .blocking
        .read(move || {
            let coupon = module.coupons.get(id.0, &audience)?;
            let version = coupon.version;
            Ok::<_, CouponError>((version, shown(&module, &[coupon], currency)?))
        })
        .await;
    let (version, mut bodies) = match guesses {
        Some(guesses) => guesses.note(&request, found)?,
        None => found?,
    };
    let mut response = read();
    // What it is worth in another currency changes without it.
    if currency.is_none() {
        response.insert_header((ETAG, entity_tag(version)));
    }
    Ok(response.json(bodies.pop()))
}

/// Change a coupon
///
/// What is left out, or null, stays as it is; an empty text takes away what is optional, an empty object the store.
#[utoipa::path(put, path = "/coupons/{id}", tag = "coupons", request_body = CouponFields,
    params(("id" = u64, Path, description = "Its id", minimum = 1)),
    responses((status = 200, description = "The whole coupon as it is now", body = CouponBody)))]
pub(crate) async fn change(
    editor: Editor,
    id: Numbered,
    accepts: Accepts,
    services: web::Data<Services>,
    module: web::Data<CouponsModule>,
    body: Body<CouponFields>,
) -> Result<HttpResponse, Problem> {
    let change = ChangeCoupon::from(body.0);
    let written = services
        .blocking
        .run(move || {
            module
                .coupons
                .change(&editor.actor(), id.0, &change, &accepts.0)
        })
        .await?;
    Ok(answer::changed(
        written.revision,
        written.record.version,
        &CouponBody::new(&written.record, None),
    ))
}

/// Delete a coupon
///
/// With the counts of its redemptions.
#[utoipa::path(delete, path = "/coupons/{id}", tag = "coupons",
    params(("id" = u64, Path, description = "Its id", minimum = 1)),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    editor: Editor,
    id: Numbered,
    accepts: Accepts,
    services: web::Data<Services>,
    module: web::Data<CouponsModule>,
) -> Result<HttpResponse, Problem> {
    let revision = services
        .blocking
        .run(move || module.coupons.delete(&editor.actor(), id.0, &accepts.0))
        .await?;
    Ok(answer::deleted(revision))
}
