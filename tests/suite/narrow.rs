//! What is printed fits 80 columns where the terminal does not say its width: the help of every command, the plan of every experiment, and what is
//! found of a run, and errors. A path or a command between backticks stays in one piece.

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

/// Whether each line fits, or has one piece too long to be broken.
fn all_fit(said: &str, columns: usize) {
    for line in said.lines() {
        let mut pieces = line.split('`').enumerate();
        let long = pieces.any(|(at, piece)| match at % 2 {
            1 => piece.chars().count() + 14 > columns,
            _ => piece.split_whitespace().any(|word| word.chars().count() + 14 > columns),
        });
        assert!(line.chars().count() <= columns || long || line.starts_with("Usage: "), "{columns}: {line}");
    }
}

#[test]
fn errors_fit_and_break_no_path_and_no_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a_log_with_quite_a_long_name_that_is_not_broken.csv");
    let columns = (0..12).map(|i| format!("column_{i}")).collect::<Vec<_>>();
    let rows = (0..9).map(|i| format!("{i}{}\n", ",0.5".repeat(11))).collect::<String>();
    std::fs::write(&path, format!("{}\n{rows}", columns.join(","))).unwrap();
    let text = path.to_str().unwrap();
    let long = "x".repeat(30) + " " + &"y".repeat(60);
    for arguments in [
        &["detect", text][..],
        &["diagnose", text, "--column", "column"],
        &["watch", text, "--idle", "0", "--state", "/dev/null"],
        &["spike", text, "--budget", &long],
        &["detect", text, "--rows", "neither of the two that are known to this program, as everyone knows"],
        &["detect", "there/is/no/such/file/below/this/folder/whatever/one/looks/for.csv"],
        &["plot", "there/is/no/such/folder/below/this/folder/whatever/one/looks/for/in/it"],
    ] {
        for columns in [60, 80] {
            let output = tailcatch().args(arguments).env("COLUMNS", columns.to_string()).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{said}");
            all_fit(&said, columns);
            if arguments == ["detect", text] {
                assert!(said.contains(text) && said.lines().count() > 3, "{said}");
            }
            let json = tailcatch()
                .args(arguments)
                .arg("--json")
                .env("COLUMNS", columns.to_string())
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(json.stdout).unwrap().lines().count(), 1, "{arguments:?}");
        }
    }
}
