//! Steps as lines of JSON on standard input, entries as lines of JSON on standard output.

use super::hook::Hook;
use super::{WatchArgs, verdict};
use crate::Error;
use crate::cli::{Console, Error as CliError, Outcome, reading};
use crate::monitor::watch::{Listening, Seen, WatchSettings};
use serde_json::{Value, json};
use std::io::{self, BufRead, Read};

/// Bytes of a line at most: no step is that long.
const LONGEST: usize = 1 << 30;

/// Answers each line of standard input.
pub(super) fn run(args: &WatchArgs, settings: WatchSettings, console: &Console) -> Result<Outcome, Error> {
    if args.log.paths.len() > 1 || args.state.is_some() {
        return Err(CliError::Value {
            flag: "-",
            reason: "standard input is the only log, and keeps no state".to_owned(),
            help: "leave other paths and --state out".to_owned(),
        }
        .into());
    }
    let mut listening = Listening::new(settings);
    let mut hook = args.on_flag.clone().map(Hook::new);
    let (mut stopped, mut heard) = (false, false);
    let (mut input, mut line) = (io::stdin().lock(), Vec::new());
    while next(&mut input, &mut line).map_err(|error| bad(error.to_string()))? {
        let told = match std::str::from_utf8(&line) {
            _ if line.len() > LONGEST => Err(listening.leave_out(&format!("longer than {LONGEST} bytes"))),
            Ok(line) => listening.hear(line),
            Err(_) => Err(listening.leave_out("the text is not UTF-8")),
        };
        let told = match told {
            Ok(told) => told,
            // Who writes is told at once that it writes something else; a run that goes on is not stopped by a line.
            Err(reason) if !heard => return Err(bad(reason).into()),
            Err(reason) => {
                console.warn(format!("{reason}; left out"));
                console.line(&json!({ "error": reason, "line": listening.lines().0 }))?;
                continue;
            }
        };
        let Some((seen, entries)) = told else { continue };
        heard = true;
        for entry in &entries {
            console.line(&reading::listed(entry))?;
        }
        if let Some(hook) = &mut hook {
            let apart: Vec<_> = entries.iter().filter(|entry| entry.apart).map(reading::listed).collect();
            hook.call(&apart, console);
        }
        for note in &seen.notes {
            console.warn(note);
        }
        console.line(&answer(&seen, entries.len()))?;
        if args.stop_share.is_some_and(|share| seen.share >= share) {
            stopped = true;
            break;
        }
    }
    let mut end = verdict(&listening.reading());
    let (_, left_out) = listening.lines();
    if let Some(end) = end.as_object_mut() {
        let first = left_out.first.iter().map(|(line, reason)| json!({ "line": line, "error": reason }));
        end.insert("lines_left_out".to_owned(), json!(left_out.lines));
        end.insert("first_lines_left_out".to_owned(), first.collect());
    }
    console.line(&end)?;
    if let Some(hook) = hook {
        hook.finish(console);
    }
    Ok(if stopped { Outcome::Flagged } else { Outcome::Done })
}

/// What is said of a step.
fn answer(seen: &Seen, entries: usize) -> Value {
    let mut answer = json!({
        "step": seen.step,
        "rollouts": seen.rollouts,
        "entries": entries,
        "share": seen.share,
        "reference": seen.reference,
    });
    if let (Some(answer), false) = (answer.as_object_mut(), seen.notes.is_empty()) {
        answer.insert("notes".to_owned(), json!(seen.notes));
    }
    answer
}

/// Reads the next line without its end; of one that is too long a byte more than is read. False at the end of the input.
fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = input.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LONGEST {
        // The rest of it.
        input.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

fn bad(reason: String) -> CliError {
    CliError::Value {
        flag: "standard input",
        reason,
        help: "each line is one step; `tailcatch watch --help` shows it".to_owned(),
    }
}
