//! What every command-line test uses: the binary, fixtures, files made on the spot.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub fn tailcatch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailcatch"));
    command.env_remove("NO_COLOR").env_remove("COLUMNS");
    command
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fixtures").join(name)
}

/// A folder with one file.
pub fn file(name: &str, bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Exit code, standard output and standard error.
pub fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), unwrapped(&text(&output.stderr)))
}

/// What was said on standard error, each error and each help in one line: they are broken at the width of the terminal.
fn unwrapped(said: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in said.lines() {
        let rest = line
            .strip_prefix("  │ ")
            .or_else(|| line.strip_prefix("        "))
            .or_else(|| line.strip_prefix("       "));
        match (lines.last_mut(), rest.filter(|rest| !rest.starts_with(' '))) {
            (Some(last), Some(rest))
                if ["  × ", "  help: ", "error: "].iter().any(|start| last.starts_with(start)) =>
            {
                last.push(' ');
                last.push_str(rest);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The one JSON document on standard output of a command that ended with `code`.
pub fn json(command: &mut Command, code: i32) -> Value {
    let (found, stdout, stderr) = outcome(command.arg("--json"));
    assert_eq!(found, code, "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}
