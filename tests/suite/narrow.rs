//! What is printed fits 80 columns where the terminal does not say its width: the help of every command, the plan of every experiment, and what is
//! found of a run. Errors are not wrapped, so that a path stays in one piece.

use crate::cli::{outcome, tailcatch};
use crate::synthetic_run;
#[cfg(feature = "lab")]
use std::{
    fs,
    path::{Path, PathBuf},
};

const COLUMNS: usize = 80;

fn fits(arguments: &[&str]) -> String {
    let (code, stdout, stderr) = outcome(tailcatch().args(arguments));
    assert_eq!(code, 0, "{arguments:?}: {stderr}");
    for line in stdout.lines().chain(stderr.lines()) {
        // A path is not broken.
        let is_path = line.split_whitespace().any(|word| word.chars().count() > COLUMNS - 20);
        assert!(line.chars().count() <= COLUMNS || is_path, "{arguments:?}: {line}");
    }
    stdout
}

/// Commands that a page of help names.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
    // What is said of a command goes on further right.
    let one = |line: &str| {
        let named = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?;
        named.split_whitespace().next().map(str::to_owned)
    };
    listed.lines().map_while(|line| (!line.is_empty()).then(|| one(line))).flatten().collect()
}

fn pages(of: &[&str]) {
    fits(&[of, &["-h"]].concat());
    let help = fits(&[of, &["--help"]].concat());
    for command in commands(&help).iter().filter(|name| *name != "help") {
        pages(&[of, &[command.as_str()]].concat());
    }
}

#[test]
fn help_of_every_command_fits() {
    let whole = fits(&["--help"]);
    // Commands are listed by what they are for, each with an example below it.
    let names: Vec<&str> = whole
        .lines()
        .filter(|line| line.starts_with("  ") && line.as_bytes().get(2).is_some_and(u8::is_ascii_lowercase))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 5 && names.contains(&"detect"), "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        pages(&[name]);
    }
}

#[test]
fn usage_in_a_refusal_fits() {
    let (code, _, stderr) = outcome(tailcatch().args(["theory", "adversary"]));
    assert!(code == 2 && stderr.contains("Usage: tailcatch theory adversary"), "{stderr}");
    assert!(stderr.lines().all(|line| line.chars().count() <= COLUMNS), "{stderr}");
}

#[cfg(feature = "lab")]
#[test]
fn the_plan_of_every_experiment_fits() {
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let configs = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect()
    };
    let all = [configs(&experiments), configs(&experiments.join("bench"))].concat();
    assert!(all.len() > 20);
    for path in all {
        fits(&["check", path.to_str().unwrap()]);
    }
}

#[test]
fn what_is_said_of_a_run_fits() {
    for shape in [synthetic_run::quickstart(), synthetic_run::tail_index(), synthetic_run::coefficients()] {
        let dir = tempfile::tempdir().unwrap();
        synthetic_run::make(dir.path(), &shape);
        fits(&["report", dir.path().to_str().unwrap()]);
    }
}
