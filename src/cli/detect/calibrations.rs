//! What is flagged under each calibration, in words and for programs.

use crate::cli::table::count;
use crate::foundation::format::plain;
use crate::monitor::{Comparison, Kind, Rule, View};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What the differences mean.
pub(super) fn sentence(comparison: &Comparison) -> String {
    let known: Vec<&BTreeSet<usize>> =
        comparison.views.iter().filter_map(|view| view.flagged.as_ref().ok()).collect();
    let all: BTreeSet<usize> = known.iter().flat_map(|rows| rows.iter().copied()).collect();
    if all.is_empty() {
        return "Nothing is flagged under any of them.".to_owned();
    }
    let under = |row: &usize| known.iter().filter(|rows| rows.contains(row)).count();
    let everywhere = all.iter().filter(|row| under(row) == known.len()).count();
    let mut text =
        format!("Flagged under all {}: {} of {} rollouts.", known.len(), count(everywhere), count(all.len()));
    let Some((first, rows)) = comparison.of(Kind::Fixed) else { return text };
    if let Rule::AlertRate(rate) = comparison.rule {
        let share = rows.len() as f64 / first.judged.max(1) as f64;
        let nominal = rate * comparison.detectors as f64;
        let meant = if nominal < 1e-5 {
            plain(nominal)
        } else {
            format!("{}%", plain((1e8 * nominal).round() / 1e6))
        };
        // Three times the nominal number, and three standard deviations of a Poisson count above it.
        let expected = nominal * first.judged as f64;
        if share > 3.0 * nominal && rows.len() as f64 > expected + 3.0 * expected.sqrt() {
            text.push_str(&format!(
                    " By {}, {:.2}% of the rollouts exceed thresholds meant for {}: rewards have drifted since then, or \
                     exploits are that common.",
                    first.name,
                    100.0 * share,
                    meant,
                ));
        }
    }
    if let Some((_, window)) = comparison.of(Kind::Window) {
        let missed = rows.difference(window).count();
        if missed > 0 {
            text.push_str(&format!(
                " The window does not flag {} of these {}: it takes for normal what came slowly, drift and \
                     exploits alike.",
                count(missed),
                count(rows.len()),
            ));
        }
    }
    text
}

/// For programs.
pub(super) fn document(comparison: &Comparison) -> Value {
    let entry = |(i, view): (usize, &View)| {
        let also: Map<String, Value> = (comparison.views.iter().enumerate())
            .filter(|(j, _)| *j != i)
            .map(|(j, other)| (other.name.clone(), json!(comparison.both(i, j))))
            .collect();
        json!({
            "calibration": view.name,
            "judged": view.judged,
            "flags": view.flagged.as_ref().ok().map(BTreeSet::len),
            "reason": view.flagged.as_ref().err(),
            "both": also,
        })
    };
    comparison.views.iter().enumerate().map(entry).collect()
}
