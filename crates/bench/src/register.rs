//! A large GUID register beside a small one, and many keys beside one: what a read, a creation, a purge and the list cost.

use std::io::{Error, Result};
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use flagstaff_bench::http::{self, Kept};
use flagstaff_bench::servers::{Server, command, program};
use tempfile::TempDir;

use crate::catalogue;
use crate::load;
use crate::table::{Report, median, ratio};
use crate::trio::{request, seconds, timed};

/// Records that are made, and read, one by one.
const ONE_BY_ONE: usize = 500;
/// Records that one purge removes.
const EXPIRED: usize = 4_000;
const PURGES: usize = 5;

/// An installation of one environment with 20 features.
struct Installation {
    folder: TempDir,
}

impl Installation {
    fn create() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        catalogue::create(folder.path(), 1, 20)?;
        drop(Server::flagstaff(folder.path())?); // makes the administrator
        Ok(Self { folder })
    }

    fn serve(&self) -> Result<Server> {
        Server::flagstaff(self.folder.path())
    }

    /// Adds so many rows to the table of keys, past the program: by the thousand, it would take long.
    fn add(&self, rows: usize, columns: &str, values: &str) -> Result<()> {
        let path = self.folder.path().join("data/flagstaff.db");
        let path = path.to_str().ok_or_else(|| Error::other("no such path"))?;
        let mut connection = SqliteConnection::establish(path).map_err(Error::other)?;
        let sql = format!(
            "PRAGMA synchronous = OFF;
             PRAGMA cache_size = -500000;
             WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {rows})
             INSERT INTO environment_keys (digest, kind, created_at, version, {columns})
             SELECT 'sha256:' || lower(hex(randomblob(32))), 'client', 0, 1, {values} FROM number;
             PRAGMA wal_checkpoint(TRUNCATE);
             ANALYZE;"
        );
        let added = connection.batch_execute(&sql);
        added.map_err(Error::other)
    }

    /// Adds records that end at this second.
    fn add_guids(&self, guids: usize, expire: i64) -> Result<()> {
        let values = format!("'Jay Patel ' || n, {expire} * 1000000");
        self.add(guids, "\"user\", expires_at", &values)
    }

    fn purge(&self) -> Result<()> {
        run(self.folder.path(), &["guid", "purge"])
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut flagstaff = command(&program("flagstaff")?);
    let output = flagstaff.args(arguments).current_dir(folder).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::other(format!("{arguments:?}: {said}")))
}

/// What was measured of one installation.
#[derive(Default)]
struct Costs {
    creations: Vec<f64>,
    reads: Vec<f64>,
    remembered: Vec<f64>,
    purges: Vec<f64>,
}

/// 1,000,000 records beside 1,000.
pub(crate) fn guids(report: &mut Report, quick: bool) -> Result<()> {
    let sizes = [1_000, if quick { 100_000 } else { 1_000_000 }];
    let here = [Installation::create()?, Installation::create()?];
    for (installation, size) in here.iter().zip(sizes) {
        installation.add_guids(size, 4_102_444_800)?;
    }
    let mut costs = [Costs::default(), Costs::default()];
    one_by_one(&here, &mut costs)?;
    for _ in 0..PURGES {
        for (installation, costs) in here.iter().zip(&mut costs) {
            installation.add_guids(EXPIRED, 0)?;
            costs.purges.push(timed(|| installation.purge())?);
        }
    }
    let [small, large] = &costs;
    for (what, small, large) in [
        ("a creation", &small.creations, &large.creations),
        ("a read, not remembered", &small.reads, &large.reads),
        ("a read, remembered", &small.remembered, &large.remembered),
        ("a purge of 4,000 records", &small.purges, &large.purges),
    ] {
        report.add("guid", what, median(large), "ms here");
        report.add("guid", what, ratio(large, small), "times that in the small");
    }
    Ok(())
}

/// Makes records in turn, and reads each twice after a restart, which has forgotten them.
fn one_by_one(here: &[Installation; 2], costs: &mut [Costs; 2]) -> Result<()> {
    let headers = http::administrator();
    let mut made = [Vec::new(), Vec::new()];
    let servers = [here[0].serve()?, here[1].serve()?];
    let mut clients = [
        Kept::open(servers[0].address)?,
        Kept::open(servers[1].address)?,
    ];
    for turn in 0..=ONE_BY_ONE {
        for ((client, costs), made) in clients.iter_mut().zip(&mut *costs).zip(&mut made) {
            let cost = timed(|| {
                let answer = client.call("POST", "/guid", &headers, "{\"user\": \"Jay Patel\"}")?;
                let location = answer.header("location").map(str::to_owned);
                made.push(location.ok_or_else(|| answer.unexpected("POST /guid"))?);
                Ok(())
            })?;
            if turn > 0 {
                costs.creations.push(cost); // the first hashes the password
            }
        }
    }
    drop(servers);
    let servers = [here[0].serve()?, here[1].serve()?];
    let mut clients = [
        Kept::open(servers[0].address)?,
        Kept::open(servers[1].address)?,
    ];
    for turn in 0..ONE_BY_ONE {
        for ((client, costs), made) in clients.iter_mut().zip(&mut *costs).zip(&made) {
            let mut read = || {
                timed(|| {
                    let answer = client.call("GET", &made[turn], "", "")?;
                    let found = answer.status == 200;
                    found.then_some(()).ok_or_else(|| answer.unexpected("GET"))
                })
            };
            costs.reads.push(read()?);
            costs.remembered.push(read()?);
        }
    }
    Ok(())
}

/// 100,000 keys beside one: the list, and a new key.
pub(crate) fn keys(report: &mut Report, quick: bool) -> Result<()> {
    let here = [
        Installation::create()?,
        Installation::create()?,
        Installation::create()?,
    ];
    here[1].add(100_000, "environment_id, name", "1, 'key ' || n")?;
    let servers = [here[0].serve()?, here[1].serve()?, here[2].serve()?];
    let duration = seconds(quick, 2);
    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..7 {
        for (server, rates) in servers.iter().zip(&mut rates) {
            let outcome = load::closed(&request(server.address, "", 200), 32, duration)?;
            if outcome.errors > 0 {
                return Err(Error::other("the list was not answered"));
            }
            rates.push(outcome.rate());
        }
    }
    let [one, many, twin] = &rates;
    report.add("keys", "the list", ratio(many, one), "of that with one key");
    report.add(
        "keys",
        "the list, noise",
        ratio(twin, one),
        "one key against one key",
    );
    let headers = http::administrator();
    let mut costs = [Vec::new(), Vec::new()];
    let mut clients = [
        Kept::open(servers[0].address)?,
        Kept::open(servers[1].address)?,
    ];
    for turn in 0..=ONE_BY_ONE {
        for (client, costs) in clients.iter_mut().zip(&mut costs) {
            let path = "/api/admin/environments/environment-0000/keys";
            let cost = timed(|| {
                let body = "{\"name\": \"one more\", \"kind\": \"client\"}";
                let answer = client.call("POST", path, &headers, body)?;
                let made = answer.status == 201;
                made.then_some(()).ok_or_else(|| answer.unexpected(path))
            })?;
            if turn > 0 {
                costs.push(cost);
            }
        }
    }
    report.add(
        "keys",
        "a new key",
        ratio(&costs[1], &costs[0]),
        "times that with one key",
    );
    let start = servers[1].started_in.max(Duration::from_millis(1));
    report.add(
        "keys",
        "start with them",
        start.as_secs_f64() * 1e3,
        "ms here",
    );
    Ok(())
}
