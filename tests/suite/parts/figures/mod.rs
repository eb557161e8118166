//! A figure for every part of the registry, drawn by the part itself: one way of drawing for each kind, so that a new part has one at once.

mod auditors;
mod closed_forms;
mod deployment_monitors;
mod detectors;
mod distributions;
mod environments;
mod monitors;
mod policies;
mod responses;
mod shifts;
mod trainers;

use crate::responses::{load, trained};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tailcatch::experiment::Trained;
use tailcatch::plots::chart::{Chart, Curve, Mark};
use tailcatch::plots::scale::Kind;

/// The figure of a part, with its caption.
pub fn figure(kind: &str, name: &str) -> Chart {
    match kind {
        "environments" => environments::figure(name),
        "distributions" => distributions::figure(name),
        "policies" => policies::figure(name),
        "trainers" => trainers::figure(name),
        "detectors" | "controls" => detectors::figure(name),
        "monitors" => monitors::figure(name),
        "auditors" => auditors::figure(name),
        "responses" => responses::figure(name),
        "shifts" => shifts::figure(name),
        "deployment_monitors" => deployment_monitors::figure(name),
        "closed_forms" => closed_forms::figure(name),
        _ => panic!("no figure is known for {kind}: add a file here"),
    }
}

/// A part of its defaults, or of `settings` where it has none.
fn spec<T: serde::de::DeserializeOwned>(name: &str, settings: Value) -> T {
    let settings = if settings.is_null() { json!({}) } else { settings };
    serde_json::from_value(json!({ name: settings })).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn chart(title: String, caption: &str, x: (&str, Kind), y: (&str, Kind), curves: Vec<Curve>) -> Chart {
    let axis = |(label, kind): (&str, Kind)| (label.to_owned(), kind);
    Chart { title, caption: caption.to_owned(), x: axis(x), y: axis(y), curves, marks: Vec::new() }
}

fn curve(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Curve {
    Curve { name: name.to_owned(), points: points.into_iter().collect() }
}

fn dots(points: impl IntoIterator<Item = (f64, f64)>) -> Vec<Mark> {
    points.into_iter().map(|(x, y)| Mark { x, y, label: String::new() }).collect()
}

/// What a run of a config leaves.
fn ran(config: &str) -> Trained {
    trained(&load(config), None).unwrap_or_else(|error| panic!("{error}: {config}"))
}

/// The share of `values` from x on, at some sixty of them: in even steps of the share, and in even steps of its logarithm.
fn from_on(values: &[f64]) -> Vec<(f64, f64)> {
    const STEPS: usize = 30;
    let mut descending = values.to_vec();
    descending.sort_by(|a, b| b.total_cmp(a));
    let n = descending.len();
    let even = (0..=STEPS).map(|i| i * (n - 1) / STEPS);
    let geometric = (0..=STEPS).map(|i| ((n as f64).powf(i as f64 / STEPS as f64) as usize).min(n) - 1);
    let ranks: BTreeSet<usize> = even.chain(geometric).collect();
    ranks.into_iter().map(|rank| (descending[rank], (rank + 1) as f64 / n as f64)).collect()
}
