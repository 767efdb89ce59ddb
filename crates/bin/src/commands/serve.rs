//! `flagstaff serve`: the server.
//!
//! Brings the database up to date, fills memory with what is served, and only then listens; `serve/welcome.rs` is what
//! it tells whoever started it.

mod welcome;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use flagstaff_domain::access::{AccountService, FirstAdministrator, SessionLimits};
use flagstaff_domain::flags::{FeatureFilter, SeenContexts};
use flagstaff_domain::page::Page;
use flagstaff_domain::state::{ImportOptions, Plan, Progress, StateService};
use flagstaff_http::sdk::flagsmith::FlagsmithViews;
use flagstaff_http::sdk::ofrep::OfrepViews;
use flagstaff_http::{AllowedOrigins, HttpSettings, Instance, MetricsAccess, Parts};
use listenfd::ListenFd;
use secrecy::ExposeSecret;

use super::{Session, import};
use crate::exit::{Exit, Failure};
use crate::jobs::{Poll, purge, sessions};
use crate::limits;
use crate::modules::{self, Started};
use crate::progress::Bar;
use crate::settings::{self, Settings};
use crate::wiring::{self, Backend, Services, database};
pub(crate) use welcome::Again;
use welcome::{Demonstration, Environments, Welcome};

/// The made-up web shop of `--demo`.
const DEMONSTRATION: &str = include_str!("../../../../config/demo.json");
/// Changes that may wait for the database at the same time, and as many reads. More than it has readers: writes that wait together share
/// a commit.
const WAITING: usize = 64;
/// How long a client may take to send a head or a body, or to take more of an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a shutdown waits for requests in flight, in seconds: less than supervisors wait before they kill.
const SHUTDOWN_SECONDS: u64 = 8;

/// Arguments of `serve`.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  flagstaff serve
  flagstaff serve --demo
  FLAGSTAFF__SERVER__BIND=0.0.0.0:8080 FLAGSTAFF__DATABASE__URL=sqlite:///var/lib/flagstaff/flagstaff.db flagstaff serve

Creates the database, or brings it up to this program's schema. The first start creates an administrator and prints the
password once, unless the configuration brings one (FLAGSTAFF__ADMIN__PASSWORD__FILE). On a terminal, and with --demo, it
also prints a line for each environment that reads its flags, with a client key. SIGTERM and SIGINT end the server after
the requests in flight; `flagstaff config` shows what can be set. With --json what is printed at the start is one object.")]
pub(crate) struct Arguments {
    /// Fill an empty database with the features of a made-up web shop
    #[arg(long)]
    demo: bool,
}

pub(super) fn run(arguments: &Arguments, session: Session, again: &Again) -> Result<(), Failure> {
    let Session {
        settings,
        mut output,
    } = session;
    let inherited = ListenFd::from_env()
        .take_tcp_listener(0)
        .map_err(|error| Failure::io("cannot use the socket that LISTEN_FDS passes on", &error))?;
    for migration in database::migrate(settings.database.url.location())? {
        log::info!(migration; "migration applied");
    }
    let views = Protocols::default();
    let limits = SessionLimits {
        idle_seconds: settings.sign_in.session_idle_seconds,
        max_seconds: settings.sign_in.session_max_seconds,
    };
    let subscribers = vec![views.flagsmith.clone() as _, views.ofrep.clone() as _];
    let preview = &settings.preview;
    let seen = SeenContexts::new(preview.contexts, preview.without_traits.clone());
    let backend = Backend::open(&settings, limits, Arc::new(seen), subscribers)?;
    let told = arguments.demo || output.is_terminal();
    let prepared = prepare(arguments.demo, told, &backend, again)?;
    let unfollowed = |error| Failure::io("cannot start following the change log", &error);
    let poll = Poll::start(Arc::clone(&backend.serving)).map_err(unfollowed)?;
    let listener = settings
        .database
        .notify
        .then(|| backend.listen(poll.waker()));
    let listener = listener.transpose().map_err(unfollowed)?;
    let ended = sessions::forget_ended(backend.sessions.clone())
        .map_err(|error| Failure::io("cannot start forgetting ended sessions", &error))?;
    let purge = purge::start(backend.services.guids.clone())
        .map_err(|error| Failure::io("cannot start purging the GUID register", &error))?;
    let traces = backend
        .traces
        .start()
        .map_err(|error| Failure::io("cannot start storing what requests leave behind", &error))?;
    let instance = Instance {
        name: (settings.server.instance.clone()).unwrap_or_else(wiring::made_up_name),
        since: backend.since,
    };
    let name = instance.name.clone();
    let started = modules::start(&backend.services.base, &settings)?;
    if let Some(Demonstration::Loaded(_)) = prepared.demonstration {
        for module in &started {
            (module.demonstrate)()?;
        }
    }
    let parts = parts(&backend, views, instance, &started);
    let server = flagstaff_http::Services::new(parts, http_settings(&settings));
    // Last of all that can fail before the server listens: from here on, every way out prints the password.
    let mut welcome = Some(Welcome {
        administrator: first_administrator(&settings.admin, &backend.services.accounts)?,
        ..prepared
    });
    let listening = |address: SocketAddr| {
        log::info!(address:%, instance:% = name; "serving");
        if let Some(welcome) = welcome.take() {
            welcome.print(Some(address), &mut output);
        }
    };
    let served = actix_web::rt::System::new().block_on(async {
        limits::survive_file_size();
        flagstaff_http::serve(server, inherited, listening).await
    });
    drop(started);
    drop((ended, purge, traces));
    backend.traces.flush();
    drop((listener, poll)); // in this order: whoever may wake the thread keeps it running
    served.map_err(|error| {
        // A password that was just made up would otherwise be lost with the start that failed.
        if let Some(welcome) = welcome.take() {
            welcome.print(None, &mut output);
        }
        let message = format!(
            "cannot serve on {}: {error}; FLAGSTAFF__SERVER__BIND sets another address",
            settings.server.bind
        );
        Failure::new(Exit::Failed, message)
    })?;
    log::info!("stopped");
    Ok(())
}

/// What is served, as each client protocol reads it.
#[derive(Default)]
struct Protocols {
    flagsmith: Arc<FlagsmithViews>,
    ofrep: Arc<OfrepViews>,
}

/// Loads the demonstration where it is asked for, and gathers what there is to tell; client keys only where they may
/// be told.
fn prepare<'a>(
    demo: bool,
    keys_told: bool,
    backend: &Backend,
    again: &'a Again,
) -> Result<Welcome<'a>, Failure> {
    let services = &backend.services;
    let demonstration = demo.then(|| demonstrate(services)).transpose()?;
    let now = backend.serving.now();
    Ok(Welcome {
        administrator: None,
        demonstration,
        environments: if keys_told {
            Environments::Told(welcome::environments(services, now)?)
        } else {
            Environments::Hidden(welcome::names(services)?)
        },
        again,
    })
}

fn first_administrator(
    settings: &settings::Admin,
    accounts: &AccountService,
) -> Result<Option<FirstAdministrator>, Failure> {
    let (username, password) = (settings.username.clone(), settings.password.clone());
    Ok(accounts.ensure_first_administrator(username, password)?)
}

/// Fills an empty database with the demonstration.
fn demonstrate(services: &Services) -> Result<Demonstration, Failure> {
    let environments = services.flags.list_environments(&Page::first())?;
    let features = services
        .flags
        .list_features(&Page::first(), FeatureFilter::default())?;
    if !environments.items.is_empty() || !features.items.is_empty() {
        return Ok(Demonstration::NotEmpty);
    }
    let plan = load_demonstration(&services.state)?;
    Ok(Demonstration::Loaded(import::generated(&plan)))
}

fn load_demonstration(state: &StateService) -> Result<Plan, Failure> {
    let file = import::parse(DEMONSTRATION)
        .map_err(|message| Failure::new(Exit::Failed, format!("the demonstration: {message}")))?;
    let bar = Arc::new(Bar::start("loading the demonstration"));
    let progress: Arc<dyn Progress> = Arc::clone(&bar) as _;
    let imported = state.import(file, ImportOptions::default(), progress);
    bar.finish();
    Ok(imported?)
}

fn parts(backend: &Backend, views: Protocols, instance: Instance, started: &[Started]) -> Parts {
    let services = &backend.services;
    Parts {
        serving: backend.serving.as_ref().clone(),
        flagsmith: views.flagsmith,
        ofrep: views.ofrep,
        flags: services.flags.clone(),
        previews: backend.previews.clone(),
        targeting: services.targeting.clone(),
        identities: backend.identities.clone(),
        usage: services.usage.clone(),
        keys: services.keys.clone(),
        guids: services.guids.clone(),
        accounts: services.accounts.clone(),
        sessions: backend.sessions.clone(),
        tokens: services.tokens.clone(),
        changes: Arc::clone(&services.changes),
        storage: Arc::clone(&backend.storage),
        instance,
        modules: started.iter().map(|one| Arc::clone(&one.http)).collect(),
        secret: backend.secret,
    }
}

fn http_settings(settings: &Settings) -> HttpSettings {
    let workers = match settings.server.workers {
        0 => wiring::cores(),
        workers => workers,
    };
    HttpSettings {
        bind: settings.server.bind,
        workers,
        connections: limits::connections(settings, workers),
        patience: PATIENCE,
        waiting: WAITING,
        register_reads: usize::try_from(settings.database.readers / 2)
            .map_or(1, |half| half.max(1)),
        allowed_origins: match &settings.server.allowed_origins {
            settings::AllowedOrigins::Any => AllowedOrigins::Any,
            settings::AllowedOrigins::Only(origins) => AllowedOrigins::Only(origins.clone()),
        },
        evaluations_per_second: settings.evaluation.limit_per_second,
        access_log: settings.log.access,
        metrics: MetricsAccess {
            public: settings.metrics.public,
            token: settings
                .metrics
                .token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
        },
        failures_per_account: settings.sign_in.failures_per_account,
        failures_per_address: settings.sign_in.failures_per_address,
        secure_cookie: settings.sign_in.secure_cookie,
        client_traits: settings.traits.from_clients,
        grace: Duration::from_secs(settings.server.grace_seconds),
        shutdown_seconds: SHUTDOWN_SECONDS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstration_is_a_state_file_with_values_of_every_type() {
        use flagstaff_domain::flags::FlagValue;
        let file = import::parse(DEMONSTRATION).unwrap();
        assert_eq!(file.flags.environments.unwrap().len(), 3);
        let features = file.flags.features.unwrap();
        assert!(features.len() >= 14);
        let mut kinds = [false; 7];
        for feature in &features {
            let kind = match feature.initial_value.as_ref().unwrap_or(&FlagValue::Null) {
                FlagValue::Null => 0,
                FlagValue::Bool(_) => 1,
                FlagValue::String(_) => 2,
                FlagValue::Integer(_) => 3,
                FlagValue::Float(_) => 4,
                FlagValue::Json(json) if json.as_str().starts_with('{') => 5,
                FlagValue::Json(_) => 6,
            };
            kinds[kind] = true;
            assert!(feature.description.is_some() && feature.tags.is_some());
        }
        assert_eq!(kinds, [true; 7]);
        assert!(features.iter().any(|one| one.server_key_only == Some(true)));
        assert!(
            file.access
                .keys
                .unwrap()
                .iter()
                .all(|key| key.key.is_none())
        );
    }
}
