//! Managing the GUID register, and reading it: from memory where a record was read lately, otherwise from storage.

use std::fmt;
use std::sync::Arc;

use super::error::AccessError;
use super::guid::{
    ChangeGuid, CreateGuid, DEFAULT_DAYS, Expire, Granting, Guid, GuidRecord, KEPT_DAYS, NewGuid,
};
use super::key::KeyDigest;
use super::ports::{GuidMemory, GuidRepository, RandomSource};
use crate::changes::Actor;
use crate::clock::{Clock, Onward, Timestamp};
use crate::ids::Seq;
use crate::page::{Listing, Page};
use crate::write::{Precondition, Stamp, Written};

/// Who makes a change to the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Their name in the log.
    pub actor: Actor,
    /// Whether they may let GUIDs open environments.
    pub granting: Granting,
}

impl Author {
    /// Whoever can run the program on the server's host, who may do anything.
    #[must_use]
    pub fn command_line() -> Self {
        Self {
            actor: Actor::CommandLine,
            granting: Granting::Allowed,
        }
    }
}

/// A record that was just made, with its GUID: the only time that it is shown to somebody who did not name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedGuid {
    /// The record.
    pub written: Written<GuidRecord>,
    /// What its user has to keep.
    pub guid: Guid,
}

/// Manages the GUID register.
#[derive(Clone)]
pub struct GuidService {
    repository: Arc<dyn GuidRepository>,
    memory: Arc<dyn GuidMemory>,
    random: Arc<dyn RandomSource>,
    /// What has expired once stays so, also where the host's clock is set back.
    clock: Arc<Onward>,
}

impl GuidService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn GuidRepository>,
        memory: Arc<dyn GuidMemory>,
        random: Arc<dyn RandomSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            memory,
            random,
            clock: Arc::new(Onward::new(clock)),
        }
    }

    /// The record, from memory alone; `None` where it was not read lately, which says nothing about whether there is one.
    #[must_use]
    pub fn remembered(&self, digest: &KeyDigest) -> Option<Arc<GuidRecord>> {
        let record = self.memory.find(digest)?;
        (!record.has_expired(self.clock.now())).then_some(record)
    }

    /// The record, from storage.
    ///
    /// # Errors
    /// [`AccessError::GuidNotFound`] when it is unknown or expired, [`AccessError::Storage`].
    pub fn get(&self, digest: &KeyDigest) -> Result<Arc<GuidRecord>, AccessError> {
        let (found, head) = self.repository.find_guid(digest)?;
        let now = self.clock.now();
        let record = found.filter(|record| !record.has_expired(now));
        let record = Arc::new(record.ok_or(AccessError::GuidNotFound)?);
        self.memory.remember(Arc::clone(&record), head, now);
        Ok(record)
    }

    /// A page of the register in the order of ids, expired records included; of one user where one is given.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub fn list(
        &self,
        user: Option<&str>,
        page: &Page<crate::ids::KeyId>,
    ) -> Result<Listing<GuidRecord>, AccessError> {
        Ok(self.repository.list_guids(user, page)?)
    }

    /// Makes a record, of this GUID or of a new one.
    ///
    /// # Errors
    /// [`AccessError::GuidExists`] when the GUID is that of a record that has not expired, or a key otherwise;
    /// [`AccessError::GrantsUnknown`], [`AccessError::GrantingRefused`], [`AccessError::Storage`].
    pub fn create(
        &self,
        author: &Author,
        guid: Option<Guid>,
        command: CreateGuid,
    ) -> Result<IssuedGuid, AccessError> {
        let guid = guid.unwrap_or_else(|| Guid::generate(self.random.as_ref()));
        let stamp = self.stamp(author);
        let expire = command.expire;
        let new = NewGuid {
            digest: guid.digest(),
            user: command.user,
            expire: expire.unwrap_or_else(|| Expire::days_after(stamp.at, DEFAULT_DAYS)),
            environment: command.environment,
            description: command.description,
        };
        let written = self.repository.create_guid(&new, author.granting, &stamp)?;
        Ok(IssuedGuid { written, guid })
    }

    /// Changes a record. One that has expired can be given a new end, and nothing else.
    ///
    /// # Errors
    /// [`AccessError::GuidNotFound`], [`AccessError::GrantsUnknown`], [`AccessError::GrantingRefused`],
    /// [`AccessError::VersionMismatch`], [`AccessError::Storage`].
    pub fn change(
        &self,
        author: &Author,
        digest: &KeyDigest,
        change: &ChangeGuid,
        precondition: &Precondition,
    ) -> Result<Written<GuidRecord>, AccessError> {
        let stamp = self.stamp(author);
        self.repository
            .change_guid(digest, change, author.granting, precondition, &stamp)
    }

    /// Ends a record for good.
    ///
    /// # Errors
    /// [`AccessError::GuidNotFound`], [`AccessError::GrantingRefused`], [`AccessError::VersionMismatch`],
    /// [`AccessError::Storage`].
    pub fn delete(
        &self,
        author: &Author,
        digest: &KeyDigest,
        precondition: &Precondition,
    ) -> Result<Seq, AccessError> {
        let stamp = self.stamp(author);
        self.repository
            .delete_guid(digest, author.granting, precondition, &stamp)
    }

    /// Removes at most `limit` records that expired [`KEPT_DAYS`] ago or earlier, the oldest first; returns how many.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub fn purge(&self, actor: &Actor, limit: usize) -> Result<usize, AccessError> {
        let at = self.clock.now();
        let stamp = Stamp {
            actor: actor.clone(),
            at,
        };
        match at.minus_days(KEPT_DAYS) {
            Some(expired_by) => self.repository.purge_guids(expired_by, limit, &stamp),
            None => Ok(0),
        }
    }

    /// The time by which records expire.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn stamp(&self, author: &Author) -> Stamp {
        Stamp {
            actor: author.actor.clone(),
            at: self.clock.now(),
        }
    }
}

impl fmt::Debug for GuidService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuidService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::access::ports::{MockGuidMemory, MockGuidRepository, MockRandomSource};
    use crate::clock::MockClock;
    use crate::ids::KeyId;
    use crate::text::GuidUser;

    fn instant(text: &str) -> Timestamp {
        Timestamp::try_from(text.to_owned()).unwrap()
    }

    fn now() -> Timestamp {
        instant("2026-11-20T10:00:00.5Z")
    }

    fn service(repository: MockGuidRepository, memory: MockGuidMemory) -> GuidService {
        let mut clock = MockClock::new();
        clock.expect_now().returning(now);
        over(repository, memory, clock)
    }

    fn over(
        repository: MockGuidRepository,
        memory: MockGuidMemory,
        clock: MockClock,
    ) -> GuidService {
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0x5A; 32]);
        GuidService::new(
            Arc::new(repository),
            Arc::new(memory),
            Arc::new(random),
            Arc::new(clock),
        )
    }

    fn user() -> GuidUser {
        GuidUser::parse("Jay Patel").unwrap()
    }

    fn record(expire: &str) -> GuidRecord {
        GuidRecord {
            id: KeyId(1),
            digest: KeyDigest::of(b"a GUID"),
            user: user(),
            environment: None,
            description: None,
            created_at: now(),
            expire: Expire::of(instant(expire)).unwrap(),
            version: Seq(1),
        }
    }

    #[test]
    fn without_a_guid_and_an_end_both_are_made_up() {
        let mut repository = MockGuidRepository::new();
        repository
            .expect_create_guid()
            .withf(|new, granting, stamp| {
                new.digest == KeyDigest::of("5A".repeat(16).as_bytes())
                    && new.expire.at() == instant("2026-12-20T10:00:00Z")
                    && *granting == Granting::Refused
                    && stamp.at == now()
            })
            .once()
            .returning(|_, _, _| {
                Ok(Written {
                    record: record("2026-12-20T10:00:00Z"),
                    revision: Seq(1),
                })
            });
        let author = Author {
            actor: Actor::CommandLine,
            granting: Granting::Refused,
        };
        let command = CreateGuid {
            user: user(),
            expire: None,
            environment: None,
            description: None,
        };
        let issued = service(repository, MockGuidMemory::new())
            .create(&author, None, command)
            .unwrap();
        assert_eq!(issued.guid.reveal(), "5A".repeat(16));
    }

    #[test]
    fn a_record_that_is_remembered_asks_no_storage() {
        let mut memory = MockGuidMemory::new();
        memory
            .expect_find()
            .returning(|_| Some(Arc::new(record("2026-11-20T10:00:01Z"))));
        let service = service(MockGuidRepository::new(), memory);
        assert!(service.remembered(&KeyDigest::of(b"a GUID")).is_some());
    }

    #[test]
    fn a_remembered_record_ends_at_its_second_even_if_the_clock_is_set_back() {
        let mut memory = MockGuidMemory::new();
        memory
            .expect_find()
            .returning(|_| Some(Arc::new(record("2026-11-20T10:00:01Z"))));
        let readings = [
            "2026-11-20T10:00:00.999999Z",
            "2026-11-20T10:00:01Z",
            "2026-11-19T10:00:00Z",
        ];
        let turn = AtomicI64::new(0);
        let mut clock = MockClock::new();
        clock.expect_now().returning(move || {
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            instant(readings[usize::try_from(turn).unwrap()])
        });
        let service = over(MockGuidRepository::new(), memory, clock);
        let found = [(); 3].map(|()| service.remembered(&KeyDigest::of(b"a GUID")).is_some());
        assert_eq!(found, [true, false, false]);
    }

    #[test]
    fn what_storage_does_not_have_or_has_expired_is_not_remembered() {
        let mut repository = MockGuidRepository::new();
        let mut answers = [None, Some(record("2026-11-20T10:00:00Z"))].into_iter();
        repository
            .expect_find_guid()
            .times(2)
            .returning(move |_| Ok((answers.next().unwrap(), Seq(7))));
        let service = service(repository, MockGuidMemory::new());
        for _ in 0..2 {
            let refused = service.get(&KeyDigest::of(b"a GUID"));
            assert!(matches!(refused, Err(AccessError::GuidNotFound)));
        }
    }

    #[test]
    fn what_is_read_is_remembered_with_the_position_of_the_read() {
        let mut repository = MockGuidRepository::new();
        repository
            .expect_find_guid()
            .returning(|_| Ok((Some(record("2026-11-21T10:00:00Z")), Seq(7))));
        let mut memory = MockGuidMemory::new();
        memory
            .expect_remember()
            .withf(|_, head, at| *head == Seq(7) && *at == now())
            .once()
            .return_const(());
        let service = service(repository, memory);
        assert!(service.get(&KeyDigest::of(b"a GUID")).is_ok());
    }

    #[test]
    fn a_purge_leaves_what_expired_within_30_days() {
        let mut repository = MockGuidRepository::new();
        repository
            .expect_purge_guids()
            .withf(|by, limit, _| *by == instant("2026-10-21T10:00:00.5Z") && *limit == 200)
            .once()
            .returning(|_, _, _| Ok(3));
        let service = service(repository, MockGuidMemory::new());
        assert_eq!(service.purge(&Actor::CommandLine, 200).unwrap(), 3);
    }
}
