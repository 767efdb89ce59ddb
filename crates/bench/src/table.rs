//! Medians, ratios, and how they are printed and kept.

use std::fs;
use std::io::Result;
use std::path::Path;

use serde::Serialize;

/// One measured figure.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    scenario: String,
    what: String,
    value: f64,
    unit: &'static str,
}

/// All figures of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// Prints and keeps a figure.
    pub(crate) fn add(
        &mut self,
        scenario: &str,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
    ) {
        let what = what.into();
        println!("  {what:<58} {value:>12.3} {unit}");
        self.figures.push(Figure {
            scenario: scenario.to_owned(),
            what,
            value,
            unit,
        });
    }

    /// Prints what there is to know besides figures.
    #[expect(clippy::unused_self, reason = "a report is where it belongs")]
    pub(crate) fn note(&self, text: &str) {
        println!("  {text}");
    }

    /// Writes the figures as JSON.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, serde_json::to_vec_pretty(self)?)
    }
}

/// The middle of the values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[length / 2],
        length => f64::midpoint(sorted[length / 2 - 1], sorted[length / 2]),
    }
}

/// The middle of the pairs' ratios.
pub(crate) fn ratio(values: &[f64], to: &[f64]) -> f64 {
    let ratios: Vec<f64> = values.iter().zip(to).map(|(a, b)| a / b).collect();
    median(&ratios)
}
