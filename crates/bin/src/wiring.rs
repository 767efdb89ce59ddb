//! Puts the services together with their adapters: the only place that names adapters.
//!
//! Commands and the server get the same services, from [`Services`]; [`Backend`] adds what only a server needs.

#[cfg(feature = "coupons")]
mod coupons;
pub(crate) mod database;
#[cfg(feature = "rates")]
mod rates;

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use flagstaff_domain::access::{
    AccountService, GuidMemory, GuidService, KeyRing, KeyService, RandomSource, SessionLimits,
    SessionService, TokenService,
};
use flagstaff_domain::changes::ChangeLog;
use flagstaff_domain::clock::{Clock, Timestamp};
use flagstaff_domain::flags::targeting::TargetingService;
use flagstaff_domain::flags::{
    FlagError, FlagRepository, FlagService, IdentityService, PreviewService, RetrievalLog,
    SeenContexts, Snapshot, SnapshotPublisher, SnapshotSource, SnapshotSubscriber, UsageLog,
    UsageService,
};
use flagstaff_domain::serving::Serving;
use flagstaff_domain::state::StateService;
use flagstaff_domain::storage::StorageMonitor;
use flagstaff_domain::text::{EnvironmentName, fold};
use flagstaff_infra::access::{
    DieselAccountRepository, DieselGuidRepository, DieselKeyRepository, DieselKeySource,
    DieselSessionRepository, DieselTokenRepository, MokaGuidMemory,
};
use flagstaff_infra::changes::DieselChangeLog;
use flagstaff_infra::clock::SystemClock;
pub(crate) use flagstaff_infra::db::Location;
#[cfg(feature = "postgres")]
pub(crate) use flagstaff_infra::db::PostgresUrl;
use flagstaff_infra::db::{Db, DbOptions, Listener};
pub(crate) use flagstaff_infra::ending;
use flagstaff_infra::flags::{
    DieselFlagRepository, DieselRehearsal, DieselSnapshotSource, DieselTargetingRepository,
    DieselUsageLog, MemoryRetrievalLog, MokaTraitStore,
};
use flagstaff_infra::password::Argon2Hasher;
use flagstaff_infra::random::SystemRandom;
use flagstaff_infra::state::DieselStateRepository;

use crate::exit::Failure;
use crate::jobs::traces::Traces;
use crate::settings;

/// What commands and the server work with.
pub(crate) struct Services {
    /// Features, environments, flags.
    pub(crate) flags: FlagService,
    /// Segments and overrides.
    pub(crate) targeting: TargetingService,
    /// How often features are used.
    pub(crate) usage: UsageService,
    /// The keys of environments.
    pub(crate) keys: KeyService,
    /// The GUID register.
    pub(crate) guids: GuidService,
    /// Accounts.
    pub(crate) accounts: AccountService,
    /// Access tokens.
    pub(crate) tokens: TokenService,
    /// State files.
    pub(crate) state: StateService,
    /// The change log.
    pub(crate) changes: Arc<dyn ChangeLog>,
    /// What modules make their services of.
    pub(crate) base: Base,
}

/// What modules make their services of.
#[cfg_attr(
    not(any(feature = "coupons", feature = "rates")),
    allow(
        dead_code,
        reason = "a build without modules makes none of their services"
    )
)]
pub(crate) struct Base {
    db: Db,
    clock: Arc<dyn Clock>,
}

/// What a server works with.
pub(crate) struct Backend {
    /// What commands work with, too.
    pub(crate) services: Services,
    /// The read path, already filled and renewed after each commit.
    pub(crate) serving: Arc<Serving>,
    /// Sessions.
    pub(crate) sessions: SessionService,
    /// What changes would mean to those who were seen lately.
    pub(crate) previews: PreviewService,
    /// Identities.
    pub(crate) identities: IdentityService,
    /// What requests leave behind.
    pub(crate) traces: Traces,
    /// The store's condition.
    pub(crate) storage: Arc<dyn StorageMonitor>,
    /// When it began to count retrievals.
    pub(crate) since: Timestamp,
    /// Random bytes of this process alone.
    pub(crate) secret: [u8; 32],
    db: Db,
}

impl Services {
    /// Opens the database for a command, which creates none.
    ///
    /// # Errors
    /// [`Exit::Unavailable`](crate::exit::Exit::Unavailable) where there is no database, or none that this program can use.
    pub(crate) fn open(settings: &settings::Database) -> Result<Self, Failure> {
        let location = settings.url.location();
        database::must_exist(location)?;
        let db = Db::open(&DbOptions::command(location.clone())).map_err(database::failure)?;
        let clock = Arc::new(SystemClock::start());
        let retrievals = Arc::<MemoryRetrievalLog>::default();
        let usage = Arc::new(DieselUsageLog::new(db.clone()));
        let guids = Arc::<MokaGuidMemory>::default();
        Ok(Self::over(&db, clock, retrievals, usage, guids))
    }

    fn over(
        db: &Db,
        clock: Arc<dyn Clock>,
        retrievals: Arc<dyn RetrievalLog>,
        usage: Arc<dyn UsageLog>,
        guids: Arc<dyn GuidMemory>,
    ) -> Self {
        let random = Arc::new(SystemRandom);
        let repository: Arc<dyn FlagRepository> = Arc::new(DieselFlagRepository::new(db.clone()));
        Self {
            flags: FlagService::new(
                Arc::clone(&repository),
                retrievals,
                random.clone(),
                Arc::clone(&usage),
                Arc::clone(&clock),
            ),
            targeting: TargetingService::new(
                Arc::new(DieselTargetingRepository::new(db.clone())),
                random.clone(),
                Arc::clone(&clock),
            ),
            usage: UsageService::new(repository, Arc::clone(&usage), Arc::clone(&clock)),
            keys: KeyService::new(
                Arc::new(DieselKeyRepository::new(db.clone())),
                random.clone(),
                Arc::clone(&clock),
            ),
            guids: GuidService::new(
                Arc::new(DieselGuidRepository::new(db.clone())),
                guids,
                random.clone(),
                Arc::clone(&clock),
            ),
            accounts: AccountService::new(
                Arc::new(DieselAccountRepository::new(db.clone())),
                Arc::new(Argon2Hasher::new(cores())),
                random.clone(),
                Arc::clone(&clock),
            ),
            tokens: TokenService::new(
                Arc::new(DieselTokenRepository::new(db.clone())),
                random.clone(),
                Arc::clone(&clock),
            ),
            state: StateService::new(
                Arc::new(DieselStateRepository::new(db.clone())),
                random,
                usage,
                Arc::clone(&clock),
            ),
            changes: Arc::new(DieselChangeLog::new(db.clone())),
            base: Base {
                db: db.clone(),
                clock,
            },
        }
    }
}

impl Services {
    /// What is to be served of an environment.
    ///
    /// # Errors
    /// [`Exit::NotFound`](crate::exit::Exit::NotFound) where there is none of this name.
    pub(crate) fn snapshot(&self, environment: &EnvironmentName) -> Result<Snapshot, Failure> {
        let source = DieselSnapshotSource::new(self.base.db.clone());
        let mut snapshots = source.load(None)?.snapshots.into_iter();
        let found = snapshots.find(|one| fold(one.name.as_str()) == fold(environment.as_str()));
        found.ok_or_else(|| FlagError::EnvironmentNotFound(environment.clone()).into())
    }
}

impl Backend {
    /// Opens a database whose migrations are applied, reads all that is served into memory, and keeps it current with
    /// what this process writes.
    ///
    /// # Errors
    /// [`Failure`] when the database cannot be opened or read.
    pub(crate) fn open(
        settings: &settings::Settings,
        limits: SessionLimits,
        seen: Arc<SeenContexts>,
        mut subscribers: Vec<Arc<dyn SnapshotSubscriber>>,
    ) -> Result<Self, Failure> {
        subscribers.push(Arc::clone(&seen) as _);
        let database = &settings.database;
        let location = database.url.location().clone();
        let options = DbOptions::serving(location, database.readers, database.queue);
        let db = Db::open(&options).map_err(database::failure)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let retrievals: Arc<dyn RetrievalLog> = Arc::<MemoryRetrievalLog>::default();
        let publisher = SnapshotPublisher::new(
            Arc::new(DieselSnapshotSource::new(db.clone())),
            Arc::clone(&clock),
            subscribers,
        );
        let guids: Arc<dyn GuidMemory> = Arc::<MokaGuidMemory>::default();
        let source = Arc::new(DieselKeySource::new(db.clone()));
        let ring = KeyRing::new(source, Arc::clone(&guids));
        let serving = Arc::new(Serving::new(
            Arc::new(publisher),
            Arc::new(ring),
            Arc::clone(&retrievals),
            Arc::clone(&clock),
        ));
        serving.refresh()?;
        // The read path holds the database, so the database holds it weakly: the writer ends with the server.
        let renewed = Arc::downgrade(&serving);
        db.on_commit(move || renewed.upgrade().map_or(Ok(()), |one| one.refresh()));
        let sessions = SessionService::new(
            Arc::new(DieselSessionRepository::new(db.clone())),
            Arc::new(SystemRandom),
            Arc::clone(&clock),
            limits,
        );
        let rehearsal = Arc::new(DieselRehearsal::new(db.clone()));
        let traces = Traces {
            traits: Arc::new(MokaTraitStore::new(db.clone(), settings.traits.identities)),
            traits_keep_days: settings.traits.keep_days,
            usage: Arc::new(DieselUsageLog::new(db.clone())),
            usage_keep_days: settings.usage.keep_days,
            clock: Arc::clone(&clock),
        };
        let usage = Arc::clone(&traces.usage);
        Ok(Self {
            previews: PreviewService::new(rehearsal, seen, Arc::clone(&clock)),
            since: clock.now(),
            services: Services::over(&db, clock, retrievals, usage, guids),
            identities: IdentityService::new(Arc::clone(&traces.traits)),
            traces,
            serving,
            sessions,
            storage: Arc::new(db.clone()),
            secret: SystemRandom.bytes(),
            db,
        })
    }

    /// Calls `heard` soon after another instance's commit, as long as what is returned is kept.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(crate) fn listen(&self, heard: impl Fn() + Send + 'static) -> io::Result<Listener> {
        self.db.listen(heard)
    }
}

/// The time of day.
pub(crate) fn now() -> Timestamp {
    SystemClock::start().now()
}

/// A name that no other process has.
pub(crate) fn made_up_name() -> String {
    let random = SystemRandom.bytes();
    random[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// CPUs that this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
