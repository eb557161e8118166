//! The findings for people.

use super::judge::{Rule, Unit};
use super::{Findings, Reference};
use crate::cli::console::Style;
use crate::cli::table::{Table, WIDTH, count, number, wrapped};
use crate::foundation::failure::Status;
use std::path::Path;

/// Flagged rollouts that are shown; `--json` lists all.
const SHOWN: usize = 10;

pub(super) fn text(findings: &Findings, style: Style) -> String {
    let mut out = head(findings, style);
    if findings.log.aggregate {
        out.push_str(&style.yellow(format!("Not judged: {}.\n", Status::Aggregate)));
        return out;
    }
    out.push_str(&detectors(findings, style));
    out.push_str(&flags(findings, style));
    if matches!(findings.reference, Reference::Own { .. }) {
        let caveat = "Self-calibrated: what is normal was learnt from the rollouts that are judged, so exploits that \
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
    let files = match log.files.as_slice() {
        [one] => one.display().to_string(),
        files => format!("{} files", files.len()),
    };
    let steps = match (log.observed.step.first(), log.observed.step.last()) {
        (Some(first), Some(last)) if first != last => format!(", steps {first} to {last}"),
        _ => String::new(),
    };
    let what = if log.aggregate { "rows" } else { "rollouts" };
    let mut out = format!("{files}: {} {what}{steps}\n", style.bold(count(n)));
    if log.aggregate {
        return out;
    }
    let relative = findings
        .centres
        .as_ref()
        .map(|(by, _)| format!(", relative to the median of its {}", by.noun()))
        .unwrap_or_default();
    out.push_str(&format!("reward     {}{relative}\n", log.reward));
    if let Some(rho) = findings.length_correlation {
        out.push_str(&format!("           Spearman correlation with length {}\n", number(rho)));
    }
    let reference = match &findings.reference {
        Reference::Own { n } => format!("self-calibrated on the same {} rollouts", count(*n)),
        Reference::Log { path, n } => format!("{} ({} rollouts)", path.display(), count(*n)),
        Reference::Steps { from, to, n } => format!("steps {from}..{to} ({} rollouts)", count(*n)),
    };
    out.push_str(&format!("reference  {reference}\n"));
    let rule = match findings.rule {
        Rule::AlertRate(rate) => {
            let expected = rate * n as f64;
            let expected = if expected < 0.1 { number(expected) } else { format!("{expected:.1}") };
            format!("alert rate {rate}: about {expected} false alarms in an honest log of this size")
        }
        Rule::Fdr(rate) => format!("false discovery rate {rate} (Benjamini–Hochberg)"),
        Rule::Budget(audits) => format!("budget: the {} most suspicious for each detector", count(audits)),
    };
    out.push_str(&format!("rule       {rule}\n\n"));
    out
}

fn detectors(findings: &Findings, style: Style) -> String {
    let mut table = Table::new(&["detector", ">flags", "threshold", "status"]);
    for judged in &findings.judged {
        let cells = match &judged.answer {
            Ok(answer) => {
                let sign = match (answer.unit, findings.rule) {
                    (Unit::PValue, _) => "p ≤",
                    (Unit::Score, Rule::Budget(_)) => "score ≥",
                    (Unit::Score, _) => "score >",
                };
                let threshold =
                    answer.threshold.map_or_else(|| "–".to_owned(), |t| format!("{sign} {}", number(t)));
                [count(answer.flags.len()), threshold, "ok".to_owned()]
            }
            Err(status) => ["–".to_owned(), "–".to_owned(), status.to_string()],
        };
        table.row([judged.label.clone()].into_iter().chain(cells));
    }
    table.render(style)
}

/// Rollouts with the detectors that flagged them, the most often flagged first, then the highest reward.
fn flags(findings: &Findings, style: Style) -> String {
    let mut rows: Vec<(usize, Vec<(&str, &super::judge::Flag)>)> = Vec::new();
    let mut place = std::collections::BTreeMap::new();
    for judged in &findings.judged {
        for flag in judged.answer.iter().flat_map(|answer| &answer.flags) {
            let at = *place.entry(flag.row).or_insert_with(|| {
                rows.push((flag.row, Vec::new()));
                rows.len() - 1
            });
            rows[at].1.push((&judged.label, flag));
        }
    }
    if rows.is_empty() {
        return format!("\n{}\n", style.green("Nothing was flagged."));
    }
    rows.sort_by(|(a, by_a), (b, by_b)| {
        let reward = |row: &usize| findings.log.observed.proxy[*row];
        by_b.len().cmp(&by_a.len()).then(reward(b).total_cmp(&reward(a))).then(a.cmp(b))
    });
    let total = findings.log.observed.len();
    let mut out =
        format!("\n{}\n", style.red(format!("{} of {} rollouts flagged", count(rows.len()), count(total))));
    for (row, by) in rows.iter().take(SHOWN) {
        let origin = findings.log.origin[*row];
        let names: Vec<String> = by
            .iter()
            .map(|(name, flag)| match flag.p_value {
                Some(p) => format!("{name} (p = {})", number(p)),
                None => format!("{name} (score {})", number(flag.score)),
            })
            .collect();
        out.push_str(&format!(
            "\n{}  {} row {}, step {}\n",
            style.bold(format!("reward {}", number(findings.reward(*row)))),
            file_name(&findings.log.files[origin.file]),
            origin.row,
            findings.log.observed.step[*row],
        ));
        out.push_str(&indented(&format!("by {}", names.join(", "))));
        for (_, flag) in by {
            let reason = findings.reason(*row, &flag.reason);
            wrapped(&reason, WIDTH - 4).iter().for_each(|line| {
                out.push_str(&format!("    {}\n", style.dim(line)));
            });
        }
    }
    if let Some(more @ 1..) = rows.len().checked_sub(SHOWN) {
        out.push_str(&format!("\n… and {} more; --json lists all\n", count(more)));
    }
    out
}

fn indented(text: &str) -> String {
    wrapped(text, WIDTH - 4).iter().map(|line| format!("    {line}\n")).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
