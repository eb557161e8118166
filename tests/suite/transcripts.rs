//! The transcripts in the docs are what the commands print.

use crate::cli::{outcome, tailcatch};
use std::fs;
use std::path::PathBuf;

/// The page with every block's output as it is now.
fn current(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, block)) = rest.split_once("```text\n$ tailcatch ") {
        let (inside, after) = block.split_once("\n```").expect("a block that ends");
        let command = inside.lines().next().unwrap_or_default();
        let mut run = tailcatch();
        run.current_dir(env!("CARGO_MANIFEST_DIR")).args(command.split_whitespace());
        let (code, stdout, stderr) = outcome(&mut run);
        assert_eq!(code, 0, "{command}: {stderr}");
        out.push_str(&format!("{before}```text\n$ tailcatch {command}\n{stderr}{}\n```", stdout.trim_end()));
        rest = after;
    }
    out + rest
}

/// To write the page anew: `TRANSCRIPTS=write cargo test --test suite transcripts`.
#[test]
fn transcripts_are_what_the_commands_print() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/transcripts.md");
    let page = fs::read_to_string(&path).unwrap();
    let now = current(&page);
    if std::env::var_os("TRANSCRIPTS").is_some_and(|how| how == "write") {
        fs::write(&path, &now).unwrap();
    }
    assert_eq!(page, now, "TRANSCRIPTS=write writes it anew");
    assert_eq!(page.matches("$ tailcatch ").count(), 7);
    // Commands and prose may be longer.
    let mut inside = false;
    for line in page.lines() {
        inside ^= line.starts_with("```");
        let wide = inside && !line.starts_with("$ ") && line.chars().count() > 80;
        assert!(!wide, "wider than 80 columns: {line}");
    }
}
