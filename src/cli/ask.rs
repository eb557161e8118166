//! A command asked from within another program: its document comes back, and nothing is printed.

use super::console::printable;
use super::{Cli, Console, start_workers, survive_large_files};
use clap::Parser;
use std::ffi::OsString;
use std::sync::Once;

/// Workers and signals are the process's own, and set up at the first call.
static PREPARED: Once = Once::new();

/// What a command answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its document, as `--json` prints it.
    pub document: String,
    /// Why the answer may mislead, in the order in which it was said.
    pub warnings: Vec<String>,
    /// The exit code that the command would have had.
    pub exit_code: u8,
}

/// Why a command did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, with all that it came from.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// The exit code that the command would have had: 2 where the caller is to blame.
    pub exit_code: u8,
}

/// Carries out a command, `["detect", "run/", "--budget", "30"]`, with `--json`.
///
/// # Errors
/// Whatever the command could not do, or a command line that cannot be read.
pub fn ask(arguments: impl IntoIterator<Item = OsString>) -> Result<Answer, Refusal> {
    let line = [OsString::from("tailcatch"), OsString::from("--json")].into_iter().chain(arguments);
    let cli = Cli::try_parse_from(line).map_err(|error| Refusal {
        message: error.to_string(),
        help: None,
        exit_code: u8::try_from(error.exit_code()).unwrap_or(1),
    })?;
    PREPARED.call_once(|| {
        survive_large_files();
        start_workers();
    });
    let console = Console::keeping(cli.output.clone());
    let outcome = cli.run(&console).map_err(|error| Refusal {
        message: chain(&error),
        help: error.help().map(|help| printable(&help, false)),
        exit_code: error.exit_code(),
    })?;
    let (document, warnings) = console.kept();
    Ok(Answer { document, warnings, exit_code: outcome.exit_code() })
}

/// An error with what it came from, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_said = cause.to_string();
        if !said.contains(&cause_said) {
            said.push_str(": ");
            said.push_str(&cause_said);
        }
        source = cause.source();
    }
    printable(&said, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Answer, Refusal> {
        ask(words.iter().map(OsString::from))
    }

    #[test]
    fn the_document_comes_back_with_what_was_warned_of() {
        let answer = asked(&["theory", "frontier", "--mass", "1e-4", "--kl", "1"]).unwrap();
        let document: serde_json::Value = serde_json::from_str(&answer.document).unwrap();
        assert!(document["t_star"].as_f64().unwrap() > 1.0 && answer.exit_code == 0, "{answer:?}");
        let log = ["detect", "tests/suite/fixtures/verl", "--calibrate-steps", "2..11"];
        let answer = asked(&log).unwrap();
        let document: serde_json::Value = serde_json::from_str(&answer.document).unwrap();
        assert!(document["verdict"].is_string(), "{document}");
    }

    #[test]
    fn a_refusal_says_who_is_to_blame_and_what_to_do() {
        let refused = asked(&["detect", "no/such/file.csv"]).unwrap_err();
        assert!(refused.message.contains("no/such/file.csv") && refused.exit_code != 0, "{refused:?}");
        let refused = asked(&["detect", "tests/suite/fixtures/verl", "-d", "robust_x"]).unwrap_err();
        assert!(refused.help.is_some_and(|help| help.contains("robust_z")));
        assert_eq!(asked(&["detect"]).unwrap_err().exit_code, 2);
        assert_eq!(asked(&["theory", "frontier", "--mass", "2", "--kl", "1"]).unwrap_err().exit_code, 2);
    }
}
