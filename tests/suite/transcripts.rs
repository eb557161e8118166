//! The transcripts in the docs are what the commands print.

use crate::cli::{outcome, tailcatch};
use std::fs;
use std::path::Path;

/// Pages with transcripts, and how many each has.
const PAGES: [(&str, usize); 4] =
    [("README.md", 1), ("docs/audit.md", 3), ("docs/transcripts.md", 7), ("docs/your_logs.md", 2)];

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
        // What judges a log fits a terminal; tables of theory may be wider.
        let wide = stdout.lines().find(|line| line.chars().count() > 80);
        let narrow = command.starts_with("detect ") || command.starts_with("curve ");
        assert!(!narrow || wide.is_none(), "{command}: wider than 80 columns: {wide:?}");
        rest = after;
    }
    out + rest
}

/// To write the pages anew: `TRANSCRIPTS=write cargo test --test suite transcripts`.
#[test]
fn transcripts_are_what_the_commands_print() {
    for (name, transcripts) in PAGES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let page = fs::read_to_string(&path).unwrap();
        let now = current(&page);
        if std::env::var_os("TRANSCRIPTS").is_some_and(|how| how == "write") {
            fs::write(&path, &now).unwrap();
        }
        assert_eq!(page, now, "{name}: TRANSCRIPTS=write writes it anew");
        assert_eq!(page.matches("\n$ tailcatch ").count(), transcripts, "{name}");
    }
}
