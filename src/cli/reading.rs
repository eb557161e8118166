//! The verdict, what was assumed and the rollouts to read: for people in lines of 80 columns, and for programs.

use super::console::Style;
use super::file_names::FileNames;
use super::places::{first, named};
use super::sketch;
use super::table::{WIDTH, count, indented, number, wrapped};
use crate::foundation::format::{columns, cut, percent, report, visible};
use crate::monitor::{Assumptions, ListEntry, Piece, Reading, Shared, Verdict};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Entries that are shown, and of a log in which nothing stands out.
const SHOWN: usize = 20;
const SHOWN_OF_OTHERS: usize = 8;
/// From here down a difference of lengths is said.
const LENGTH_LEVEL: f64 = 0.01;
/// Files that were left out and are named.
const LEFT_OUT: usize = 3;

/// The verdict first, then what was assumed, then the list and what the listed share.
pub(super) fn text(reading: &Reading, style: Style) -> String {
    text_after(reading, &|_| false, style)
}

/// The same, without the entries that were printed before.
pub(super) fn text_after(reading: &Reading, printed: &dyn Fn(&ListEntry) -> bool, style: Style) -> String {
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
    out.push_str(&assumed(&reading.assumptions, judgement.verdict));
    if !reading.list.is_empty() {
        out.push_str(&list(reading, printed, style));
    }
    if let Some(shared) = &reading.shared {
        out.push_str(&share(shared, reading.pass_rate.is_some()));
    }
    out + &highest(reading)
}

/// The highest reward of each step as a small picture, where there are some.
fn highest(reading: &Reading) -> String {
    const LEAST: usize = 4;
    let values: Vec<f64> = reading.levels.iter().map(|level| level.highest).collect();
    let drawn = sketch::heights(&values, WIDTH.min(sketch::columns()));
    let (Some(first), Some(last)) = (reading.levels.first(), reading.levels.last()) else {
        return String::new();
    };
    if drawn.is_empty() || values.len() < LEAST {
        return String::new();
    }
    let ends = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
    let told = format!(
        "Highest reward of a step, from {} to {} over steps {} to {}",
        number(ends.0),
        number(ends.1),
        first.step,
        last.step
    );
    let told: String = wrapped(&told, WIDTH).iter().map(|line| format!("{line}\n")).collect();
    format!("\n{told}{drawn}\n")
}

fn assumed(assumed: &Assumptions, verdict: Verdict) -> String {
    let means = assumed.centre == "nothing";
    let mut out = String::new();
    let mut say = |name: &str, text: String| {
        for (i, line) in wrapped(&visible(&text), WIDTH - 11).iter().enumerate() {
            out.push_str(&format!("{:<11}{line}\n", if i == 0 { name } else { "" }));
        }
    };
    match means {
        true if assumed.reward.is_empty() => {}
        true => say("reward", assumed.reward.clone()),
        false => say("reward", format!("{}, relative to {}", assumed.reward, assumed.centre)),
    }
    say("steps", assumed.step.clone());
    if !means {
        say("groups", assumed.group.clone());
        if let Some(texts) = &assumed.texts {
            say("texts", texts.clone());
        }
        say("reference", assumed.reference.clone());
    }
    let mut rows = assumed.rows_in_words();
    for (n, what) in
        [(assumed.rows_left_out, "without a reward left out"), (assumed.duplicates, "repeated, counted once")]
    {
        if n > 0 && !assumed.reward.is_empty() {
            rows.push_str(&format!("; {} {what}", count(n)));
        }
    }
    say(if means { "rows" } else { "rollouts" }, rows);
    if let (Verdict::Quiet, Some(power)) = (verdict, assumed.power_in_words()) {
        say("power", power);
    }
    for (i, line) in left_out(&assumed.files_left_out).into_iter().enumerate() {
        say(if i == 0 { "left out" } else { "" }, line);
    }
    out
}

/// Files that were not read, by reason, each with its folder.
fn left_out(files: &[String]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for file in files {
        let (path, reason) = file.split_once(": ").unwrap_or((file, ""));
        let parts: Vec<String> =
            Path::new(path).iter().rev().take(2).map(|part| part.to_string_lossy().into_owned()).collect();
        let name = parts.into_iter().rev().collect::<Vec<_>>().join("/");
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let line = |(reason, names): (&str, Vec<String>)| {
        let more = match names.len().checked_sub(LEFT_OUT) {
            Some(more @ 1..) => format!(" and {} more", count(more)),
            _ => String::new(),
        };
        let named: Vec<String> = names.into_iter().take(LEFT_OUT).collect();
        format!("{}{more}: {reason}", named.join(", "))
    };
    reasons.into_iter().map(line).collect()
}

fn list(reading: &Reading, printed: &dyn Fn(&ListEntry) -> bool, style: Style) -> String {
    let all = reading.list.len();
    let rest: Vec<&ListEntry> = reading.list.iter().filter(|entry| !printed(entry)).collect();
    let rollouts = if all == 1 { "1 rollout".to_owned() } else { format!("{} rollouts", count(all)) };
    let chance = reading.assumptions.expected_benign;
    let rates = reading.pass_rate.is_some();
    let shown_at_most = match reading.judgement.verdict {
        Verdict::Flagged | Verdict::Shifted if !rates => SHOWN,
        _ => SHOWN_OF_OTHERS,
    };
    let heading = match reading.judgement.verdict {
        _ if rates => format!("{rollouts} to read, in the order of time, of those that pass"),
        Verdict::NotJudged => format!("{rollouts} to read, in the order of time: the highest"),
        Verdict::Quiet => {
            format!("{rollouts} to read, in the order of time: the highest so far ({chance:.1} by chance)")
        }
        _ => format!("{rollouts} to read, in the order of time ({chance:.1} benign ones by chance)"),
    };
    let mut out = format!("\n{}\n", style.bold(heading));
    let names = FileNames::of(named(reading));
    out.push_str(&first(reading, rest.len() < all, &names));
    match all - rest.len() {
        0 => {}
        before if before == all => out.push_str("Each is printed above, as it came.\n"),
        before => out.push_str(&format!("{} of them are printed above, as they came.\n", count(before))),
    }
    for entry in shown(&rest, shown_at_most) {
        out.push_str(&one(entry, &names, rates, style));
    }
    if let Some(more @ 1..) = rest.len().checked_sub(shown_at_most) {
        out.push_str(&format!("… and {} more: --json gives all\n", count(more)));
    }
    out
}

/// In the order of time, those that there is room for: what stands apart before the rest, then the highest.
fn shown<'a>(list: &[&'a ListEntry], most: usize) -> Vec<&'a ListEntry> {
    let mut order: Vec<usize> = (0..list.len()).collect();
    let first = |i: &usize| list.get(*i).map(|entry| (entry.apart, entry.score)).unwrap_or_default();
    order.sort_by(|a, b| first(b).0.cmp(&first(a).0).then(first(b).1.total_cmp(&first(a).1)));
    order.truncate(most);
    order.sort_unstable();
    order.into_iter().filter_map(|i| list.get(i).copied()).collect()
}

/// An entry in some lines of 80 columns; `rates`: of rewards of a few values, whose ranks say nothing.
pub(super) fn one(entry: &ListEntry, names: &FileNames, rates: bool, style: Style) -> String {
    let mark = if entry.apart { ", apart" } else { "" };
    let head = format!(
        "step {}, {}: reward {}{mark}",
        entry.step,
        entry.place().said(&|file| names.name(file)),
        number(entry.reward)
    );
    let parts: Vec<String> =
        entry.parts.iter().map(|(name, value)| format!("{} {}", visible(name), number(*value))).collect();
    let parts = parts.join(", ");
    let fits = columns(&head) + 3 + columns(&parts) <= WIDTH;
    let beside = if fits && !parts.is_empty() { format!(" ({parts})") } else { String::new() };
    let mut lines = wrapped(&format!("{head}{beside}"), WIDTH).into_iter();
    let mut out = format!("{}\n", style.bold(lines.next().unwrap_or_default()));
    lines.for_each(|line| out.push_str(&format!("{line}\n")));
    if !fits {
        out.push_str(&indented(&parts, 2));
    }
    let chance = if rates { String::new() } else { format!("; {:.1} by chance", entry.expected_benign) };
    out.push_str(&indented(&format!("{}{chance}", entry.reason), 2));
    for (name, text) in [("prompt", &entry.prompt), ("text", &entry.completion)] {
        if let Some(text) = text {
            let shown = if text.trim().is_empty() { "(empty)" } else { text };
            out.push_str(&format!("  {name:<7}{}\n", shortened(shown, WIDTH - 9)));
        }
    }
    out
}

/// A text on one line of so many columns, its end kept where it is cut: what a completion says last is often what it is paid for.
fn shortened(text: &str, width: usize) -> String {
    let shown = visible(text);
    cut(shown.trim(), width, width / 3)
}

fn share(shared: &Shared, rewarded: bool) -> String {
    let who = if rewarded { "rewarded" } else { "listed" };
    let mut out = String::new();
    for piece in &shared.pieces {
        // Where none of the others has it, how much more often it comes is bounded by their number alone.
        let others = if piece.others > 0.0 {
            format!("{} of the others, {} times as often", percent(piece.others), number(piece.lift))
        } else {
            "in none of the others".to_owned()
        };
        let line = format!(
            "{}: in {} of {} {who} texts and {others} ({})",
            if piece.text.is_empty() { "(empty)".to_owned() } else { format!("`{}`", visible(&piece.text)) },
            piece.listed,
            shared.distinct,
            p_value(piece.p_value, shared.permutations)
        );
        out.push_str(&indented(&line, 2));
    }
    if let Some(length) = shared.length.as_ref().filter(|length| length.p_value <= LENGTH_LEVEL) {
        let line = format!(
            "their median length: {} in characters, {} of those beside them ({})",
            report(length.listed),
            report(length.others),
            p_value(length.p_value, shared.permutations)
        );
        out.push_str(&indented(&line, 2));
    }
    if shared.listed > shared.distinct {
        let line = format!(
            "{} of the {} {who} texts count: the same answer to a prompt does once",
            shared.distinct, shared.listed
        );
        out.push_str(&indented(&line, 2));
    }
    if let Some((text, times)) = &shared.again {
        let text = if text.trim().is_empty() { "(empty)".to_owned() } else { shortened(text, WIDTH - 30) };
        out.push_str(&indented(&format!("one and the same, {times} of {}: {text}", shared.listed), 2));
    }
    if out.is_empty() { out } else { format!("\nThe {who} share\n{out}") }
}

/// A p-value of permutations: the least that so many can give is a bound.
fn p_value(p: f64, permutations: usize) -> String {
    let least = 1.0 / (permutations as f64 + 1.0);
    let sign = if p <= least { "≤" } else { "=" };
    format!("p {sign} {}", number(p))
}

/// An entry for programs.
#[derive(Serialize)]
pub struct Listed<'a> {
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
pub fn listed(entry: &ListEntry) -> Listed<'_> {
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
pub struct Document<'a> {
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

/// The reading for programs.
pub fn document(reading: &Reading) -> Document<'_> {
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
            "unlike": reading.unlike,
            "shift": reading.shift,
            "pass_rate": reading.pass_rate,
            "excess": reading.excess,
            "new_text": reading.new_text,
            "length": reading.shared.as_ref().and_then(|shared| shared.length.as_ref()),
            "compared_texts": reading.shared.as_ref().map(|shared| shared.compared),
        }),
    }
}
