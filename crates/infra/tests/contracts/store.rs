//! A backend under test: all of its ports over one fresh, empty store, and what no port shows.
//!
//! [`sqlite`] and [`postgres`] make one; another backend gets a function beside them and implements [`Backstage`].

#[cfg(feature = "postgres")]
mod postgres;

use std::path::Path;

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use flagstaff_domain::access::{
    AccessError, Account, AccountRepository, EnvironmentKey, GuidRepository, KeyKind,
    KeyRepository, KeySource, SessionRepository, SignInError, Token, TokenRepository,
};
use flagstaff_domain::changes::{Change, ChangeLog, ChangeQuery, Direction};
use flagstaff_domain::flags::targeting::{
    CreateOverride, Override, Segment, TargetName, TargetingRepository,
};
use flagstaff_domain::flags::{
    Environment, Feature, Flag, FlagError, FlagRepository, SnapshotSource,
};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::json::JsonText;
use flagstaff_domain::page::Page;
use flagstaff_domain::state::StateRepository;
use flagstaff_domain::storage::StorageMonitor;
use flagstaff_infra::access::{
    DieselAccountRepository, DieselGuidRepository, DieselKeyRepository, DieselKeySource,
    DieselSessionRepository, DieselTokenRepository,
};
use flagstaff_infra::changes::DieselChangeLog;
use flagstaff_infra::db::{Db, DbOptions};
use flagstaff_infra::flags::{
    DieselFlagRepository, DieselSnapshotSource, DieselTargetingRepository,
};
use flagstaff_infra::state::DieselStateRepository;

#[cfg(feature = "postgres")]
pub(crate) use postgres::postgres;

use crate::samples::*;
use crate::scratch::{Scratch, raw, texts};

/// A backend's ports over one store.
pub(crate) struct Store {
    pub(crate) flags: Box<dyn FlagRepository>,
    pub(crate) targeting: Box<dyn TargetingRepository>,
    pub(crate) snapshots: Box<dyn SnapshotSource>,
    pub(crate) keys: Box<dyn KeyRepository>,
    pub(crate) grants: Box<dyn KeySource>,
    pub(crate) guids: Box<dyn GuidRepository>,
    pub(crate) accounts: Box<dyn AccountRepository>,
    pub(crate) sessions: Box<dyn SessionRepository>,
    pub(crate) tokens: Box<dyn TokenRepository>,
    pub(crate) log: Box<dyn ChangeLog>,
    pub(crate) state: Box<dyn StateRepository>,
    pub(crate) monitor: Box<dyn StorageMonitor>,
    pub(crate) backstage: Box<dyn Backstage>,
    /// For the ports that contracts make themselves: those of modules, and those of which they need several.
    pub(crate) db: Db,
}

/// What a contract needs to know of a store that no port tells.
pub(crate) trait Backstage: Send + Sync {
    /// Every row of the change log, all its texts in one.
    fn log_rows(&self) -> Vec<String>;

    /// Whether the bytes stand anywhere in what the store keeps.
    fn holds(&self, text: &str) -> bool;

    /// Runs a statement past the adapters.
    fn execute(&self, sql: &str) -> Result<(), String>;

    /// Another store of the same backend, which can neither be read nor be written.
    fn out_of_reach(&self) -> Store;

    /// Another store of the same backend, fresh and empty.
    fn another(&self) -> Store;
}

/// Every row of the change log, all its texts in one.
const LOG_ROWS: &str = "SELECT concat_ws(' ', seq, group_seq, at, actor, context, kind, subject, environment_id, \
     environment, before, after) AS answer FROM changes ORDER BY seq";

/// SQLite in a temporary folder.
pub(crate) fn sqlite() -> Store {
    let scratch = Scratch::migrated();
    let db = scratch.open();
    over(
        &db,
        Sqlite {
            scratch,
            _lock: None,
        },
    )
}

fn over(db: &Db, backstage: impl Backstage + 'static) -> Store {
    Store {
        flags: Box::new(DieselFlagRepository::new(db.clone())),
        targeting: Box::new(DieselTargetingRepository::new(db.clone())),
        snapshots: Box::new(DieselSnapshotSource::new(db.clone())),
        keys: Box::new(DieselKeyRepository::new(db.clone())),
        grants: Box::new(DieselKeySource::new(db.clone())),
        guids: Box::new(DieselGuidRepository::new(db.clone())),
        accounts: Box::new(DieselAccountRepository::new(db.clone())),
        sessions: Box::new(DieselSessionRepository::new(db.clone())),
        tokens: Box::new(DieselTokenRepository::new(db.clone())),
        log: Box::new(DieselChangeLog::new(db.clone())),
        state: Box::new(DieselStateRepository::new(db.clone())),
        monitor: Box::new(db.clone()),
        backstage: Box::new(backstage),
        db: db.clone(),
    }
}

struct Sqlite {
    scratch: Scratch,
    /// Keeps every other connection from writing for as long as it is held.
    _lock: Option<std::sync::Mutex<SqliteConnection>>,
}

impl Backstage for Sqlite {
    fn log_rows(&self) -> Vec<String> {
        texts(&mut self.scratch.raw(), LOG_ROWS)
    }

    fn holds(&self, text: &str) -> bool {
        let holds = |path: &Path| {
            let bytes = std::fs::read(path).unwrap();
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        let entries = std::fs::read_dir(self.scratch.folder()).unwrap();
        entries
            .into_iter()
            .any(|entry| holds(&entry.unwrap().path()))
    }

    fn execute(&self, sql: &str) -> Result<(), String> {
        self.scratch
            .raw()
            .batch_execute(sql)
            .map_err(|error| error.to_string())
    }

    fn out_of_reach(&self) -> Store {
        let scratch = Scratch::migrated();
        let options = DbOptions {
            busy: std::time::Duration::from_millis(50),
            ..DbOptions::serving(scratch.path(), 8, 64)
        };
        let db = Db::open(&options).unwrap();
        // The writer is connected already and meets the lock; the readers connect when first asked, and find nothing.
        let mut lock = raw(&scratch.path());
        lock.batch_execute("BEGIN IMMEDIATE").unwrap();
        std::fs::rename(scratch.path(), scratch.folder().join("elsewhere.db")).unwrap();
        let _lock = Some(std::sync::Mutex::new(lock));
        over(&db, Self { scratch, _lock })
    }

    fn another(&self) -> Store {
        sqlite()
    }
}

/// Short ways to what most contracts begin with.
impl Store {
    pub(crate) fn environment(&self, name: &str) -> Environment {
        let written = self
            .flags
            .create_environment(&new_environment(name), &seeds(), &stamp());
        written.unwrap().record
    }

    pub(crate) fn feature(&self, name: &str) -> Feature {
        let written = self
            .flags
            .create_feature(&new_feature(name), &seeds(), &stamp());
        written.unwrap().record
    }

    /// A segment with these rules.
    pub(crate) fn segment(&self, name: &str, rules: &str) -> Segment {
        let written = self
            .targeting
            .create_segment(&new_segment(name, rules), &stamp());
        written.unwrap().record
    }

    /// An override of a flag in production for a segment.
    pub(crate) fn of_segment(&self, feature: &str, segment: &str) -> Override {
        let command = new_override(to_segment(segment));
        self.override_of(feature, &command).unwrap()
    }

    /// An override of a flag in production.
    pub(crate) fn override_of(
        &self,
        feature: &str,
        command: &CreateOverride,
    ) -> Result<Override, FlagError> {
        let (production, feature) = (environment_name("production"), feature_name(feature));
        let written = self
            .targeting
            .create_override(&production, &feature, command, &stamp());
        written.map(|written| written.record)
    }

    /// A flag's overrides in production: who gets them, with their priorities.
    pub(crate) fn overrides(&self, feature: &str) -> Vec<(String, Option<u32>)> {
        let (production, feature) = (environment_name("production"), feature_name(feature));
        let listing = self
            .targeting
            .list_overrides(&production, &feature, &Page::first())
            .unwrap();
        let told = listing.items.iter().map(|one| {
            let segment = one.target.segment();
            let name = match one.target.name() {
                TargetName::Segment(name) => name.to_string(),
                TargetName::Identity(identifier) => identifier.to_string(),
            };
            (name, segment.map(|target| target.priority.into()))
        });
        told.collect()
    }

    pub(crate) fn key(&self, environment: &str, kind: KeyKind, text: &str) -> EnvironmentKey {
        let key = new_key("web", kind, text);
        let written = self
            .keys
            .create_key(&environment_name(environment), &key, &stamp());
        written.unwrap().record
    }

    /// An administrator of this name.
    pub(crate) fn account(&self, username: &str) -> Account {
        let written = self
            .accounts
            .create_account(&new_account(username), &stamp());
        written.unwrap().record
    }

    /// Begins a session at 10 o'clock.
    pub(crate) fn session(&self, account: &Account, text: &str) -> Result<Account, SignInError> {
        self.sessions.begin_session(&new_session(account, text))
    }

    /// Makes a token.
    pub(crate) fn token(&self, account: &Account, text: &str) -> Result<Token, AccessError> {
        let written = self
            .tokens
            .create_token(&new_token(account, text), &stamp());
        written.map(|written| written.record)
    }

    pub(crate) fn flag(&self, environment: &str, feature: &str) -> Result<Flag, FlagError> {
        self.flags
            .get_flag(&environment_name(environment), &feature_name(feature))
    }

    /// The whole log, oldest first.
    pub(crate) fn changes(&self) -> Vec<Change> {
        self.changes_after(Seq(0))
    }

    /// The log's last position.
    pub(crate) fn head(&self) -> Seq {
        self.changes().last().map_or(Seq(0), |change| change.seq)
    }

    /// What a piece of work returns, and the changes that it left in the log.
    pub(crate) fn logged<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<Change>) {
        let head = self.head();
        let returned = work();
        (returned, self.changes_after(head))
    }

    fn changes_after(&self, seq: Seq) -> Vec<Change> {
        let query = ChangeQuery {
            direction: Direction::OldestFirst(seq),
            limit: 10_000,
            context: None,
            subject: None,
            actor: None,
            environment: None,
        };
        self.log.list(&query).unwrap().items
    }
}

/// A change in short: its kind, subject and environment.
pub(crate) fn told(changes: &[Change]) -> Vec<(&str, &str, Option<&str>)> {
    changes
        .iter()
        .map(|one| {
            (
                one.kind.as_str(),
                one.subject.as_str(),
                one.environment.as_deref(),
            )
        })
        .collect()
}

/// A record of the log, which must be there, as JSON.
pub(crate) fn record(text: &Option<JsonText>) -> serde_json::Value {
    serde_json::from_str(text.as_ref().unwrap().as_str()).unwrap()
}
