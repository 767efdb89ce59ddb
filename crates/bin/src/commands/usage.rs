//! `flagstaff usage`: how often features were used.

use clap::Args;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::UsageReport;
use flagstaff_domain::text::{EnvironmentName, FeatureName};
use flagstaff_http::admin::usage::UsageRecord;

use super::{Session, arguments};
use crate::exit::Failure;
use crate::output::{Output, instant};

/// Arguments of `usage`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff usage production
  flagstaff usage production --feature dark_mode --from 2026-11-01T00:00:00Z
  flagstaff usage production --json | jq '.features[] | {feature, count}'

Counts what applications report; Flagsmith's SDKs do so where analytics are on. A server stores reports every ten
seconds.")]
pub(crate) struct Arguments {
    /// The environment
    #[arg(value_parser = arguments::environment)]
    environment: EnvironmentName,
    /// One feature alone, hour by hour
    #[arg(long, value_name = "FEATURE", value_parser = arguments::feature)]
    feature: Option<FeatureName>,
    /// From the hour of this instant on [default: 24 hours before --to]
    #[arg(long, value_name = "INSTANT", value_parser = arguments::instant)]
    from: Option<Timestamp>,
    /// Until this instant [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = arguments::instant)]
    to: Option<Timestamp>,
}

pub(super) fn run(arguments: &Arguments, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    let feature = arguments.feature.as_ref();
    let report = services.usage.report(
        &arguments.environment,
        feature,
        arguments.from,
        arguments.to,
    )?;
    if output.is_json() {
        return output.json(&UsageRecord::from(report));
    }
    if report.hours.is_empty() {
        return output.line(format_args!(
            "no use was reported from {} to {}",
            instant(report.from),
            instant(report.to)
        ));
    }
    match feature {
        Some(_) => hours(&report, &mut output),
        None => features(&report, &mut output),
    }
}

fn hours(report: &UsageReport, output: &mut Output) -> Result<(), Failure> {
    let rows = report.hours.iter();
    output.table(
        ["HOUR", "COUNT"],
        rows.map(|one| [instant(one.hour), one.count.to_string()]),
    )
}

fn features(report: &UsageReport, output: &mut Output) -> Result<(), Failure> {
    let features = report.hours.chunk_by(|a, b| a.feature == b.feature);
    let rows = features.filter_map(|hours| {
        let count: u64 = hours.iter().map(|one| one.count).sum();
        let last = hours.last()?;
        Some([
            last.feature.to_string(),
            count.to_string(),
            instant(last.hour),
        ])
    });
    output.table(["FEATURE", "COUNT", "LAST USED IN THE HOUR FROM"], rows)
}
