//! The README's commands print what the README says.

use crate::cli::{outcome, tailcatch};

const README: &str = include_str!("../../README.md");

/// Command and output of each block of a section that begins with `$ tailcatch`.
fn sessions(section: &str) -> Vec<(Vec<&str>, String)> {
    let text = README.split(&format!("## {section}")).nth(1).unwrap();
    let text = text.split("\n## ").next().unwrap();
    let blocks = text.split("```text\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks
        .filter_map(|block| {
            let (command, output) = block.strip_prefix("$ tailcatch ")?.split_once('\n')?;
            Some((command.split_whitespace().collect(), output.to_owned()))
        })
        .collect()
}

/// Runs a section's commands, from the folder of this repository.
fn holds(section: &str, commands: usize) {
    let sessions = sessions(section);
    assert_eq!(sessions.len(), commands);
    for (arguments, expected) in sessions {
        let (code, stdout, stderr) =
            outcome(tailcatch().current_dir(env!("CARGO_MANIFEST_DIR")).args(&arguments));
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(stdout, expected, "{arguments:?}");
    }
}

#[test]
fn an_audit_is_planned_as_the_readme_shows() {
    holds("Plan an audit", 3);
}

#[test]
fn a_log_is_judged_as_the_readme_shows() {
    holds("Your own logs", 1);
}

#[test]
fn exploits_are_planted_as_the_readme_shows() {
    holds("Would it have been caught?", 1);
}
