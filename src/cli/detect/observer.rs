//! `tailcatch detect --observer`: whether the policy is still that of the reference, by who sees no reward.

use crate::cli::console::Style;
use crate::cli::table::{Table, WIDTH, count, number, wrapped};
use crate::cli::{Outcome, status};
use crate::foundation::failure::Status;
use crate::foundation::format::percent;
use crate::monitor::Verdict;
use crate::monitor::frozen::{LEVEL, Sees, Told, Watched};
use crate::record::LogMeta;
use serde_json::{Value, json};

/// The verdict that follows: flagged, quiet, or not judged.
pub(super) fn verdict(watched: &Watched) -> Verdict {
    match watched.first() {
        Some(_) => Verdict::Flagged,
        None if watched.is_not_judged() => Verdict::NotJudged,
        None => Verdict::Quiet,
    }
}

/// What follows from the verdict where a script asked for it.
pub(super) fn outcome(watched: &Watched) -> Outcome {
    match verdict(watched) {
        Verdict::Flagged | Verdict::Shifted => Outcome::Flagged,
        Verdict::NotJudged => Outcome::NotJudged,
        Verdict::Quiet => Outcome::Done,
    }
}

/// What was found, for programs.
pub(super) fn document(watched: &Watched, sees: Sees, meta: &LogMeta) -> Value {
    let monitors: Vec<Value> = watched.told.iter().map(|told| monitor(told, meta)).collect();
    json!({
        "verdict": verdict(watched),
        "observer": sees.name(),
        "level": LEVEL.get(),
        "reference": { "what": watched.reference, "rollouts": watched.trusted },
        "rollouts": watched.watched,
        "columns": meta.roles,
        "files": meta.files,
        "monitors": monitors,
    })
}

fn monitor(told: &Told, meta: &LogMeta) -> Value {
    let (state, reason, alarm) = match &told.alarm {
        Ok(alarm) => (status::OK.to_owned(), None, alarm.as_ref()),
        Err(refusal) => (status::name(refusal), Some(refusal.to_string()), None),
    };
    let alarm = alarm.map(|at| {
        json!({
            "file": meta.files.get(at.origin.file),
            "row": at.origin.row,
            "line": at.origin.line,
            "step": at.step,
            "rollout": at.number,
            "value": at.value,
            "threshold": at.threshold,
        })
    });
    json!({ "monitor": told.monitor.label(), "status": state, "reason": reason, "alarm": alarm })
}

/// What was found, for people.
pub(super) fn text(watched: &Watched, sees: Sees, meta: &LogMeta, style: Style) -> String {
    let found = verdict(watched);
    let line = format!("{}: {}", found.name(), sentence(watched, sees));
    let paint = |line: String| match found {
        Verdict::Flagged => style.red(line),
        Verdict::Shifted | Verdict::NotJudged => style.yellow(line),
        Verdict::Quiet => style.green(line),
    };
    let mut out: String =
        wrapped(&line, WIDTH).into_iter().map(|line| format!("{}\n", paint(line))).collect();
    if found == Verdict::Flagged {
        let caveat = "A policy that still learns is another one at every step, and is flagged for it: the question is that of a frozen one.";
        wrapped(caveat, WIDTH - 2).into_iter().for_each(|line| out.push_str(&format!("  {line}\n")));
    }
    out.push_str(&format!(
        "\nreference  {} ({} rollouts)\nwatched    {} rollouts after it, by {}\n\n",
        watched.reference,
        count(watched.trusted),
        count(watched.watched),
        sees.name()
    ));
    let mut table = Table::new(&["monitor", "alarm"]).within(WIDTH);
    for told in &watched.told {
        let said = match &told.alarm {
            Ok(None) => "none".to_owned(),
            Ok(Some(at)) => {
                let file = meta.files.get(at.origin.file).map(|file| file.display().to_string());
                format!(
                    "rollout {} after the reference (step {}, row {} of {}): {} where the limit is {}",
                    count(at.number),
                    at.step,
                    at.origin.row,
                    file.unwrap_or_default(),
                    number(at.value),
                    number(at.threshold)
                )
            }
            Err(refusal) => refusal.to_string(),
        };
        table.row([told.monitor.label(), said]);
    }
    out + &table.render(style)
}

fn sentence(watched: &Watched, sees: Sees) -> String {
    let reference = format!("{} trusted rollouts", count(watched.trusted));
    let level = percent(LEVEL.get());
    match watched.first() {
        Some((told, at)) => format!(
            "by {} the policy is not that of the reference: {} alarmed at rollout {} after it; of one policy, {level} of such logs alarm",
            sees.name(),
            told.monitor.name(),
            count(at.number)
        ),
        None if watched.is_not_judged() => {
            let why: Vec<String> = watched
                .told
                .iter()
                .filter_map(|told| Some(format!("{}: {}", told.monitor.name(), told.alarm.as_ref().err()?)))
                .collect();
            let few =
                |told: &Told| matches!(told.alarm, Err(Status::TooFew { what: "trusted rollouts", .. }));
            let help = match watched.told.iter().any(few) {
                true => ": give more reference rollouts, with --calibrate LOG or --calibrate-steps A..B",
                false => "",
            };
            why.join("; ") + help
        }
        None => format!(
            "by {} the {} rollouts after the reference could be of the policy of the {reference} (level {level})",
            sees.name(),
            count(watched.watched)
        ),
    }
}
