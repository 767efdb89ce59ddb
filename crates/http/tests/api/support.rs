//! An application on a fresh database, and what tests ask it.
//!
//! The adapters are the real ones, but for the clock, which stands until a test moves it, and the password hasher,
//! which also counts. [`request`] has the requests and answers, [`seed`] the records that tests begin with,
//! [`socket`] a server on a port.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clock;
mod hasher;
mod log;
mod modules;
mod place;
mod request;
mod retrievals;
mod secrets;
mod seed;
mod socket;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::{Payload, Service, ServiceFactory};
use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::{HttpResponse, web};
use diesel::connection::SimpleConnection;
use flagstaff_domain::access::{
    AccountService, GuidMemory, GuidRepository, GuidService, KeyRing, KeyService, Password,
    RandomSource, SessionLimits, SessionService, TokenService, Username,
};
use flagstaff_domain::clock::Clock;
use flagstaff_domain::flags::targeting::TargetingService;
use flagstaff_domain::flags::{
    FlagRepository, FlagService, IdentityService, PreviewService, SeenContexts, SnapshotPublisher,
    TraitStore, UsageLog, UsageService,
};
use flagstaff_domain::serving::Serving;
use flagstaff_domain::storage::StorageError;
use flagstaff_http::app::application;
use flagstaff_http::sdk::flagsmith::FlagsmithViews;
use flagstaff_http::sdk::ofrep::OfrepViews;
use flagstaff_http::{AllowedOrigins, HttpSettings, Instance, MetricsAccess, Parts, Services};
use flagstaff_infra::access::{
    DieselAccountRepository, DieselGuidRepository, DieselKeyRepository, DieselKeySource,
    DieselSessionRepository, DieselTokenRepository, MokaGuidMemory,
};
use flagstaff_infra::changes::DieselChangeLog;
use flagstaff_infra::db::{Db, DbConnection, DbOptions, WorkError};
use flagstaff_infra::flags::{
    DieselFlagRepository, DieselRehearsal, DieselSnapshotSource, DieselTargetingRepository,
    DieselUsageLog, MokaTraitStore,
};
use flagstaff_infra::random::SystemRandom;
use futures_util::future::LocalBoxFuture;

pub(crate) use clock::{TestClock, instant};
pub(crate) use hasher::CountingHasher;
pub(crate) use log::logged;
use place::Place;
pub(crate) use request::{Answer, Ask, members};
pub(crate) use retrievals::TestRetrievals;
pub(crate) use socket::{Connection, Reply, Server};

/// The first administrator.
pub(crate) const ADMIN: &str = "admin";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// The flag list.
pub(crate) const FLAGS: &str = "/api/v1/flags/";

/// For how long sessions last.
pub(crate) const SESSIONS: SessionLimits = SessionLimits {
    idle_seconds: 3_600,
    max_seconds: 86_400,
};

/// How a test's server is set up.
pub(crate) fn settings() -> HttpSettings {
    HttpSettings {
        bind: SocketAddr::from(([127, 0, 0, 1], 0)),
        workers: 1,
        connections: 1024,
        patience: Duration::from_secs(10),
        waiting: 64,
        register_reads: 2,
        allowed_origins: AllowedOrigins::Any,
        evaluations_per_second: 0,
        access_log: false,
        metrics: MetricsAccess::default(),
        failures_per_account: 10,
        failures_per_address: 100,
        secure_cookie: false,
        client_traits: true,
        grace: Duration::ZERO,
        shutdown_seconds: 1,
    }
}

/// Everything behind an application.
pub(crate) struct Backend {
    place: Place,
    db: Db,
    pub(crate) services: web::Data<Services>,
    pub(crate) serving: Serving,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) hasher: Arc<CountingHasher>,
    pub(crate) retrievals: Arc<TestRetrievals>,
    /// What is remembered of identities; a test stores it.
    pub(crate) traits: Arc<dyn TraitStore>,
    /// What is counted of features; a test stores it.
    pub(crate) usage: Arc<dyn UsageLog>,
    /// Whether what is committed cannot be read back for being served.
    pub(crate) stale: Arc<AtomicBool>,
}

impl Backend {
    /// With an administrator and nothing else. Nothing is served before [`Serving::refresh`].
    pub(crate) fn start(settings: HttpSettings) -> Self {
        Self::start_with(settings, |repository| repository)
    }

    /// Like [`Backend::start`], with something between the services and the stored flags.
    pub(crate) fn start_with(
        settings: HttpSettings,
        between: impl FnOnce(Arc<dyn FlagRepository>) -> Arc<dyn FlagRepository>,
    ) -> Self {
        Self::start_between(settings, between, |guids| guids)
    }

    /// Like [`Backend::start_with`], and with something between the services and the stored GUID register.
    pub(crate) fn start_between(
        settings: HttpSettings,
        flags: impl FnOnce(Arc<dyn FlagRepository>) -> Arc<dyn FlagRepository>,
        guids: impl FnOnce(Arc<dyn GuidRepository>) -> Arc<dyn GuidRepository>,
    ) -> Self {
        Self::start_whole(settings, flags, guids, true)
    }

    /// Like [`Backend::start`], with what modules show closed to everybody.
    #[allow(dead_code, reason = "a build without modules has nothing to close")]
    pub(crate) fn closed() -> Self {
        Self::start_whole(settings(), |flags| flags, |guids| guids, false)
    }

    fn start_whole(
        settings: HttpSettings,
        flags: impl FnOnce(Arc<dyn FlagRepository>) -> Arc<dyn FlagRepository>,
        guids: impl FnOnce(Arc<dyn GuidRepository>) -> Arc<dyn GuidRepository>,
        public: bool,
    ) -> Self {
        log::capture();
        let place = Place::migrated();
        let mut options = DbOptions::serving(place.location(), 4, 64);
        // Long enough for the neighbours in a test, short where a test locks the database.
        options.busy = std::time::Duration::from_millis(200);
        let db = Db::open(&options).unwrap();
        let clock = Arc::new(TestClock::default());
        let hasher = Arc::new(CountingHasher::default());
        let random = Arc::new(SystemRandom);
        let retrievals = Arc::<TestRetrievals>::default();
        let timed: Arc<dyn Clock> = clock.clone();
        let flagsmith = Arc::<FlagsmithViews>::default();
        let ofrep = Arc::<OfrepViews>::default();
        let seen = Arc::new(SeenContexts::new(1_000, BTreeSet::new()));
        let remembered: Arc<dyn GuidMemory> = Arc::<MokaGuidMemory>::default();
        let serving = Serving::new(
            Arc::new(SnapshotPublisher::new(
                Arc::new(DieselSnapshotSource::new(db.clone())),
                Arc::clone(&timed),
                vec![flagsmith.clone(), ofrep.clone(), seen.clone()],
            )),
            Arc::new(KeyRing::new(
                Arc::new(DieselKeySource::new(db.clone())),
                Arc::clone(&remembered),
            )),
            retrievals.clone(),
            Arc::clone(&timed),
        );
        let accounts = AccountService::new(
            Arc::new(DieselAccountRepository::new(db.clone())),
            hasher.clone(),
            random.clone(),
            Arc::clone(&timed),
        );
        accounts
            .ensure_first_administrator(
                Username::parse(ADMIN).unwrap(),
                Some(Password::parse(PASSWORD).unwrap()),
            )
            .unwrap();
        let renewed = serving.clone();
        let stale = Arc::new(AtomicBool::new(false));
        let refuses = Arc::clone(&stale);
        db.on_commit(move || match refuses.load(Ordering::SeqCst) {
            true => Err(StorageError::unavailable("the test says so")),
            false => renewed.refresh(),
        });
        let traits: Arc<dyn TraitStore> = Arc::new(MokaTraitStore::new(db.clone(), 1_000));
        let usage: Arc<dyn UsageLog> = Arc::new(DieselUsageLog::new(db.clone()));
        let parts = Parts {
            serving: serving.clone(),
            flagsmith,
            ofrep,
            targeting: TargetingService::new(
                Arc::new(DieselTargetingRepository::new(db.clone())),
                random.clone(),
                clock.clone(),
            ),
            flags: FlagService::new(
                flags(Arc::new(DieselFlagRepository::new(db.clone()))),
                retrievals.clone(),
                random.clone(),
                Arc::clone(&usage),
                Arc::clone(&timed),
            ),
            identities: IdentityService::new(Arc::clone(&traits)),
            usage: UsageService::new(
                Arc::new(DieselFlagRepository::new(db.clone())),
                Arc::clone(&usage),
                Arc::clone(&timed),
            ),
            previews: PreviewService::new(
                Arc::new(DieselRehearsal::new(db.clone())),
                seen,
                Arc::clone(&timed),
            ),
            keys: KeyService::new(
                Arc::new(DieselKeyRepository::new(db.clone())),
                random.clone(),
                Arc::clone(&timed),
            ),
            guids: GuidService::new(
                guids(Arc::new(DieselGuidRepository::new(db.clone()))),
                remembered,
                random.clone(),
                Arc::clone(&timed),
            ),
            accounts,
            sessions: SessionService::new(
                Arc::new(DieselSessionRepository::new(db.clone())),
                random.clone(),
                Arc::clone(&timed),
                SESSIONS,
            ),
            tokens: TokenService::new(
                Arc::new(DieselTokenRepository::new(db.clone())),
                random,
                Arc::clone(&timed),
            ),
            changes: Arc::new(DieselChangeLog::new(db.clone())),
            storage: Arc::new(db.clone()),
            instance: Instance {
                name: "web-1".to_owned(),
                since: instant("2026-11-20T09:00:00.000001Z"),
            },
            modules: modules::all(&db, &timed, public),
            secret: SystemRandom.bytes(),
        };
        Self {
            place,
            db,
            services: web::Data::new(Services::new(parts, settings)),
            serving,
            clock,
            hasher,
            retrievals,
            traits,
            usage,
            stale,
        }
    }

    /// The GUID register as another process has it.
    pub(crate) fn elsewhere(&self) -> GuidService {
        let db = Db::open(&DbOptions::command(self.place.location())).unwrap();
        GuidService::new(
            Arc::new(DieselGuidRepository::new(db)),
            Arc::<MokaGuidMemory>::default(),
            Arc::new(SystemRandom),
            self.clock.clone(),
        )
    }

    /// A connection past the application, as another process has one.
    pub(crate) fn connection(&self) -> DbConnection {
        self.place.connection()
    }

    /// Damages the database: whatever is read from it or written to it from now on fails.
    pub(crate) fn damage(&self) {
        self.place.damage();
    }

    /// Whether the database is SQLite's.
    pub(crate) fn is_a_file(&self) -> bool {
        self.place.location().file().is_some()
    }

    /// Runs SQL on the connection that writes, which keeps what it sets until it fails.
    pub(crate) fn on_writer(&self, sql: &'static str) {
        let run = move |connection: &mut DbConnection| -> Result<(), WorkError<StorageError>> {
            Ok(connection.batch_execute(sql)?)
        };
        self.db.write(run).unwrap();
    }

    /// Takes the permission to write from the file, or gives it back.
    pub(crate) fn make_read_only(&self, read_only: bool) {
        let location = self.place.location();
        let file = location.file().unwrap();
        let mut permissions = std::fs::metadata(file).unwrap().permissions();
        permissions.set_readonly(read_only);
        std::fs::set_permissions(file, permissions).unwrap();
    }

    /// Keeps every writer out until the connection is dropped.
    pub(crate) fn lock(&self) -> DbConnection {
        self.place.lock()
    }
}

/// Sends a request, with another payload than its own where there is one.
type Call = Box<dyn Fn(TestRequest, Option<Payload>) -> LocalBoxFuture<'static, Answer>>;

/// An application in this process.
pub(crate) struct Api {
    pub(crate) backend: Backend,
    call: Call,
}

impl Api {
    /// With an administrator and nothing else.
    pub(crate) async fn empty() -> Self {
        Self::with(settings()).await
    }

    /// With an administrator, nothing else, and settings of its own.
    pub(crate) async fn with(settings: HttpSettings) -> Self {
        let backend = Backend::start(settings);
        backend.serving.refresh().unwrap();
        Self::over(backend).await
    }

    /// In front of what was set up before.
    pub(crate) async fn over(backend: Backend) -> Self {
        let app = application(backend.services.clone());
        let app = Rc::new(app.new_service(()).await.unwrap());
        let call = move |request: TestRequest,
                         payload: Option<Payload>|
              -> LocalBoxFuture<'static, Answer> {
            let app = Rc::clone(&app);
            Box::pin(async move {
                let mut request = request.to_request();
                if let Some(payload) = payload {
                    *request.payload() = payload;
                }
                let Ok(response) = app.call(request).await;
                Answer::read(HttpResponse::from(response)).await
            })
        };
        Self {
            backend,
            call: Box::new(call),
        }
    }

    /// A request to management, signed in as the administrator.
    pub(crate) fn manage(&self, method: Method, path: &str) -> Ask<'_> {
        self.ask(method, path).basic(ADMIN, PASSWORD)
    }

    /// The answer to a management read.
    pub(crate) async fn read(&self, path: &str) -> Answer {
        self.manage(Method::GET, path).send().await
    }

    /// A request of nobody in particular.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        Ask::new(&self.call, method, path)
    }

    /// The answer to a read by nobody in particular.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    /// The answer of a handler that panics.
    pub(crate) async fn panic(&self, key: &str) -> Answer {
        self.backend.retrievals.panic(true);
        let answer = self.flags(key).await;
        self.backend.retrievals.panic(false);
        answer
    }

    /// The flag list, as the key opens it.
    pub(crate) async fn flags(&self, key: &str) -> Answer {
        self.ask(Method::GET, FLAGS).key(key).send().await
    }
}
