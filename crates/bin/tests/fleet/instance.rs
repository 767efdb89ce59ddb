//! One of several servers on one database: started, asked, stopped, killed and paused as the test likes.

use std::fs::File;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::catalogue;
use crate::client::Client;
use crate::program::Installation;
use crate::server::{DEADLINE, PASSWORD, Server, address_of};
use crate::traffic::Seat;

const LOG: &str = "server.log";

/// A running server, which is killed when it is dropped.
pub(crate) struct Instance {
    here: Installation,
    server: Server,
    address: SocketAddr,
}

impl Instance {
    /// Starts on a free port, and returns when flags are served.
    pub(crate) fn start(database: &str, variables: &[(&str, &str)]) -> Self {
        Self::try_start(database, variables).unwrap_or_else(|log| panic!("{log}"))
    }

    /// Like [`Instance::start`]; the log of one that ended instead, as it does where its database is away.
    pub(crate) fn try_start(database: &str, variables: &[(&str, &str)]) -> Result<Self, String> {
        let here = Installation::empty();
        let log = File::create(here.path(LOG)).unwrap();
        let mut all = vec![
            ("FLAGSTAFF__DATABASE__URL", database),
            ("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD),
        ];
        all.extend(variables);
        let mut server = Server::start_telling(&here, &["serve", "--json"], &all, log);
        let Some(report) = server.try_report() else {
            return Err(here.read(LOG));
        };
        let address = address_of(&report);
        Ok(Self {
            here,
            server,
            address,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn client(&self) -> Client {
        Client::of(self.address)
    }

    /// What `/health/ready` says.
    pub(crate) fn readiness(&self) -> (u16, Value) {
        let asked = self
            .client()
            .ask("GET", "/health/ready", ("Accept", "*/*"), "");
        let answer = asked.unwrap();
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// Runs a command on its database.
    pub(crate) fn run(&self, database: &str, arguments: &[&str]) -> String {
        let variables = [("FLAGSTAFF__DATABASE__URL", database)];
        self.here.run_with(arguments, &variables, "").succeeds()
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        self.here.read(LOG)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.server.child), signal).unwrap();
    }

    /// Ends it as an operator does; it has to end well.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        let ended = self.server.child.wait().unwrap();
        assert!(ended.success(), "{ended}: {}", self.log());
    }

    /// Stops it in the midst of whatever it does.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(30)..];
            eprintln!("{} said last:\n{}", self.address, last.join("\n"));
        }
    }
}

/// Several instances on one database, which holds the tests' catalogue.
pub(crate) struct Fleet {
    pub(crate) instances: Vec<Instance>,
    pub(crate) seats: Vec<Seat>,
    /// Opens the environment.
    pub(crate) key: String,
}

impl Fleet {
    pub(crate) fn start(count: usize, database: &str, variables: &[(&str, &str)]) -> Self {
        let start = |_| Instance::start(database, variables);
        let instances: Vec<_> = (0..count).map(start).collect();
        let key = catalogue::create(&mut instances[0].client());
        let seats: Vec<_> = instances.iter().map(|_| Seat::default()).collect();
        for (instance, seat) in instances.iter().zip(&seats) {
            seat.is_at(Some(instance.address()));
        }
        let fleet = Self {
            instances,
            seats,
            key,
        };
        fleet.until(|one| {
            let list = catalogue::list(&mut one.client(), &fleet.key).unwrap();
            list.status == 200 && list.body.matches("\"feature\"").count() == catalogue::FLAGS
        });
        fleet
    }

    /// Waits until something holds for each instance.
    pub(crate) fn until(&self, holds: impl Fn(&Instance) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        for one in &self.instances {
            while !holds(one) {
                assert!(Instant::now() < deadline, "{:?}", one.readiness());
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
