//! The reading of a log as one page that needs nothing else, and as a sheet for triage.
//!
//! Everything that comes from the log is escaped: markup in a completion stays text, and no cell of the sheet is a formula.

mod chart;
mod sheet;

pub use sheet::sheet;

use super::reading::{ListEntry, Place, Reading, Shared, Verdict};
use crate::foundation::format::{count, report, visible};
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use std::path::Path;

const TEMPLATE: &str = include_str!("evidence.html");

/// An entry as the template takes it.
#[derive(Serialize)]
struct Row {
    number: usize,
    step: u64,
    place: String,
    reward: String,
    parts: String,
    reason: String,
    /// Empty where ranks say nothing, of rewards of a few values.
    benign: String,
    apart: bool,
    prompt: Option<String>,
    completion: Option<String>,
}

/// The page as the template takes it.
#[derive(Serialize)]
struct Page {
    verdict: &'static str,
    sentence: String,
    cautions: Vec<String>,
    assumed: Vec<(&'static str, String)>,
    chart: Option<Value>,
    /// What of a step's rewards is drawn.
    centre: &'static str,
    expected: String,
    rows: Vec<Row>,
    shared: Vec<[String; 4]>,
    /// Rollouts that are named, listed or not: which, and where they stand.
    named: Vec<(String, String)>,
    version: &'static str,
}

/// The page as HTML, without scripts.
///
/// # Errors
/// The template's own; there is none for any reading.
pub fn page(reading: &Reading) -> Result<String, minijinja::Error> {
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    engine.add_template("evidence", TEMPLATE)?;
    let judgement = &reading.judgement;
    let verdict = match judgement.verdict {
        Verdict::Flagged => "flagged",
        Verdict::Shifted => "shifted",
        Verdict::Quiet => "quiet",
        Verdict::NotJudged => "not judged",
    };
    let ranked = reading.pass_rate.is_none();
    let rows: Vec<Row> =
        reading.list.iter().enumerate().map(|(i, entry)| row(i + 1, entry, ranked)).collect();
    let page = Page {
        verdict,
        sentence: visible(&judgement.sentence),
        cautions: judgement.cautions.iter().map(|text| visible(text)).collect(),
        assumed: assumed(reading),
        chart: chart::svg(&reading.levels, &reading.list, !ranked).map(Value::from_safe_string),
        centre: if ranked { "median" } else { "mean" },
        expected: if ranked { format!("{:.1}", reading.assumptions.expected_benign) } else { String::new() },
        rows,
        shared: reading.shared.as_ref().map(shared).unwrap_or_default(),
        named: named(reading),
        version: env!("CARGO_PKG_VERSION"),
    };
    engine.get_template("evidence")?.render(Serde(page))
}

fn assumed(reading: &Reading) -> Vec<(&'static str, String)> {
    let a = &reading.assumptions;
    let mut rows = vec![
        ("reward", format!("{}, relative to {}", a.reward, a.centre)),
        ("steps", a.step.clone()),
        ("groups", a.group.clone()),
        ("texts", a.texts.clone().unwrap_or_else(|| "none".to_owned())),
        ("reference", a.reference.clone()),
        ("rollouts", a.rows_in_words()),
    ];
    for (name, n) in [("rows without a reward", a.rows_left_out), ("repeated, counted once", a.duplicates)] {
        if n > 0 {
            rows.push((name, count(n)));
        }
    }
    if let (Verdict::Quiet, Some(power)) = (reading.judgement.verdict, a.power_in_words()) {
        rows.push(("power", power));
    }
    rows.extend(a.files_left_out.iter().map(|file| ("left out", file.clone())));
    rows.into_iter().map(|(name, text)| (name, visible(&text))).collect()
}

/// Where those stand that lie apart, of many the first, and some that hold a text that came since.
fn named(reading: &Reading) -> Vec<(String, String)> {
    let apart = reading.apart.as_ref().filter(|apart| !apart.places.is_empty()).map(|apart| {
        let who = match apart.count.checked_sub(apart.places.len()) {
            Some(1..) => {
                format!("stand apart ({} that lie farthest, of {})", apart.places.len(), count(apart.count))
            }
            _ => "stand apart".to_owned(),
        };
        (who, Place::all_said(&apart.places, &own_name))
    });
    let text = reading.new_text.as_ref().filter(|text| !text.examples.is_empty());
    let text =
        text.map(|text| (format!("some that {}", text.held()), Place::all_said(&text.examples, &own_name)));
    apart.into_iter().chain(text).collect()
}

/// A file by its own name.
fn own_name(file: &Path) -> String {
    file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn row(number: usize, entry: &ListEntry, ranked: bool) -> Row {
    let parts: Vec<String> =
        entry.parts.iter().map(|(name, value)| format!("{name} {}", report(*value))).collect();
    Row {
        number,
        step: entry.step,
        place: entry.place().said(&own_name),
        reward: report(entry.reward),
        parts: visible(&parts.join(", ")),
        reason: visible(&entry.reason),
        benign: if ranked { format!("{:.1}", entry.expected_benign) } else { String::new() },
        apart: entry.apart,
        prompt: entry.prompt.as_deref().map(visible),
        completion: entry.completion.as_deref().map(visible),
    }
}

/// Pieces of text with how often the listed and the others hold them.
fn shared(shared: &Shared) -> Vec<[String; 4]> {
    let piece = |piece: &super::reading::Piece| {
        [
            if piece.text.is_empty() { "(empty)".to_owned() } else { visible(&piece.text) },
            format!("{} of {}", piece.listed, shared.distinct),
            format!("{}%", report((1000.0 * piece.others).round() / 10.0)),
            report(piece.p_value),
        ]
    };
    shared.pieces.iter().map(piece).collect()
}
