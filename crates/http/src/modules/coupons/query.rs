//! What is asked of coupons: which of them, from where on, in which currency; and the id in a path.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::modules::coupons::{
    Coupon, CouponId, CouponPlace, CouponState, CurrencyCode,
};
use flagstaff_domain::page::{PAGE_MAX, Page};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::error::{Code, Problem};

/// Which coupons are asked for.
#[derive(Debug, Clone, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `valid` for those that have not expired at this moment, `invalid` for those that have; in the order of expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(pattern = "^(valid|invalid)$")]
    state: Option<String>,
    /// A currency of ISO 4217: what each is worth in it is told, where a stored rate allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// The most records to return, 1 to 1,000; 1,000 unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only what comes after this place, which the `Link` header of the page before names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(pattern = r"^(-?[0-9]{1,18}\.)?[0-9]{1,18}$")]
    after: Option<String>,
    /// Whether to show what a feature hides, or is shown to some alone; this needs an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<bool>,
}

/// In which currency a coupon is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Worth {
    /// A currency of ISO 4217: what it is worth in it is told, where a stored rate allows it.
    currency: Option<String>,
}

impl Worth {
    pub(super) fn currency(&self) -> Result<Option<CurrencyCode>, Problem> {
        currency(self.currency.as_deref())
    }
}

fn currency(text: Option<&str>) -> Result<Option<CurrencyCode>, Problem> {
    let code = text.map(CurrencyCode::parse).transpose();
    code.map_err(|error| Problem::field("currency", error.to_string()))
}

impl Wanted {
    pub(super) fn state(&self) -> Result<Option<CouponState>, Problem> {
        match self.state.as_deref() {
            None => Ok(None),
            Some("valid") => Ok(Some(CouponState::Valid)),
            Some("invalid") => Ok(Some(CouponState::Invalid)),
            Some(_) => Err(Problem::field("state", "must be valid or invalid")),
        }
    }

    pub(super) fn currency(&self) -> Result<Option<CurrencyCode>, Problem> {
        currency(self.currency.as_deref())
    }

    pub(super) fn hidden(&self) -> bool {
        self.hidden.unwrap_or_default()
    }

    pub(super) fn page(&self) -> Result<Page<CouponPlace>, Problem> {
        let after = self.after.as_deref().map(|text| {
            self.place(text).ok_or_else(|| {
                Problem::field(
                    "after",
                    "must be what the Link header of the page before says",
                )
            })
        });
        Page::new(self.limit.unwrap_or(PAGE_MAX), after.transpose()?)
            .map_err(|error| Problem::field("limit", error.to_string()))
    }

    /// A coupon's id; in lists by state with the instant of its expiry before it, in microseconds.
    fn place(&self, text: &str) -> Option<CouponPlace> {
        let number = |text: &str| text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
        match (text.split_once('.'), &self.state) {
            (None, None) => Some(CouponPlace {
                expire_at: None,
                id: CouponId(number(text)?),
            }),
            (Some((at, id)), Some(_)) => Some(CouponPlace {
                expire_at: Some(Timestamp::from_micros(number(at)?)?),
                id: CouponId(number(id)?),
            }),
            _ => None,
        }
    }

    /// The same for the page after this coupon.
    pub(super) fn next(&self, last: &Coupon) -> Self {
        let after = match self.state {
            None => last.id.to_string(),
            Some(_) => format!("{}.{}", last.details.expire_at.as_micros(), last.id),
        };
        Self {
            after: Some(after),
            ..self.clone()
        }
    }
}

/// The id in the path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbered(pub(crate) CouponId);

impl FromRequest for Numbered {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("id").unwrap_or_default();
        std::future::ready(id(text).map(Self))
    }
}

fn id(text: &str) -> Result<CouponId, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || text.bytes().all(|byte| byte == b'0') {
        return Err(Problem::field("id", "must be a positive integer"));
    }
    // No coupon has an id beyond what is stored.
    let id = text.parse().map(CouponId);
    id.map_err(|_| Problem::new(Code::NotFound, "there is no coupon with so large an id"))
}
