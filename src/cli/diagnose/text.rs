//! The answer for people.

use super::super::console::Style;
use super::super::sketch::{self, Line};
use super::super::table::{Table, count, number, wrapped};
use super::Findings;
use super::document::{Document, Entry};
use crate::foundation::failure::Status;
use crate::record::ColumnData;
use crate::tails::{Trend, Verdict};

/// Columns of a line.
const WIDTH: usize = 80;

pub(super) fn of(data: &ColumnData, findings: &Findings, document: &Document<'_>, style: Style) -> String {
    let diagnosis = &findings.diagnosis;
    let mut out = String::new();
    let source = match data.files.as_slice() {
        [one] => one.display().to_string(),
        files => format!("{} files", files.len()),
    };
    let column = data.column.as_ref().map(|c| format!(", column {}", style.bold(c))).unwrap_or_default();
    let head = format!("{source}{column}: {} values", count(diagnosis.n));
    out.push_str(&paragraph(&head, |line| line.to_owned()));
    if let (Some(threshold), Some(k)) = (document.threshold, document.k) {
        let share = 100.0 * k as f64 / diagnosis.n.max(1) as f64;
        out.push_str(&format!(
            "The tail: {} above {} ({}%)\n",
            if k == 1 { "1 excess".to_owned() } else { format!("{} excesses", count(k)) },
            number(threshold),
            number(share)
        ));
    }
    out.push('\n');
    if let Verdict::NotIdentifiable(status) = &diagnosis.verdict {
        out.push_str(&paragraph(&format!("{}", diagnosis.verdict), |line| style.yellow(line)));
        if let Some(next) = next_step(status) {
            out.push_str(&paragraph(&next, |line| style.dim(line)));
        }
        if let (Status::Shifted { .. }, Some(trend)) = (status, &findings.trend) {
            out.push_str(&format!("\n{}", windows(document, style)));
            if trend.as_ref().is_ok_and(Trend::is_shown) {
                out.push_str(&change(trend, style));
            }
        }
        return out;
    }
    out.push_str(&estimators(findings, document, style));
    let verdict = diagnosis.verdict.to_string();
    out.push_str(&match &diagnosis.verdict {
        Verdict::Heavy => paragraph(&verdict, |line| style.red(line)),
        Verdict::Light => paragraph(&verdict, |line| style.green(line)),
        _ => paragraph(&verdict, |line| style.yellow(line)),
    });
    if let (Verdict::Heavy, Ok(fit)) = (&diagnosis.verdict, &diagnosis.gpd) {
        let order = 1.0 / fit.xi;
        let moments = match order {
            ..=1.0 => "not even the mean is finite",
            ..=2.0 => "the mean is finite, the variance is not",
            _ => "mean and variance are finite",
        };
        let line = format!("At ξ = {} (α = {}) {moments}.", number(fit.xi), number(order));
        out.push_str(&paragraph(&line, |line| line.to_owned()));
    }
    if let Some(m) = findings.rests_on {
        let line = match m {
            1 => "It rests on one value: without the largest the fit allows ξ of 0. Read that rollout."
                .to_owned(),
            _ => format!(
                "It rests on {m} values: without the {m} largest the fit allows ξ of 0. Read those rollouts."
            ),
        };
        out.push_str(&paragraph(&line, |line| style.yellow(line)));
    }
    if let Some((prompts, share)) = findings.prompts.and_then(|p| Some((p, p.dominated()?))) {
        let line = format!(
            "One of {} prompts holds {:.0}% of the excesses and {:.0}% of the rollouts: the tail is mostly its own.",
            count(prompts.distinct),
            100.0 * share,
            100.0 * prompts.rows_of_most as f64 / prompts.rows.max(1) as f64
        );
        out.push_str(&paragraph(&line, |line| style.yellow(line)));
    }
    if let Some(trend) = &findings.trend {
        out.push_str(&by_step(document, trend, style));
    }
    out
}

/// The tail indices on one axis.
fn picture(document: &Document<'_>) -> String {
    let entries = [
        ("Hill", &document.hill),
        ("moment", &document.moment),
        ("Pickands", &document.pickands),
        ("kernel", &document.kernel),
        ("GPD", &document.gpd.entry),
    ];
    let lines: Vec<Line> = entries.into_iter().filter_map(|(name, entry)| entry.line(name)).collect();
    if lines.len() < 2 {
        return String::new();
    }
    let drawn = sketch::intervals("ξ, 95% intervals", &lines, sketch::columns().min(WIDTH));
    format!("\n{drawn}\n")
}

fn estimators(findings: &Findings, document: &Document<'_>, style: Style) -> String {
    let mut table = Table::new(&["estimator", ">ξ", ">95% interval", ">k", "status"]).within(WIDTH);
    let mut add = |name: &str, entry: &Entry| table.row([name.to_owned()].into_iter().chain(entry.cells()));
    add("Hill", &document.hill);
    add("moment", &document.moment);
    add("Pickands", &document.pickands);
    add("kernel", &document.kernel);
    add("GPD", &document.gpd.entry);
    for point in &document.thresholds {
        add(&format!("GPD above {}", number(point.threshold)), &point.entry);
    }
    if let Some(pwm) = &document.gpd_pwm {
        add("GPD (weighted moments)", &pwm.entry);
    }
    if let Some(tuned) = &document.double_bootstrap {
        add("Hill at its own k", &tuned.hill.entry);
        add("moment at its own k", &tuned.moment.entry);
        add("kernel at its own k", &tuned.kernel.entry);
    }
    let mut out = table.render(style);
    out.push_str(&picture(document));
    if let Ok(fit) = &findings.diagnosis.gpd {
        out.push_str(&format!(
            "GPD scale {}, log-likelihood {}\n",
            number(fit.scale),
            number(fit.log_likelihood)
        ));
    }
    if let Some(tuned) = &document.double_bootstrap {
        let line = format!(
            "Own k: double bootstrap, {} resamples of each size, seed {}; the intervals take k as given. Try other seeds: \
             where k moves, no k stands out.",
            count(tuned.resamples as usize),
            tuned.seed
        );
        out.push_str(&paragraph(&line, |line| style.dim(line)));
    }
    out.push('\n');
    out
}

fn by_step(document: &Document<'_>, trend: &Result<Trend, Status>, style: Style) -> String {
    format!("\n{}\n{}", windows(document, style), change(trend, style))
}

fn windows(document: &Document<'_>, style: Style) -> String {
    let mut table =
        Table::new(&[">steps", ">rollouts", ">top 5%", ">GPD ξ", ">95% interval", ">k", "status"])
            .within(WIDTH);
    for window in &document.steps {
        let steps = if window.first == window.last {
            window.first.to_string()
        } else {
            format!("{}–{}", window.first, window.last)
        };
        table.row([steps, count(window.n), number(window.threshold)].into_iter().chain(window.entry.cells()));
    }
    let mut out = table.render(style);
    out.push_str(&paragraph("Top 5%: the reward above which a twentieth of the rollouts lie.", |line| {
        style.dim(line)
    }));
    out
}

fn change(trend: &Result<Trend, Status>, style: Style) -> String {
    let line = match trend {
        Ok(t) => {
            let change = format!("{:+.2}, 95% {:+.2} to {:+.2}", t.change, t.ci_low, t.ci_high);
            if t.ci_low > 0.0 {
                style.red(format!("The tail gets heavier during training: ξ changes by {change}."))
            } else if t.ci_high < 0.0 {
                style.green(format!("The tail gets lighter during training: ξ changes by {change}."))
            } else {
                format!("No change of the tail during training is shown: ξ changes by {change}.")
            }
        }
        Err(status) => style.yellow(format!("Whether the tail changes during training: {status}.")),
    };
    paragraph(&line, |line| line.to_owned())
}

fn next_step(status: &Status) -> Option<String> {
    Some(match status {
        Status::TooFew { .. } => "Give more rollouts, or begin the tail lower with --threshold.".to_owned(),
        Status::Aggregate => {
            "Log one row for each rollout (TRL: log_completions; verl: trainer.rollout_data_dir) and \
                              diagnose those."
                .to_owned()
        }
        Status::Discrete { .. } => {
            "If the reward has several parts, diagnose the continuous one with --column.".to_owned()
        }
        Status::Clipped { .. } => "If it was clipped, diagnose the reward as it was before.".to_owned(),
        Status::Repeated { .. } => {
            "Read one of them (`tailcatch detect`); the steps before have a tail: --steps A..B.".to_owned()
        }
        Status::AllTied => "Is this the right column? Name another with --column.".to_owned(),
        Status::Shifted { steps, later_steps, .. } => format!(
            "Diagnose a part: --steps {}..{} or --steps {}..{}. Which rollouts are new: `tailcatch detect`.",
            steps[0],
            steps[1].saturating_add(1),
            later_steps[0],
            later_steps[1].saturating_add(1)
        ),
        Status::Mixture { below, .. } => format!(
            "Read some of them: `tailcatch detect` lists the first. The tail of these alone: --threshold {}.",
            number(*below)
        ),
        _ => return None,
    })
}

fn paragraph(text: &str, paint: impl Fn(&str) -> String) -> String {
    wrapped(text, WIDTH).iter().map(|line| paint(line) + "\n").collect()
}
