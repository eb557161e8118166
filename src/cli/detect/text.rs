//! The findings for people.

use super::calibrations;
use crate::cli::console::Style;
use crate::cli::table::{Table, WIDTH, count, number, wrapped};
use crate::foundation::format::plain;
use crate::monitor::{Alarm, Answer, Comparison, Findings, Flag, Judged, Reference, Rule, Skipped, Unit};
use crate::record::Origin;
use crate::thresholds::times_nominal;
use std::path::Path;

/// Flagged rollouts that are shown; `--json` lists all.
const SHOWN: usize = 10;

/// What the detectors say.
pub(super) fn text(findings: &Findings, style: Style) -> String {
    if findings.log.meta.aggregate {
        return String::new();
    }
    let mut out = head(findings, style);
    out.push_str(&detectors(findings, style));
    out.push_str(&flags(findings, style));
    if let Some(comparison) = &findings.comparison {
        out.push_str(&calibrations(comparison, style));
    }
    if matches!(findings.reference, Reference::Own { .. }) {
        let caveat = "Self-calibrated: what is normal for these detectors was learnt from the rollouts that are judged, so exploits that \
                      come often enough pass for normal. Give a reference with --calibrate LOG, or steps before the \
                      trouble with --calibrate-steps 0..10.";
        out.push('\n');
        for line in wrapped(caveat, WIDTH) {
            out.push_str(&format!("{}\n", style.yellow(line)));
        }
    }
    out
}

fn head(findings: &Findings, style: Style) -> String {
    let log = &findings.log;
    let n = findings.rows();
    let files = match log.meta.files.as_slice() {
        [one] => one.display().to_string(),
        files => format!("{} files", files.len()),
    };
    let spans = log.rollouts.spans();
    let steps = match (spans.first(), spans.last()) {
        (Some(first), Some(last)) if first != last => format!(", steps {} to {}", first.step, last.step),
        _ => String::new(),
    };
    let what = if log.meta.aggregate { "rows" } else { "rollouts" };
    let mut out = format!("{files}: {} {what}{steps}\n", style.bold(count(n)));
    if log.meta.aggregate {
        return out;
    }
    let relative = findings
        .group_by
        .map(|by| format!(", relative to the median of its {}", by.noun()))
        .unwrap_or_default();
    let mut say = |name: &str, text: &str| {
        for (i, line) in wrapped(text, WIDTH - 11).iter().enumerate() {
            out.push_str(&format!("{:<11}{line}\n", if i == 0 { name } else { "" }));
        }
    };
    say("reward", &format!("{}{relative}", log.meta.reward));
    if let Some(length) = findings.length {
        let residual = length
            .residual
            .map(|rho| format!(" ({} without its linear trend)", number(rho)))
            .unwrap_or_default();
        say("", &format!("Spearman correlation with length {}{residual}", number(length.reward)));
    }
    let reference = match &findings.reference {
        Reference::Own { n: own } if *own == n => {
            format!("self-calibrated on the same {} rollouts", count(n))
        }
        Reference::Own { n: own } => format!("self-calibrated on {} of the same rollouts", count(*own)),
        Reference::Log { path, n } => format!("{} ({} rollouts)", path.display(), count(*n)),
        Reference::Steps { from, to, n } => format!("steps {from}..{to} ({} rollouts)", count(*n)),
        Reference::Window { steps: 1, lag: 0 } => "for each step, the one before it".to_owned(),
        Reference::Window { steps, lag: 0 } => format!("for each step, the {steps} before it"),
        Reference::Window { steps, lag } => {
            format!("for each step, the {steps} that ended {lag} before it")
        }
    };
    say("reference", &reference);
    let rule = match findings.rule {
        Rule::AlertRate(rate) => {
            let expected = rate * n as f64;
            let expected = if expected < 0.1 { number(expected) } else { format!("{expected:.1}") };
            // Said only where it holds: of detectors that take no law for granted, or whose law fits their reference.
            match findings.detectors.iter().all(|judged| keeps_its_rate(judged, rate)) {
                true => format!(
                    "alert rate {}: about {expected} false alarms a detector in a log like its reference",
                    plain(rate)
                ),
                false => format!("alert rate {}; what it is worth is said below", plain(rate)),
            }
        }
        Rule::Fdr(rate) => format!("false discovery rate {} (Benjamini–Hochberg)", plain(rate)),
        Rule::Streaming(how, rate) => {
            let (length, [least, most]) = times_nominal(n, rate);
            format!(
                "{} at a nominal alert rate of {rate}: the threshold adapts online; on honest scores it alarms {least} \
                 to {most} times as often over {} rollouts{}",
                how.name(),
                count(length),
                if n > length { ", and more over longer logs" } else { "" }
            )
        }
        Rule::Budget(audits) => format!("budget: the {} most suspicious for each detector", count(audits)),
    };
    say("rule", &rule);
    out.push('\n');
    out
}

fn detectors(findings: &Findings, style: Style) -> String {
    let mut table = Table::new(&["detector", ">flags", "threshold", "status"]);
    for judged in &findings.detectors {
        let cells = match &judged.answer {
            Ok(answer) => {
                let sign = match (answer.unit, findings.rule) {
                    (Unit::PValue, _) => "p ≤",
                    (Unit::Score, Rule::Budget(_)) => "score ≥",
                    (Unit::Score, _) => "score >",
                };
                let threshold =
                    answer.threshold.map_or_else(|| "–".to_owned(), |t| format!("{sign} {}", number(t)));
                {
                    let shown = answer.flags.len();
                    let note = match (shown < answer.flagged, answer.judged < findings.judged) {
                        (true, _) => format!("ok; the {} most suspicious are listed", count(shown)),
                        (_, true) => match &answer.skipped {
                            Skipped { steps: steps @ 1.., status: Some(status) } => format!(
                                "ok; {} rollouts judged, {} left out: {status}",
                                count(answer.judged),
                                if *steps == 1 {
                                    "1 step".to_owned()
                                } else {
                                    format!("{} steps", count(*steps))
                                }
                            ),
                            _ => format!("ok; {} rollouts judged", count(answer.judged)),
                        },
                        _ => "ok".to_owned(),
                    };
                    [count(answer.flagged), threshold, note]
                }
            }
            Err(status) => ["–".to_owned(), "–".to_owned(), status.to_string()],
        };
        table.row([judged.label.clone()].into_iter().chain(cells));
    }
    let mut out = table.render(style);
    for judged in &findings.detectors {
        if let (Rule::AlertRate(rate), Ok(Answer { own_rate: Some(own), .. })) =
            (findings.rule, &judged.answer)
        {
            let line = format!(
                "{}: on its reference this detector flags {}% where {}% is nominal: its p-values are normal ones",
                judged.label,
                number(100.0 * own),
                plain(100.0 * rate)
            );
            out.push_str(&indented(&line, 0, Style::new(false)));
        }
    }
    for judged in &findings.detectors {
        if let Ok(Answer { alarm: Some(alarm), .. }) = &judged.answer {
            let line = match alarm {
                Ok(alarm) => sentence(alarm, &judged.label),
                Err(status) => {
                    format!("{}: whether alarms come too often is not tested ({status})", judged.label)
                }
            };
            let raised = matches!(alarm, Ok(alarm) if alarm.alarm_step.is_some());
            let text = indented(&line, 0, Style::new(false));
            out.push_str(&if raised { style.red(text) } else { text });
        }
    }
    out
}

/// Whether a detector flags about the nominal share of its own reference: up to three standard errors more.
fn keeps_its_rate(judged: &Judged, rate: f64) -> bool {
    let Ok(Answer { own_rate: Some(own), judged, .. }) = &judged.answer else { return true };
    *own <= rate + 3.0 * (rate / (*judged).max(1) as f64).sqrt()
}

/// Rollouts with the detectors that flagged them, the most often flagged first, then the highest reward.
fn flags(findings: &Findings, style: Style) -> String {
    let mut rows: Vec<Flagged<'_>> = Vec::new();
    let mut place = std::collections::BTreeMap::new();
    let mut unlisted = 0;
    for judged in &findings.detectors {
        let Ok(answer) = &judged.answer else { continue };
        unlisted += answer.flagged - answer.flags.len();
        for (i, (flag, origin)) in answer.flags.iter().zip(&judged.origins).enumerate() {
            let at = *place.entry(flag.row).or_insert_with(|| {
                rows.push(Flagged { flag, origin, by: Vec::new() });
                rows.len() - 1
            });
            if let Some(flagged) = rows.get_mut(at) {
                flagged.by.push((&judged.label, answer, flag, i + 1));
            }
        }
    }
    if findings.detectors.iter().all(|judged| judged.answer.is_err()) {
        return format!("\n{}\n", style.yellow("No detector could judge this log."));
    }
    if rows.is_empty() {
        return format!("\n{}\n", style.green("Nothing was flagged."));
    }
    rows.sort_by(|a, b| {
        let reward = |of: &Flagged<'_>| of.flag.proxy;
        b.by.len().cmp(&a.by.len()).then(reward(b).total_cmp(&reward(a))).then(a.flag.row.cmp(&b.flag.row))
    });
    let at_least = if unlisted > 0 { "at least " } else { "" };
    let total = count(findings.judged);
    let mut out =
        format!("\n{}\n", style.red(format!("{at_least}{} of {total} rollouts flagged", count(rows.len()))));
    for flagged in rows.iter().take(SHOWN) {
        out.push_str(&flagged.text(findings, style));
    }
    if let Some(more @ 1..) = rows.len().checked_sub(SHOWN) {
        let all = if unlisted > 0 { "those listed" } else { "all" };
        out.push_str(&format!("\n… and {} more; --json gives {all}\n", count(more)));
    }
    out
}

/// A rollout, and for each detector that flagged it: label, answer, flag, rank.
struct Flagged<'a> {
    flag: &'a Flag,
    origin: &'a Origin,
    by: Vec<(&'a str, &'a Answer, &'a Flag, usize)>,
}

impl Flagged<'_> {
    fn text(&self, findings: &Findings, style: Style) -> String {
        let reward = self.flag.proxy + self.flag.centre.unwrap_or(0.0);
        let file =
            findings.log.meta.files.get(self.origin.file).map(|path| file_name(path)).unwrap_or_default();
        let mut out = format!(
            "\n{}  {file} row {}, step {}\n",
            style.bold(format!("reward {}", number(reward))),
            self.origin.row,
            self.flag.step,
        );
        for (label, answer, flag, rank) in &self.by {
            let how = match flag.p_value {
                Some(p) => format!("p = {}", number(p)),
                None => format!("score {}", number(flag.score)),
            };
            let rank = format!("rank {} of {}", count(*rank), count(answer.judged));
            out.push_str(&indented(&format!("by {label}: {how}, {rank}"), 4, Style::new(false)));
            out.push_str(&indented(&reason(findings, flag), 6, style));
        }
        let said: Vec<(&str, String)> = (self.by.iter())
            .filter_map(|(label, _, flag, rank)| Some((*label, counterfactual(findings, flag, *rank)?)))
            .collect();
        for (i, (label, text)) in said.iter().enumerate() {
            let by = if self.by.len() > 1 { format!(" by {label}") } else { String::new() };
            let lead = if i == 0 { "would not be flagged" } else { "nor" };
            out.push_str(&indented(&format!("{lead}{by} {text}"), 4, Style::new(false)));
        }
        out
    }
}

/// What is flagged under each calibration, and by how many of the others too.
fn calibrations(comparison: &Comparison, style: Style) -> String {
    let views = &comparison.views;
    let mut head = vec!["calibrated on".to_owned(), ">flags".to_owned()];
    head.extend((0..views.len()).map(|i| format!(">also by {}", letter(i))));
    head.push("".to_owned());
    let heads: Vec<&str> = head.iter().map(String::as_str).collect();
    let mut table = Table::new(&heads);
    for (i, view) in views.iter().enumerate() {
        let mut cells = vec![format!("{} {}", letter(i), view.name)];
        cells.push(view.flagged.as_ref().map_or_else(|_| "–".to_owned(), |rows| count(rows.len())));
        cells.extend((0..views.len()).map(|j| match comparison.both(i, j) {
            Some(both) if i != j => count(both),
            _ => "–".to_owned(),
        }));
        cells.push(view.flagged.as_ref().err().cloned().unwrap_or_default());
        table.row(cells);
    }
    let mut out = format!("\n{}", table.render(style));
    out.push_str(&indented(&calibrations::sentence(comparison), 0, Style::new(false)));
    out
}

/// What the run as a whole raised.
fn sentence(alarm: &Alarm, detector: &str) -> String {
    let e_value = if alarm.ln_e_value < 600.0 {
        number(alarm.ln_e_value.exp())
    } else {
        format!("10^{:.0}", alarm.ln_e_value / std::f64::consts::LN_10)
    };
    let (seen, nominal) = (100.0 * alarm.observed_rate, 100.0 * alarm.rate);
    let seen = format!("{seen:.2}% of rollouts above a score meant for {nominal:.2}%");
    match alarm.alarm_step {
        Some(step) => format!(
            "{detector}: this run exceeds its nominal alert rate ({seen}): alarm at step {step}, e-value {e_value} at \
                 step {}; honest learning raises this alarm as well",
            alarm.step
        ),
        None => format!("{detector}: no alarm for the run ({seen}; e-value at most {e_value})"),
    }
}

/// The reason in full.
pub(super) fn reason(findings: &Findings, flag: &Flag) -> String {
    match (findings.group_by, flag.centre) {
        (Some(by), Some(centre)) => {
            format!("relative to its {}'s median {}, {}", by.noun(), number(centre), flag.reason)
        }
        _ => flag.reason.clone(),
    }
}

/// What would have had to be different.
pub(super) fn counterfactual(findings: &Findings, flag: &Flag, rank: usize) -> Option<String> {
    let reward = flag.would_not_flag_below.map(|u| format!("with a reward of {} or less", number(u)));
    let rate = match (findings.rule, flag.p_value, flag.needs_rate) {
        (Rule::Budget(_), ..) if rank == 1 => None,
        (Rule::Budget(_), ..) => Some(format!("with fewer than {rank} audits")),
        (Rule::AlertRate(_) | Rule::Streaming(..), Some(p), _) if p > 0.0 => {
            Some(format!("at an alert rate below {}", number(p)))
        }
        (Rule::Fdr(_), _, Some(q)) if q > 0.0 => {
            Some(format!("at a false discovery rate below {}", number(q)))
        }
        _ => None,
    };
    let ways: Vec<String> = reward.into_iter().chain(rate).collect();
    (!ways.is_empty()).then(|| ways.join(", or "))
}

fn letter(i: usize) -> char {
    char::from(b'A' + u8::try_from(i).unwrap_or(25).min(25))
}

fn indented(text: &str, by: usize, style: Style) -> String {
    wrapped(text, WIDTH - by).iter().map(|line| format!("{}{}\n", " ".repeat(by), style.dim(line))).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_is_said_to_raise_an_alarm_or_not() {
        let alarm = Alarm {
            rate: 0.005,
            rate_bound: 0.006,
            observed_rate: 0.15,
            ln_e_value: 700.0,
            step: 31,
            alarm_step: Some(21),
            alpha: 0.05,
        };
        let raised = sentence(&alarm, "x");
        assert!(
            raised.starts_with("x: this run exceeds its nominal alert rate (15.00% of rollouts above"),
            "{raised}"
        );
        assert!(raised.contains("alarm at step 21, e-value 10^304 at step 31; honest learning"), "{raised}");
        let quiet = sentence(&Alarm { alarm_step: None, ln_e_value: 0.0, ..alarm }, "x");
        assert!(quiet.starts_with("x: no alarm for the run"), "{quiet}");
    }
}
