//! `tailcatch watch`: the reading list of a log that grows, as it comes.

mod hook;
mod interrupt;
mod lines;

use super::console::Console;
use super::file_names::FileNames;
use super::log_args::LogArgs;
use super::{Error as CliError, Outcome, reading};
use crate::Error;
use crate::audit::Budget;
use crate::monitor::watch::{Kept, StateError, Turned, WatchSettings};
use crate::monitor::{ListEntry, Reading};
use clap::Args;
use hook::Hook;
use interrupt::Interrupt;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the state is written where nothing was listed.
const SAVED_EVERY: Duration = Duration::from_secs(30);

/// Follows a log that grows and names the rollouts worth reading as they come
///
/// The same list as `detect` gives of the finished log, if --steps says how many steps there will be. Folders and files are
/// looked at every few seconds; half-written lines and files wait for the next time. A step is judged once a later one has
/// begun, its files are complete, or nothing more came of it. What was read is kept in a state file, so that the same command goes on
/// where it ended. Ends with Ctrl-C, --idle or --stop-share, with the verdict on what was read.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch watch run/completions --steps 300\n  tailcatch watch rollouts/ --idle 600 \
                        --jsonl\n  tailcatch watch run/ --stop-share .1 --on-flag './notify.sh'; [ $? -eq 3 ] && touch run/STOP\n  \
                        ./trainer --rollouts-to-stdout | tailcatch watch -\n\nWith `-` each line of standard input is a step, \
                        {\"step\": 7, \"rewards\": [0.3, null], \"prompts\": [..], \"completions\": [..], \"groups\": [..]}, and \
                        is answered by its entries, one a line, and a line {\"step\", \"rollouts\", \"entries\", \"share\", \
                        \"reference\"}. A line that cannot be read is answered by {\"error\", \"line\"} and left out.\n\nA file like run/STOP ends nothing by itself: the trainer has to look for it."
)]
pub struct WatchArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Training steps that there will be. Without it, 100 for each of the reference are planned for
    #[arg(long, value_name = "N")]
    steps: Option<NonZeroU64>,
    /// Benign rollouts that one is ready to read in all: so many are to be expected on the list
    #[arg(long, value_name = "B", default_value = "20", value_parser = count)]
    budget: f64,
    /// Seconds from one look at the files to the next
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    every: Duration,
    /// End after so many seconds without a new rollout; 0 reads what is there and ends
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    idle: Option<Duration>,
    /// The state file [default: .tailcatch-watch.json beside the log]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// End with code 3 when this share of a step's rollouts reaches the lowest reward that stands apart so far
    #[arg(long, value_name = "S", value_parser = share)]
    stop_share: Option<f64>,
    /// Run this command when something stands apart: the entries come on its standard input as JSON, one a line
    #[arg(long, value_name = "CMD")]
    on_flag: Option<String>,
    /// Print entries as JSON, one a line, then the verdict
    #[arg(long, help_heading = "Output")]
    jsonl: bool,
}

fn count(text: &str) -> Result<f64, String> {
    let budget = text.parse::<f64>().ok().and_then(|value| Budget::new(value).ok()).map(Budget::get);
    budget.filter(|count| *count >= 1.0).ok_or_else(|| format!("`{text}` is not a count of 1 or more"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value = text.parse::<f64>().ok().filter(|value| (0.0..=1e8).contains(value));
    value
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("`{text}` is not a number of seconds from 0 to 1e8"))
}

fn share(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| *value > 0.0 && *value <= 1.0);
    value.ok_or_else(|| format!("`{text}` is not a share above 0 and up to 1"))
}

/// Runs the command.
///
/// # Errors
/// A log that cannot be read, a state file that is another question's or cannot be written.
pub fn run(args: &WatchArgs, console: &Console) -> Result<Outcome, Error> {
    let settings = WatchSettings {
        benign: args.budget,
        steps: args.steps.map(NonZeroU64::get),
        ..WatchSettings::default()
    };
    if args.log.paths.iter().any(|path| path == Path::new("-")) {
        return lines::run(args, settings, console);
    }
    let options = args.log.options()?;
    let path = args.state.clone().unwrap_or_else(|| beside(&args.log.paths));
    let kept = Kept::new(path, &args.log.paths, &options, &settings);
    let mut watching = kept.open(options).map_err(refused)?;
    if let Some(step) = watching.watch().last_step() {
        console.note(format!("goes on after step {step}, as {} has it", kept.path().display()));
    }
    let mut hook = args.on_flag.clone().map(Hook::new);
    let interrupt = Interrupt::caught();
    let mut printed = Printed::default();
    let (mut came, mut saved) = (Instant::now(), Instant::now());
    let stopped = loop {
        let learning = watching.watch().is_learning();
        let turned = watching.turn(false)?;
        if learning && !watching.watch().is_learning() {
            console.note("the reference is complete; from here on rollouts are judged");
        }
        let more = turned.more;
        if turned.rollouts > 0 {
            came = Instant::now();
        }
        let listed = !turned.entries.is_empty();
        let stopped = tell(args, &turned, &mut printed, hook.as_mut(), console)?;
        if listed || saved.elapsed() >= SAVED_EVERY {
            kept.save(&watching).map_err(refused)?;
            saved = Instant::now();
        }
        if stopped {
            break true;
        }
        let idle = !more && args.idle.is_some_and(|idle| came.elapsed() >= idle);
        if idle || interrupt.came() {
            break loop {
                let turned = watching.turn(true)?;
                let stopped = tell(args, &turned, &mut printed, hook.as_mut(), console)?;
                // What is not read yet waits for the next call.
                if stopped || !turned.more || interrupt.came() {
                    break stopped;
                }
            };
        }
        if !more {
            interrupt.sleep(args.every);
        }
    };
    kept.save(&watching).map_err(refused)?;
    end(args, &watching.reading(), &printed, console)?;
    if let Some(hook) = hook {
        hook.finish(console);
    }
    Ok(if stopped { Outcome::Flagged } else { Outcome::Done })
}

/// The entries that this call has printed, by their places.
#[derive(Debug, Default)]
struct Printed(HashSet<(PathBuf, usize, u64)>);

fn place(entry: &ListEntry) -> (PathBuf, usize, u64) {
    (entry.file.clone(), entry.row, entry.step)
}

/// Says what a turn brought; whether it is the end.
fn tell(
    args: &WatchArgs,
    turned: &Turned,
    printed: &mut Printed,
    hook: Option<&mut Hook>,
    console: &Console,
) -> Result<bool, CliError> {
    for note in &turned.notes {
        console.warn(note);
    }
    let names = FileNames::of(turned.entries.iter().map(|entry| entry.file.as_path()));
    for (number, entry) in (turned.before + 1..).zip(&turned.entries) {
        match args.jsonl {
            true => console.line(&numbered(number, entry))?,
            false => console.text(|style| reading::one(entry, &names, false, style))?,
        }
        printed.0.insert(place(entry));
    }
    if let Some(hook) = hook {
        let all = (turned.before + 1..).zip(&turned.entries);
        let apart: Vec<_> =
            all.filter(|(_, entry)| entry.apart).map(|(number, entry)| numbered(number, entry)).collect();
        hook.call(&apart, console);
    }
    let stop = args.stop_share.and_then(|share| turned.steps.iter().find(|seen| seen.share >= share));
    if let Some(seen) = stop {
        console.warn(format!(
            "{:.0}% of the rollouts of step {} reach the lowest reward that stands apart: stopped",
            100.0 * seen.share,
            seen.step
        ));
    }
    Ok(stop.is_some())
}

/// An entry with its number among all of the log, from 1: what comes again after a hard end has the same one.
fn numbered(number: usize, entry: &ListEntry) -> Value {
    let mut document = json!(reading::listed(entry));
    if let Some(document) = document.as_object_mut() {
        document.insert("number".to_owned(), json!(number));
    }
    document
}

/// The verdict, without the entries that were printed before: with `--jsonl` a line.
fn end(args: &WatchArgs, found: &Reading, printed: &Printed, console: &Console) -> Result<(), CliError> {
    if args.jsonl {
        return console.line(&verdict(found));
    }
    console.answer(&reading::document(found), |style| {
        format!("\n{}", reading::text_after(found, &|entry| printed.0.contains(&place(entry)), style))
    })
}

fn verdict(found: &Reading) -> Value {
    let mut document = json!(reading::document(found));
    if let Some(document) = document.as_object_mut() {
        document.shift_remove("reading_list");
    }
    document
}

/// The state file of a log: in its folder, or beside its file.
fn beside(paths: &[PathBuf]) -> PathBuf {
    const NAME: &str = ".tailcatch-watch.json";
    let Some(first) = paths.first() else { return PathBuf::from(NAME) };
    if first.is_dir() {
        return first.join(NAME);
    }
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    // A pattern is no name of a file.
    let name: String = name.chars().map(|c| if matches!(c, '*' | '?') { '_' } else { c }).collect();
    first.with_file_name(format!(".{name}{NAME}"))
}

fn refused(error: StateError) -> CliError {
    let help = match &error {
        StateError::Io { .. } => return CliError::State(error),
        // What is no state at all may be someone's log.
        StateError::Foreign { reason, .. } if !reason.starts_with("version") => {
            "give another file with --state FILE: this one is left as it is".to_owned()
        }
        StateError::Foreign { path, .. } | StateError::Other { path, .. } => {
            format!("remove {} to begin anew, or give another file with --state FILE", path.display())
        }
    };
    CliError::Value { flag: "--state", reason: error.to_string(), help }
}
