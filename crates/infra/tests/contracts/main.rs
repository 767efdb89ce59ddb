//! What every backend promises: the MUSTs of the domain's ports, checked through the ports alone.
//!
//! [`store`] brings up a backend with all its ports; a module each holds a port's contracts. To run them on another
//! backend, give it a constructor in [`store`] and a line in [`contracts`].

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Makes a test of each contract for each backend.
macro_rules! contracts {
    ($($contract:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[test]
                fn $contract() {
                    super::$contract(&crate::store::sqlite());
                }
            )+
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(
                #[test]
                fn $contract() {
                    super::$contract(&crate::store::postgres());
                }
            )+
        }
    };
}

mod account_changes;
mod accounts;
mod buckets;
mod change_log;
mod compatibility;
#[cfg(feature = "coupons")]
mod coupons;
mod environments;
mod features;
mod flags;
mod guids;
mod key_source;
mod keys;
mod overrides;
#[cfg(feature = "rates")]
mod rates;
mod rehearsal;
#[path = "../support/samples.rs"]
mod samples;
#[path = "../support/scratch.rs"]
mod scratch;
mod segments;
#[cfg(feature = "postgres")]
#[path = "../support/server.rs"]
mod server;
mod sessions;
mod snapshots;
mod state;
mod store;
mod tokens;
mod traits;
mod usage;
mod values;
mod variants;
