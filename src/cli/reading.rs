//! The verdict, what was assumed and the rollouts to read: for people in lines of 80 columns, and for programs.

use super::console::Style;
use super::table::{count, number, wrapped};
use crate::foundation::format::{percent, visible};
use crate::monitor::{Assumptions, ListEntry, Piece, Reading, Shared, Verdict};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Columns of a line.
const WIDTH: usize = 80;
/// Entries that are shown.
const SHOWN: usize = 20;
/// From here down a difference of lengths is said.
const LENGTH_LEVEL: f64 = 0.01;

/// The verdict first, then what was assumed, then the list and what the listed share.
pub(super) fn text(reading: &Reading, style: Style) -> String {
    let judgement = &reading.judgement;
    let line = format!("{}: {}", judgement.verdict.name(), judgement.sentence);
    let paint = |text: String| match judgement.verdict {
        Verdict::Flagged => style.red(text),
        Verdict::Shifted | Verdict::NotJudged => style.yellow(text),
        Verdict::Quiet => style.green(text),
    };
    let mut out: String =
        wrapped(&line, WIDTH).into_iter().map(|line| format!("{}\n", paint(line))).collect();
    for caution in &judgement.cautions {
        out.push_str(&indented(caution, 2));
    }
    out.push('\n');
    out.push_str(&assumed(&reading.assumptions));
    if !reading.list.is_empty() {
        out.push_str(&list(reading, style));
    }
    if let Some(shared) = &reading.shared {
        out.push_str(&share(shared, reading.pass_rate.is_some()));
    }
    out
}

fn assumed(assumed: &Assumptions) -> String {
    let mut out = String::new();
    let mut say = |name: &str, text: String| {
        for (i, line) in wrapped(&visible(&text), WIDTH - 11).iter().enumerate() {
            out.push_str(&format!("{:<11}{line}\n", if i == 0 { name } else { "" }));
        }
    };
    say("reward", format!("{}, relative to {}", assumed.reward, assumed.centre));
    say("steps", assumed.step.clone());
    say("groups", assumed.group.clone());
    say("reference", assumed.reference.clone());
    let files =
        if assumed.files == 1 { "1 file".to_owned() } else { format!("{} files", count(assumed.files)) };
    let mut rows = format!("{} in {files}", count(assumed.rows));
    for (n, what) in
        [(assumed.rows_left_out, "without a reward left out"), (assumed.duplicates, "repeated, counted once")]
    {
        if n > 0 {
            rows.push_str(&format!("; {} {what}", count(n)));
        }
    }
    say("rollouts", rows);
    match assumed.files_left_out.as_slice() {
        [] => {}
        [one] => say("left out", one.clone()),
        [first, rest @ ..] => say("left out", format!("{first}; and {} files more", count(rest.len()))),
    }
    out
}

fn list(reading: &Reading, style: Style) -> String {
    let all = reading.list.len();
    let heading = format!(
        "{} to read, in the order of time ({:.1} benign ones were to be expected)",
        if all == 1 { "1 rollout".to_owned() } else { format!("{} rollouts", count(all)) },
        reading.assumptions.expected_benign
    );
    let mut out = format!("\n{}\n", style.bold(heading));
    for entry in shown(&reading.list) {
        out.push_str(&one(entry, style));
    }
    if let Some(more @ 1..) = all.checked_sub(SHOWN) {
        out.push_str(&format!("… and {} more: --json gives all\n", count(more)));
    }
    out
}

/// In the order of time, those that there is room for: what stands apart before the rest, then the highest.
fn shown(list: &[ListEntry]) -> Vec<&ListEntry> {
    let mut order: Vec<usize> = (0..list.len()).collect();
    let first = |i: &usize| list.get(*i).map(|entry| (entry.apart, entry.score)).unwrap_or_default();
    order.sort_by(|a, b| first(b).0.cmp(&first(a).0).then(first(b).1.total_cmp(&first(a).1)));
    order.truncate(SHOWN);
    order.sort_unstable();
    order.into_iter().filter_map(|i| list.get(i)).collect()
}

/// An entry in some lines of 80 columns.
pub(super) fn one(entry: &ListEntry, style: Style) -> String {
    let file = entry.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let place = match entry.line {
        Some(line) => format!("line {line}"),
        None => format!("row {}", entry.row),
    };
    let mark = if entry.apart { ", apart" } else { "" };
    let parts = match entry.parts.as_slice() {
        [] => String::new(),
        parts => {
            let parts: Vec<String> =
                parts.iter().map(|(name, value)| format!("{} {}", visible(name), number(*value))).collect();
            format!(" ({})", parts.join(", "))
        }
    };
    let head = format!(
        "step {}, {} {place}: reward {}{parts}{mark}",
        entry.step,
        visible(&file),
        number(entry.reward)
    );
    let mut lines = wrapped(&head, WIDTH).into_iter();
    let mut out = format!("{}\n", style.bold(lines.next().unwrap_or_default()));
    lines.for_each(|line| out.push_str(&format!("{line}\n")));
    let why = format!("{}; {:.1} benign by then", entry.reason, entry.expected_benign);
    out.push_str(&indented(&why, 2));
    for (name, text) in [("prompt", &entry.prompt), ("text", &entry.completion)] {
        if let Some(text) = text {
            out.push_str(&format!("  {name:<7}{}\n", shortened(text, WIDTH - 9)));
        }
    }
    out
}

/// A text on one line, its end kept where it is cut: what a completion says last is often what it is paid for.
fn shortened(text: &str, width: usize) -> String {
    let shown: Vec<char> = visible(text).trim().chars().collect();
    if shown.len() <= width {
        return shown.into_iter().collect();
    }
    let end = width / 3;
    let start: String = shown.iter().take(width - end - 1).collect();
    let rest: String = shown.iter().skip(shown.len() - end).collect();
    format!("{start}…{rest}")
}

fn share(shared: &Shared, rewarded: bool) -> String {
    let who = if rewarded { "rewarded" } else { "listed" };
    let mut out = String::new();
    for piece in &shared.pieces {
        let line = format!(
            "`{}`: in {} of {} {who} texts and {} of the others, {} times as often (p = {})",
            visible(&piece.text),
            piece.listed,
            shared.distinct,
            percent(piece.others),
            number(piece.lift),
            number(piece.p_value)
        );
        out.push_str(&indented(&line, 2));
    }
    if let Some(length) = shared.length.as_ref().filter(|length| length.p_value <= LENGTH_LEVEL) {
        let line = format!(
            "their length: {} characters in the middle, {} of the others of their steps (p = {})",
            number(length.listed),
            number(length.others),
            number(length.p_value)
        );
        out.push_str(&indented(&line, 2));
    }
    if shared.listed > shared.distinct {
        let line = format!("{} of the {} {who} texts are different ones", shared.distinct, shared.listed);
        out.push_str(&indented(&line, 2));
    }
    if out.is_empty() { out } else { format!("\nThe {who} share\n{out}") }
}

fn indented(text: &str, by: usize) -> String {
    wrapped(text, WIDTH - by).iter().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

/// An entry for programs.
#[derive(Serialize)]
pub(super) struct Listed<'a> {
    step: u64,
    file: &'a Path,
    row: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    reward: f64,
    parts: Value,
    centre: f64,
    score: f64,
    rank: usize,
    of: u64,
    expected_benign: f64,
    reference: bool,
    apart: bool,
    prompt: Option<&'a str>,
    completion: Option<&'a str>,
    reason: &'a str,
}

/// An entry for programs.
pub(super) fn listed(entry: &ListEntry) -> Listed<'_> {
    let parts = entry.parts.iter().map(|(name, value)| (name.clone(), json!(value)));
    Listed {
        step: entry.step,
        file: PathBuf::as_path(&entry.file),
        row: entry.row,
        line: entry.line,
        reward: entry.reward,
        parts: parts.collect::<serde_json::Map<_, _>>().into(),
        centre: entry.centre,
        score: entry.score,
        rank: entry.rank,
        of: entry.of,
        expected_benign: entry.expected_benign,
        reference: entry.reference,
        apart: entry.apart,
        prompt: entry.prompt.as_deref(),
        completion: entry.completion.as_deref(),
        reason: &entry.reason,
    }
}

/// The reading for programs.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    verdict: Verdict,
    verdict_text: &'a str,
    cautions: &'a [String],
    first_flag_step: Option<u64>,
    assumptions: &'a Assumptions,
    reading_list: Vec<Listed<'a>>,
    shared: &'a [Piece],
    /// What the tests found, in full.
    evidence: Value,
}

pub(super) fn document(reading: &Reading) -> Document<'_> {
    Document {
        verdict: reading.judgement.verdict,
        verdict_text: &reading.judgement.sentence,
        cautions: &reading.judgement.cautions,
        first_flag_step: reading.judgement.first_flag_step,
        assumptions: &reading.assumptions,
        reading_list: reading.list.iter().map(listed).collect(),
        shared: reading.shared.as_ref().map_or(&[], |shared| &shared.pieces),
        evidence: json!({
            "apart": reading.apart,
            "shift": reading.shift,
            "pass_rate": reading.pass_rate,
            "excess": reading.excess,
            "length": reading.shared.as_ref().and_then(|shared| shared.length.as_ref()),
            "compared_texts": reading.shared.as_ref().map(|shared| shared.compared),
        }),
    }
}
