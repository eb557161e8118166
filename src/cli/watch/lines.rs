//! Steps as lines of JSON on standard input, entries as lines of JSON on standard output.

use super::hook::Hook;
use super::{WatchArgs, verdict};
use crate::Error;
use crate::cli::{Console, Error as CliError, Outcome, reading};
use crate::monitor::Verdict;
use crate::monitor::watch::{Listening, WatchSettings};
use serde_json::json;
use std::io::{self, BufRead};

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
    let (mut stopped, mut heard, mut left_out) = (false, false, 0usize);
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| bad(error.to_string()))?;
        let told = match listening.hear(&line) {
            Ok(told) => told,
            // Who writes is told at once that it writes something else; a run that goes on is not stopped by a line.
            Err(reason) if !heard => return Err(bad(reason).into()),
            Err(reason) => {
                console.warn(format!("{reason}; left out"));
                console.line(&json!({ "error": reason }))?;
                left_out += 1;
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
        console.line(&json!({
            "step": seen.step,
            "rollouts": seen.rollouts,
            "entries": entries.len(),
            "share": seen.share,
            "reference": seen.reference,
        }))?;
        if args.stop_share.is_some_and(|share| seen.share >= share) {
            stopped = true;
            break;
        }
    }
    let mut found = listening.reading();
    if left_out > 0 && found.judgement.verdict == Verdict::Quiet {
        found.judgement.verdict = Verdict::NotJudged;
        found.judgement.sentence = format!(
            "{left_out} of the lines could not be read, and nothing is known of them. Of the rest: {}",
            found.judgement.sentence
        );
    }
    console.line(&verdict(&found))?;
    if let Some(hook) = hook {
        hook.finish(console);
    }
    Ok(if stopped { Outcome::Flagged } else { Outcome::Done })
}

fn bad(reason: String) -> CliError {
    CliError::Value {
        flag: "standard input",
        reason,
        help: "each line is one step; `tailcatch watch --help` shows it".to_owned(),
    }
}
