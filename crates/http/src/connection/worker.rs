//! The connections of one worker, and when they have had their time.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use actix_web::rt::{self, time};
use actix_web::web;

use super::{Phase, Watch};
use crate::app::Services;
use crate::metrics::Reason;

/// How often a worker looks at its connections.
const TICK: Duration = Duration::from_millis(250);

/// How long an idle connection is kept: longer than load balancers keep theirs, so that it is they who close it.
const IDLE: Duration = Duration::from_secs(75);
/// The same where many are open.
const IDLE_IN_A_CROWD: Duration = Duration::from_secs(5);
/// How long a head may take once the server stops.
const AT_THE_END: Duration = Duration::from_secs(1);

/// How long a client may take to read that the connection closes.
const CLOSING: Duration = Duration::from_secs(2);

/// For how many ticks a connection may stay as it is.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Until the first byte of a new connection.
    new: u32,
    /// Until a head is whole, or a client takes more of an answer.
    slow: u32,
    /// Between requests.
    idle: u32,
    /// Until a client has read that the connection closes.
    closing: u32,
}

impl Patience {
    fn new(new: Duration, slow: Duration, idle: Duration) -> Self {
        let ticks = |time: Duration| u32::try_from(time.as_millis() / TICK.as_millis());
        Self {
            new: ticks(new).unwrap_or(u32::MAX),
            slow: ticks(slow).unwrap_or(u32::MAX),
            idle: ticks(idle).unwrap_or(u32::MAX),
            closing: ticks(CLOSING).unwrap_or(u32::MAX),
        }
    }
}

/// One worker's connections.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Ticks since it started. They wrap after 34 years.
    now: Cell<u32>,
    services: web::Data<Services>,
    /// More connections than these are a crowd.
    crowd: usize,
    watches: RefCell<Vec<Weak<Watch>>>,
}

impl Worker {
    /// A worker that looks at its connections for as long as somebody holds it.
    pub(crate) fn start(services: web::Data<Services>) -> Rc<Self> {
        let worker = Rc::new(Self {
            now: Cell::new(0),
            crowd: services.settings.connections_a_worker() / 4,
            services,
            watches: RefCell::default(),
        });
        let looking = Rc::downgrade(&worker);
        rt::spawn(async move {
            loop {
                time::sleep(TICK).await;
                let Some(worker) = looking.upgrade() else {
                    break;
                };
                worker.look();
            }
        });
        worker
    }

    pub(super) fn now(&self) -> u32 {
        self.now.get()
    }

    /// A watch for a new connection.
    pub(crate) fn watch(self: &Rc<Self>) -> Rc<Watch> {
        let watch = Rc::new(Watch::new(Rc::clone(self)));
        self.watches.borrow_mut().push(Rc::downgrade(&watch));
        self.services.metrics.connections.open.inc();
        watch
    }

    pub(super) fn closed(&self) {
        self.services.metrics.connections.open.dec();
    }

    /// Ends the connections that have had their time.
    fn look(&self) {
        self.now.set(self.now.get().wrapping_add(1));
        let mut watches = self.watches.borrow_mut();
        watches.retain(|watch| watch.strong_count() > 0);
        let slow = self.services.settings.patience;
        let patience = if self.services.is_draining() {
            let slow = AT_THE_END.min(slow);
            Patience::new(slow, slow, Duration::ZERO)
        } else if watches.len() > self.crowd {
            Patience::new(slow.min(IDLE_IN_A_CROWD), slow, IDLE_IN_A_CROWD)
        } else {
            Patience::new(slow, slow, IDLE)
        };
        for watch in watches.iter().filter_map(Weak::upgrade) {
            if let Some(reason) = overdue(&watch, self.now.get(), patience) {
                self.services.metrics.connections.ended(reason);
                watch.end();
            }
        }
    }
}

/// Why a connection has to end.
fn overdue(watch: &Watch, now: u32, patience: Patience) -> Option<Reason> {
    let (since, patience, reason) = match (watch.stalled.get(), watch.phase.get()) {
        (Some(since), _) => (since, patience.slow, Reason::NotReading),
        (None, Phase::New) => (watch.since.get(), patience.new, Reason::Late),
        (None, Phase::Head) => (watch.since.get(), patience.slow, Reason::Late),
        (None, Phase::Idle) => (watch.since.get(), patience.idle, Reason::Idle),
        (None, Phase::Closing) => (watch.since.get(), patience.closing, Reason::Late),
        (None, Phase::Busy) => return None,
    };
    (now.wrapping_sub(since) > patience).then_some(reason)
}
