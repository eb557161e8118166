//! `tailcatch detect --observer`: a frozen policy's log under monitors that look at no reward.

use super::{DetectArgs, calibrate, refused, tell};
use crate::Error;
use crate::cli::Outcome;
use crate::cli::console::{Console, Style};
use crate::cli::status_kind as status;
use crate::cli::table::{count, number, wrapped};
use crate::foundation::format::percent;
use crate::monitor::{Blind, Calibrate, Raised, Verdict, Watch, Watched, observe};
use crate::record::{Log, LogOptions, Rollouts, open_log};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Columns of a line.
const WIDTH: usize = 80;

/// Runs the command.
///
/// # Errors
/// A log that cannot be read, and trusted rollouts that are not given. A monitor that they cannot carry is an answer.
pub(super) fn run(
    args: &DetectArgs,
    blind: Blind,
    options: &LogOptions,
    console: &Console,
) -> Result<Outcome, Error> {
    let log = open_log(&args.log.paths, options)?;
    tell(&log, console);
    let reference = calibrate(args, &log, console)?;
    let watch = observe(&log, &reference, blind).map_err(refused)?;
    let of = match &reference {
        Calibrate::Log { path, .. } => path.display().to_string(),
        _ => args.calibrate_steps.map_or(String::new(), |(from, to)| format!("steps {from}..{to}")),
    };
    console.answer(&document(&log, &watch, &of), |style| text(&log, &watch, &of, style))?;
    if !args.fail_on_flag {
        return Ok(Outcome::Done);
    }
    Ok(match watch.verdict() {
        Verdict::Flagged | Verdict::Shifted => Outcome::Flagged,
        Verdict::NotJudged => Outcome::NotJudged,
        Verdict::Quiet => Outcome::Done,
    })
}

/// What the monitors look at.
fn looked_at(log: &Log<Rollouts>, blind: Blind) -> String {
    let roles = &log.meta.roles;
    let named = |role: &Option<String>| role.as_ref().map(|name| format!("`{name}`"));
    let columns = match blind {
        Blind::Actions if roles.outcome.is_some() => vec![named(&roles.outcome)],
        Blind::Actions => vec![named(&roles.prompt), named(&roles.completion)],
        Blind::LogProbs => vec![named(&roles.log_prob), named(&roles.ref_log_prob)],
    };
    let columns: Vec<String> = columns.into_iter().flatten().collect();
    let what = match blind {
        Blind::Actions => "what was sampled",
        Blind::LogProbs => "ln π and ln π₀",
    };
    if columns.is_empty() { what.to_owned() } else { format!("{what} ({})", columns.join(", ")) }
}

/// The verdict in one sentence.
fn sentence(watch: &Watch) -> String {
    let (samples, level) = (count(watch.samples), percent(watch.level));
    let first =
        watch.monitors.iter().filter_map(|own| Some((own.answer.as_ref().ok()?.as_ref()?.sample, own)));
    let what = match watch.blind {
        Blind::Actions => "actions",
        Blind::LogProbs => "log-probabilities",
    };
    match (watch.verdict(), first.min_by_key(|(sample, _)| *sample)) {
        (_, Some((sample, own))) => format!(
            "the {what} are no longer those of the trusted rollouts: `{}` alarms at sample {} of {samples}",
            own.monitor,
            count(sample)
        ),
        (Verdict::Quiet, None) => format!(
            "nothing in the {what} of {samples} samples that {} trusted rollouts do not explain (level {level})",
            count(watch.trusted)
        ),
        (_, None) => format!("no monitor of {what} can look at this log"),
    }
}

fn text(log: &Log<Rollouts>, watch: &Watch, reference: &str, style: Style) -> String {
    let verdict = watch.verdict();
    let paint = |line: String| match verdict {
        Verdict::Flagged => style.red(line),
        Verdict::Shifted | Verdict::NotJudged => style.yellow(line),
        Verdict::Quiet => style.green(line),
    };
    let line = format!("{}: {}", verdict.name(), sentence(watch));
    let mut out: String =
        wrapped(&line, WIDTH).into_iter().map(|line| format!("{}\n", paint(line))).collect();
    out.push('\n');
    let mut say = |name: &str, text: &str| {
        for (i, line) in wrapped(text, WIDTH - 11).iter().enumerate() {
            out.push_str(&format!("{:<11}{line}\n", if i == 0 { name } else { "" }));
        }
    };
    say("looked at", &format!("{}; no reward", looked_at(log, watch.blind)));
    say("trusted", &format!("{reference} ({} rollouts)", count(watch.trusted)));
    let files = log.meta.files.len();
    say(
        "samples",
        &format!(
            "{} in {}",
            count(watch.samples),
            if files == 1 { "1 file".to_owned() } else { format!("{} files", count(files)) }
        ),
    );
    say(
        "level",
        &format!("{} over all samples and monitors, where nothing has changed", percent(watch.level)),
    );
    for own in &watch.monitors {
        say(own.monitor, &answer(log, own));
    }
    out
}

/// What a monitor said.
fn answer(log: &Log<Rollouts>, own: &Watched) -> String {
    match &own.answer {
        Err(status) => format!("not judged: {status}"),
        Ok(None) => "no alarm".to_owned(),
        Ok(Some(raised)) => {
            let Raised { sample, step, value, threshold, .. } = raised;
            let (value, threshold) = (number(*value), number(*threshold));
            let what = match own.monitor {
                "log_ratio" => format!("ln(π/π₀) is {value} nats, above {threshold}"),
                "mean_kl" => {
                    format!("the sum of ln(π/π₀) lies {value} nats above the trusted mean, bound {threshold}")
                }
                _ => format!("it came {value} times, where {threshold} are too many"),
            };
            format!("alarm at sample {}, {}, step {step}: {what}", count(*sample), place(log, raised))
        }
    }
}

fn place(log: &Log<Rollouts>, raised: &Raised) -> String {
    let file = log.meta.files.get(raised.origin.file).map_or(Path::new(""), |path| path.as_path());
    match raised.origin.line {
        Some(line) => format!("{} line {line}", file.display()),
        None => format!("{} row {}", file.display(), raised.origin.row),
    }
}

fn document(log: &Log<Rollouts>, watch: &Watch, reference: &str) -> Value {
    let monitors: Map<String, Value> =
        watch.monitors.iter().map(|own| (own.monitor.to_owned(), entry(log, own))).collect();
    json!({
        "verdict": watch.verdict(),
        "verdict_text": sentence(watch),
        "observer": watch.blind,
        "looked_at": looked_at(log, watch.blind),
        "reference": reference,
        "trusted": watch.trusted,
        "n": watch.samples,
        "files": log.meta.files,
        "level": watch.level,
        "monitors": monitors,
    })
}

fn entry(log: &Log<Rollouts>, own: &Watched) -> Value {
    let alarm = |raised: &Raised| {
        json!({
            "sample": raised.sample,
            "step": raised.step,
            "file": log.meta.files.get(raised.origin.file),
            "row": raised.origin.row,
            "line": raised.origin.line,
            "value": raised.value,
            "threshold": raised.threshold,
        })
    };
    match &own.answer {
        Ok(raised) => json!({ "status": status::OK, "reason": null, "alarm": raised.as_ref().map(alarm) }),
        Err(refusal) => {
            json!({ "status": status::name(refusal), "reason": refusal.to_string(), "alarm": null })
        }
    }
}
