//! What can be wrong with a request for rates, and why a day was not ingested.
//!
//! No message repeats what a source sent or was sent: an access key may be in it.

use std::time::Duration;

use super::currency::Currency;
use super::date::RateDate;
use super::day::Implausible;
use crate::storage::StorageError;

/// Why there are no rates to show.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RateError {
    /// The day has not come yet.
    #[error("must not be in the future: in UTC it is {today}")]
    Future {
        /// The day that it is.
        today: RateDate,
    },
    /// Nothing is stored for the day.
    #[error("no rates are stored for {0}")]
    NotStored(RateDate),
    /// The day has no rate for the currency.
    #[error("there is no rate of {0} for {1}")]
    NoRate(Currency, RateDate),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a source gave no rates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There is no access key.
    #[error(
        "no access key is configured: set rates.access_key, or the variable FLAGSTAFF__RATES__ACCESS_KEY__FILE"
    )]
    NoKey,
    /// The address leads where nobody serves rates.
    #[error(
        "rates.base_url leads to an address that is not asked: link-local, multicast or unspecified"
    )]
    ForbiddenAddress,
    /// No connection was made, or it broke.
    #[error("the source cannot be reached: {0}")]
    Connection(String),
    /// The whole answer did not arrive in time.
    #[error("the source did not answer within {} seconds", .0.as_secs_f32())]
    Timeout(Duration),
    /// The source asks to be left alone.
    #[error("the source limits requests (429){}", later(.0))]
    RateLimited(Option<Duration>),
    /// The source asked, on another day's call, to be left alone for longer than a run waits.
    #[error(
        "the source was not called: it asked to be left alone for another {} seconds",
        .0.as_secs()
    )]
    LeftAlone(Duration),
    /// The source fails.
    #[error("the source failed with status {status}{}", later(.wait))]
    Fault {
        /// The status, 500 or higher.
        status: u16,
        /// After how long it asks to be called again.
        wait: Option<Duration>,
    },
    /// The source answered something that is no success.
    #[error("the source answered with status {0}")]
    Status(u16),
    /// The source leads elsewhere.
    #[error(
        "the source answered with a redirect, which is not followed; rates.base_url has to be its final address"
    )]
    Redirect,
    /// The source says that it will not answer this.
    #[error("the source refused: {}", refusal(*.0))]
    Refused(i64),
    /// The answer cannot be rates.
    #[error("the answer is refused: {0}")]
    Garbage(String),
}

fn later(wait: &Option<Duration>) -> String {
    wait.map(|wait| {
        format!(
            " and asks to be called again after {} seconds",
            wait.as_secs()
        )
    })
    .unwrap_or_default()
}

/// What the Fixer API's codes mean (<https://fixer.io/documentation>).
fn refusal(code: i64) -> String {
    let meaning = match code {
        101 => "the access key is missing or invalid",
        103 => "there is no such endpoint",
        104 => "the plan's monthly limit is reached",
        105 => "the plan does not include this",
        106 => "it has no rates for this day",
        202 => "it does not know the currencies",
        301 => "it saw no date",
        302 => "it does not take the date",
        _ => "for a reason that only its documentation tells",
    };
    format!("{meaning} (code {code})")
}

impl SourceError {
    /// What kind of failure it is, for the metrics.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::NoKey | Self::ForbiddenAddress => "configuration",
            Self::Connection(_) => "connection",
            Self::Timeout(_) => "timeout",
            Self::RateLimited(_) | Self::LeftAlone(_) => "rate_limited",
            Self::Fault { .. } => "source_fault",
            Self::Status(_) => "status",
            Self::Redirect => "redirect",
            Self::Refused(101) => "key_refused",
            Self::Refused(104) => "limit_reached",
            Self::Refused(105) => "not_in_plan",
            Self::Refused(_) => "refused",
            Self::Garbage(_) => "garbage",
        }
    }

    /// Whether another call may succeed.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Timeout(_) | Self::RateLimited(_) | Self::Fault { .. } => {
                true
            }
            Self::NoKey
            | Self::ForbiddenAddress
            | Self::LeftAlone(_)
            | Self::Status(_)
            | Self::Redirect
            | Self::Refused(_)
            | Self::Garbage(_) => false,
        }
    }

    /// How long the source asks to be left alone.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) | Self::Fault { wait, .. } => *wait,
            Self::LeftAlone(wait) => Some(*wait),
            Self::NoKey
            | Self::ForbiddenAddress
            | Self::Connection(_)
            | Self::Timeout(_)
            | Self::Status(_)
            | Self::Redirect
            | Self::Refused(_)
            | Self::Garbage(_) => None,
        }
    }
}

/// Why a day was not stored; what was stored before stays.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// The source gave none.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It cannot be right beside what is stored.
    #[error("{0}: the day is refused unless it is forced")]
    Implausible(#[from] Implausible),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl IngestError {
    /// What kind of failure it is, for the metrics.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Source(error) => error.cause(),
            Self::Implausible(_) => "implausible",
            Self::Storage(_) => "storage",
        }
    }
}
