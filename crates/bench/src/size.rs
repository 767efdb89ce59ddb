//! A large catalogue beside a small one: starting, memory, and what a change costs.

use std::io::Result;
use std::thread::sleep;
use std::time::Duration;

use flagstaff_bench::servers::Server;
use tempfile::TempDir;

use crate::catalogue;
use crate::table::{Report, median, ratio};
use crate::trio::timed;
use crate::writes::{change, send};

/// Features in both.
const FEATURES: usize = 200;

/// A catalogue, and what was measured with it.
struct Catalogue {
    folder: TempDir,
    environments: usize,
    starts: Vec<f64>,
    resident: Vec<f64>,
    flags: Vec<f64>,
    features: Vec<f64>,
}

impl Catalogue {
    fn create(environments: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        catalogue::create(folder.path(), environments, FEATURES)?;
        drop(Server::flagstaff(folder.path())?); // makes the administrator
        Ok(Self {
            folder,
            environments,
            starts: Vec::new(),
            resident: Vec::new(),
            flags: Vec::new(),
            features: Vec::new(),
        })
    }

    fn start(&mut self) -> Result<Server> {
        let server = Server::flagstaff(self.folder.path())?;
        self.starts.push(server.started_in.as_secs_f64() * 1e3);
        sleep(Duration::from_millis(300));
        self.resident.push(server.resident_mib()?);
        Ok(server)
    }

    fn report(&self, report: &mut Report) {
        let mut add = |what: &str, values: &[f64], unit| {
            let what = format!("{} environments: {what}", self.environments);
            report.add("size", what, median(values), unit);
        };
        add("start to first answer", &self.starts, "ms here");
        add("resident memory", &self.resident, "MiB");
        add("changing one flag", &self.flags, "ms here");
        add("adding a feature", &self.features, "ms here");
    }
}

/// 1,000 environments beside 10, both of 200 features.
pub(crate) fn size(report: &mut Report, quick: bool) -> Result<()> {
    let large = if quick { 100 } else { 1_000 };
    let mut catalogues = [Catalogue::create(10)?, Catalogue::create(large)?];
    for _ in 0..5 {
        for catalogue in &mut catalogues {
            catalogue.start()?;
        }
    }
    let [small, large] = &mut catalogues;
    let servers = [small.start()?, large.start()?];
    for server in &servers {
        change(server.address, 0, 0, 0)?; // hashes the password
    }
    for turn in 1..=50 {
        for (server, catalogue) in servers.iter().zip(&mut catalogues) {
            let cost = timed(|| change(server.address, 1, 1, turn))?;
            catalogue.flags.push(cost);
        }
    }
    for turn in 0..7 {
        let body = format!("{{\"name\": \"added-{turn}\"}}");
        for (server, catalogue) in servers.iter().zip(&mut catalogues) {
            let cost = timed(|| send(server.address, "POST", "/api/admin/features", &body, 201))?;
            catalogue.features.push(cost);
        }
    }
    let [small, large] = &catalogues;
    small.report(report);
    large.report(report);
    let mut add = |what, cost: fn(&Catalogue) -> &Vec<f64>| {
        report.add(
            "size",
            what,
            ratio(cost(large), cost(small)),
            "times that in the small",
        );
    };
    add("changing one flag in the large catalogue", |one| &one.flags);
    add("adding a feature in the large catalogue", |one| {
        &one.features
    });
    Ok(())
}
