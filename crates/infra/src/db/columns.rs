//! How the types that every table shares are stored.

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::text::Invalid;

/// An instant from its column, microseconds since 1970.
pub(crate) fn instant(micros: i64) -> Result<Timestamp, Invalid> {
    Timestamp::from_micros(micros).ok_or_else(|| {
        Invalid::new(format!(
            "{micros} is no instant between the years 0 and 9999"
        ))
    })
}
