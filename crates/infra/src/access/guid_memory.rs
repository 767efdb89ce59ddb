//! The records of the GUID register that were read lately, in a cache of a bounded size.
//!
//! A record that was read before a change and is remembered after it would stay for ever: so it is remembered only where
//! nothing was forgotten since the position of the log at which it was read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flagstaff_domain::access::{Forgotten, GuidMemory, GuidRecord, KeyDigest};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::ids::Seq;
use moka::Expiry;
use moka::sync::Cache;
use parking_lot::Mutex;

/// What all remembered records together may take, in bytes: about 60,000 of usual length.
const ROOM: u64 = 32 << 20;
/// What a record takes besides its texts.
const BARE: usize = 400;

/// Remembers records in this process.
#[derive(Debug)]
pub struct MokaGuidMemory {
    records: Cache<KeyDigest, Remembered>,
    /// The last change that was told of. Held while a record is remembered, so that a change comes before or after.
    head: Mutex<Seq>,
}

#[derive(Debug, Clone)]
struct Remembered {
    record: Arc<GuidRecord>,
    /// How long it is valid from when it was read on.
    lasts: Duration,
}

/// Lets a record go when it has expired.
struct WithTheRecord;

impl Expiry<KeyDigest, Remembered> for WithTheRecord {
    fn expire_after_create(
        &self,
        _: &KeyDigest,
        value: &Remembered,
        _: Instant,
    ) -> Option<Duration> {
        Some(value.lasts)
    }

    fn expire_after_update(
        &self,
        _: &KeyDigest,
        value: &Remembered,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(value.lasts)
    }
}

impl Default for MokaGuidMemory {
    fn default() -> Self {
        let weight = |_: &KeyDigest, value: &Remembered| {
            let record = &value.record;
            let description = record
                .description
                .as_ref()
                .map_or(0, |text| text.as_str().len());
            u32::try_from(BARE + record.user.as_str().len() + description).unwrap_or(u32::MAX)
        };
        Self {
            records: Cache::builder()
                .max_capacity(ROOM)
                .weigher(weight)
                .expire_after(WithTheRecord)
                .build(),
            head: Mutex::default(),
        }
    }
}

impl GuidMemory for MokaGuidMemory {
    fn find(&self, digest: &KeyDigest) -> Option<Arc<GuidRecord>> {
        self.records.get(digest).map(|remembered| remembered.record)
    }

    fn remember(&self, record: Arc<GuidRecord>, head: Seq, now: Timestamp) {
        let micros = record
            .expire
            .at()
            .as_micros()
            .saturating_sub(now.as_micros());
        let lasts = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let told = self.head.lock();
        if head >= *told {
            let remembered = Remembered { lasts, record };
            self.records.insert(remembered.record.digest, remembered);
        }
    }

    fn forget(&self, forgotten: Forgotten<'_>, head: Seq) {
        let mut told = self.head.lock();
        match forgotten {
            Forgotten::All => {
                self.records.invalidate_all();
                // The log may be another one.
                *told = head;
            }
            Forgotten::Only(digests) => {
                digests
                    .iter()
                    .for_each(|digest| self.records.invalidate(digest));
                *told = head.max(*told);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flagstaff_domain::access::Expire;
    use flagstaff_domain::ids::KeyId;
    use flagstaff_domain::text::{Description, GuidUser};

    use super::*;

    fn digest(number: usize) -> KeyDigest {
        KeyDigest::of(&number.to_be_bytes())
    }

    fn record(number: usize, description: usize) -> Arc<GuidRecord> {
        Arc::new(GuidRecord {
            id: KeyId(1),
            digest: digest(number),
            user: GuidUser::parse("Jay Patel").unwrap(),
            environment: None,
            description: Some(Description::parse("x".repeat(description)).unwrap()),
            created_at: now(),
            expire: Expire::new(1_000).unwrap(),
            version: Seq(1),
        })
    }

    fn now() -> Timestamp {
        Expire::new(0).unwrap().at()
    }

    #[test]
    fn what_is_remembered_is_found_until_it_is_forgotten() {
        let memory = MokaGuidMemory::default();
        for number in 0..3 {
            memory.remember(record(number, 0), Seq(5), now());
        }
        let found = || [0, 1, 2].map(|number| memory.find(&digest(number)).is_some());
        assert_eq!(found(), [true; 3]);
        memory.forget(Forgotten::Only(&[digest(1)]), Seq(6));
        assert_eq!(found(), [true, false, true]);
        memory.forget(Forgotten::All, Seq(7));
        assert_eq!(found(), [false; 3]);
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let memory = MokaGuidMemory::default();
        memory.forget(Forgotten::Only(&[]), Seq(6));
        memory.remember(record(0, 0), Seq(5), now());
        assert!(memory.find(&digest(0)).is_none());
        memory.remember(record(0, 0), Seq(6), now());
        assert!(memory.find(&digest(0)).is_some());
    }

    #[test]
    fn a_log_that_went_back_is_gone_on_with_from_there() {
        let memory = MokaGuidMemory::default();
        memory.forget(Forgotten::Only(&[]), Seq(900));
        memory.forget(Forgotten::All, Seq(5));
        memory.remember(record(0, 0), Seq(5), now());
        assert!(memory.find(&digest(0)).is_some());
    }

    #[test]
    fn a_record_that_has_ended_when_it_was_read_is_not_found() {
        let memory = MokaGuidMemory::default();
        memory.remember(record(0, 0), Seq(1), Expire::new(1_000).unwrap().at());
        assert!(memory.find(&digest(0)).is_none());
    }

    #[test]
    fn the_memory_has_a_bound_in_bytes() {
        let memory = MokaGuidMemory::default();
        let each = 4_000;
        let many = 2 * usize::try_from(ROOM).unwrap() / each;
        for number in 0..many {
            memory.remember(record(number, each), Seq(1), now());
        }
        memory.records.run_pending_tasks();
        assert!(memory.records.weighted_size() <= ROOM);
        assert!(memory.records.entry_count() > 1_000);
    }
}
