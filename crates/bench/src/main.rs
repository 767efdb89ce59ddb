//! `just bench`: measures Flagstaff as shipped against the bare server of `bin/reference.rs`, in turn, on one CPU, with the
//! load on the other. Prints ratios and writes them to `target/bench.json`; absolute figures mean nothing elsewhere.
//!
//! `load.rs` is the load, the library's `servers.rs` what is measured, `catalogue.rs` its data. `trio.rs` is one beside the other, and `scenarios.rs`
//! lists what is compared; the other files have those of a kind.

#![expect(
    clippy::print_stdout,
    reason = "a measuring program prints what it measured"
)]

mod catalogue;
mod evaluation;
mod load;
mod postgres;
mod rates;
mod register;
mod scenarios;
mod sign_in;
mod size;
mod table;
mod trio;
mod writes;

use std::io::Result;

use flagstaff_bench::servers;

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let quick = wanted.iter().any(|word| word == "--quick");
    let wanted: Vec<&str> = wanted
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let mut report = table::Report::default();
    for scenario in scenarios::ALL {
        if wanted.is_empty() || wanted.contains(&scenario.name) {
            println!("\n{}: {}", scenario.name, scenario.what);
            (scenario.run)(&mut report, quick)?;
        }
    }
    let path = servers::program("flagstaff")?
        .ancestors()
        .nth(2)
        .map(|target| target.join("bench.json"))
        .unwrap_or_else(|| "bench.json".into());
    report.write(&path)?;
    println!("\nwritten to {}", path.display());
    Ok(())
}
