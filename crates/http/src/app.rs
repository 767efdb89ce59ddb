//! The application: every route, put together from the parts. One instance a worker; what they share is [`Services`].

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_http::{Request, Response};
use actix_service::IntoServiceFactory;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceFactory, fn_factory};
use actix_web::middleware::from_fn;
use actix_web::web::{self, PayloadConfig, ServiceConfig};
use actix_web::{App, HttpRequest};
use flagstaff_domain::access::{
    AccountService, GuidService, KeyService, SessionService, TokenService,
};
use flagstaff_domain::changes::ChangeLog;
use flagstaff_domain::flags::targeting::TargetingService;
use flagstaff_domain::flags::{
    FlagService, IdentityService, PreviewService, SeenContexts, UsageService,
};
use flagstaff_domain::serving::Serving;
use flagstaff_domain::storage::StorageMonitor;

use crate::blocking::Blocking;
use crate::edge::{Edge, LogBudget, RequestIds};
use crate::error::{Code, Problem};
use crate::instance::Instance;
use crate::json::BODY_MAX;
use crate::metrics::Metrics;
use crate::modules::Module;
use crate::resource::resource;
use crate::sdk::cors::Cors;
use crate::sdk::flagsmith::FlagsmithViews;
use crate::sdk::limit::Limit;
use crate::sdk::ofrep::OfrepViews;
use crate::settings::HttpSettings;
use crate::sign_in::SignIn;
use crate::{admin, auth, guid, health, metrics, openapi, sdk};

/// What requests are answered with.
pub struct Services {
    /// The read path.
    pub serving: Serving,
    /// Flags as Flagsmith's SDKs read them; subscribes to the snapshots.
    pub flagsmith: Arc<FlagsmithViews>,
    /// Flags as OFREP answers them; subscribes to the snapshots.
    pub ofrep: Arc<OfrepViews>,
    /// Features, environments, flags.
    pub flags: FlagService,
    /// What changes would mean to those who were seen lately.
    pub previews: PreviewService,
    /// Those who were seen lately; whoever evaluates for an identity tells of it.
    pub seen: Arc<SeenContexts>,
    /// Segments and overrides.
    pub targeting: TargetingService,
    /// Identities.
    pub identities: IdentityService,
    /// How often features are used.
    pub usage: UsageService,
    /// The keys of environments.
    pub keys: KeyService,
    /// The GUID register.
    pub guids: GuidService,
    /// Accounts.
    pub accounts: AccountService,
    /// Sessions.
    pub sessions: SessionService,
    /// Access tokens.
    pub tokens: TokenService,
    /// The change log.
    pub changes: Arc<dyn ChangeLog>,
    /// The store's condition.
    pub storage: Arc<dyn StorageMonitor>,
    /// Which instance this is.
    pub instance: Instance,
    pub(crate) modules: Vec<Arc<dyn Module>>,
    pub(crate) sign_in: Arc<SignIn>,
    pub(crate) metrics: Metrics,
    pub(crate) request_ids: RequestIds,
    pub(crate) log_budget: LogBudget,
    pub(crate) blocking: Blocking,
    /// Reads of the GUID register, which need no account: apart, so that a flood of them leaves the rest its turns.
    pub(crate) register: Blocking,
    /// Apart from the rest, so that a storm of sign-ins leaves management its turns.
    pub(crate) hashing: Blocking,
    /// Who takes the writer's turn to change nothing: one after the other, so that everybody's changes wait for one at most.
    pub(crate) previewing: Blocking,
    pub(crate) cors: Cors,
    pub(crate) limit: Limit,
    pub(crate) settings: HttpSettings,
    stopping: AtomicBool,
    draining: AtomicBool,
}

/// What [`Services`] are made of.
pub struct Parts {
    /// The read path.
    pub serving: Serving,
    /// Flags as Flagsmith's SDKs read them; subscribes to the snapshots.
    pub flagsmith: Arc<FlagsmithViews>,
    /// Flags as OFREP answers them; subscribes to the snapshots.
    pub ofrep: Arc<OfrepViews>,
    /// Features, environments, flags.
    pub flags: FlagService,
    /// What changes would mean to those who were seen lately.
    pub previews: PreviewService,
    /// Segments and overrides.
    pub targeting: TargetingService,
    /// Identities.
    pub identities: IdentityService,
    /// How often features are used.
    pub usage: UsageService,
    /// The keys of environments.
    pub keys: KeyService,
    /// The GUID register.
    pub guids: GuidService,
    /// Accounts.
    pub accounts: AccountService,
    /// Sessions.
    pub sessions: SessionService,
    /// Access tokens.
    pub tokens: TokenService,
    /// The change log.
    pub changes: Arc<dyn ChangeLog>,
    /// The store's condition.
    pub storage: Arc<dyn StorageMonitor>,
    /// Which instance this is.
    pub instance: Instance,
    /// What optional modules add.
    pub modules: Vec<Arc<dyn Module>>,
    /// Random bytes of this process alone, mixed into the memory of credentials and the ids of requests.
    pub secret: [u8; 32],
}

impl Services {
    /// The services of a server with these settings.
    #[must_use]
    pub fn new(parts: Parts, settings: HttpSettings) -> Self {
        Self {
            sign_in: Arc::new(SignIn::new(
                parts.accounts.clone(),
                parts.secret,
                settings.failures_per_account,
                settings.failures_per_address,
            )),
            request_ids: RequestIds::new(&parts.secret),
            log_budget: LogBudget::new(),
            blocking: Blocking::new(settings.waiting),
            register: Blocking::new(settings.register_reads),
            hashing: Blocking::new(2 * settings.workers),
            previewing: Blocking::new(1),
            cors: Cors::new(&settings.allowed_origins),
            limit: Limit::new(settings.evaluations_per_second),
            metrics: Metrics::new(
                &parts.instance,
                parts.serving.clone(),
                Arc::clone(&parts.storage),
                &parts.modules,
            ),
            serving: parts.serving,
            flagsmith: parts.flagsmith,
            ofrep: parts.ofrep,
            flags: parts.flags,
            seen: Arc::clone(parts.previews.seen()),
            previews: parts.previews,
            targeting: parts.targeting,
            identities: parts.identities,
            usage: parts.usage,
            keys: parts.keys,
            guids: parts.guids,
            accounts: parts.accounts,
            sessions: parts.sessions,
            tokens: parts.tokens,
            changes: parts.changes,
            storage: parts.storage,
            instance: parts.instance,
            modules: parts.modules,
            settings,
            stopping: AtomicBool::new(false),
            draining: AtomicBool::new(false),
        }
    }

    /// The services of the application that a request came to.
    pub(crate) fn of(request: &HttpRequest) -> Result<&web::Data<Self>, Problem> {
        request
            .app_data::<web::Data<Self>>()
            .ok_or_else(|| Problem::fault("the application has no services"))
    }

    /// Says from now on that this instance is not ready; everything else goes on.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Closes idle connections from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether idle connections are to be closed.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether the server was asked to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// One worker's instance of the application, behind the [edge](crate::edge).
pub fn application(
    services: web::Data<Services>,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<BoxBody>,
    Error = Infallible,
    InitError = (),
> {
    fn_factory(move || {
        let shared = services.clone();
        let routes = App::new().configure(move |config| configure(&shared, config));
        let routes = routes.into_factory().new_service(AppConfig::default());
        let services = services.clone();
        async move { Ok(Edge::new(routes.await?, services)) }
    })
}

/// Adds every route. What applications call comes first: routes are tried in order.
fn configure(services: &web::Data<Services>, config: &mut ServiceConfig) {
    config
        .app_data(web::Data::clone(services))
        .app_data(PayloadConfig::new(BODY_MAX))
        .configure(sdk::configure)
        .configure(health::configure)
        .configure(metrics::configure)
        // Before the rest of management: it is how one gets in.
        .service(
            resource("/api/admin/sessions")
                .post(admin::sessions::begin)
                .build(),
        )
        .service(
            web::scope("/api/admin")
                .wrap(from_fn(auth::authenticate))
                .configure(admin::configure)
                .default_service(web::to(nothing_here)),
        )
        .configure(guid::configure)
        .configure(openapi::configure);
    for module in &services.modules {
        config.configure(|config| module.configure(config));
    }
    config.default_service(web::to(nothing_here));
}

async fn nothing_here() -> Result<&'static str, Problem> {
    Err(Problem::new(
        Code::NotFound,
        "nothing is at this path; /docs/ shows the API",
    ))
}
