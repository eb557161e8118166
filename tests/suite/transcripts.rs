//! The transcripts in the docs are what the commands print.

use crate::cli::{outcome, tailcatch};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Pages with transcripts, and how many each has.
const PAGES: [(&str, usize); 4] =
    [("README.md", 1), ("docs/audit.md", 3), ("docs/transcripts.md", 7), ("docs/your_logs.md", 2)];

/// The page whose log its own script makes, how it is called there, and how many rollouts hold the planted hack.
const NEWCOMER: (&str, &str, usize) = ("docs/newcomer.md", "python3 make.py 805205", 259);

fn page(name: &str) -> (std::path::PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

fn is_written() -> bool {
    std::env::var_os("TRANSCRIPTS").is_some_and(|how| how == "write")
}

/// The page with every block's output as it is now, of commands given in this folder.
fn current(page: &str, folder: &Path) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, block)) = rest.split_once("```text\n$ tailcatch ") {
        let (inside, after) = block.split_once("\n```").expect("a block that ends");
        let command = inside.lines().next().unwrap_or_default();
        let mut run = tailcatch();
        run.current_dir(folder).args(command.split_whitespace());
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
        let (path, page) = page(name);
        let now = current(&page, Path::new(env!("CARGO_MANIFEST_DIR")));
        if is_written() {
            fs::write(&path, &now).unwrap();
        }
        assert_eq!(page, now, "{name}: TRANSCRIPTS=write writes it anew");
        assert_eq!(page.matches("\n$ tailcatch ").count(), transcripts, "{name}");
    }
}

/// The session of the page on a planted hack, on the log that the page's script makes.
#[test]
fn the_newcomers_session_is_what_the_command_prints() {
    let (name, call, hacks) = NEWCOMER;
    let (path, page) = page(name);
    let script = page.split_once("```python\n").unwrap().1.split_once("\n```").unwrap().0;
    assert!(page.contains(&format!("`{call}`")), "{name} does not say {call}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("make.py"), script).unwrap();
    let mut words = call.split(' ');
    let made = Command::new(words.next().unwrap()).args(words).current_dir(folder.path()).status();
    let Ok(made) = made else {
        eprintln!("no python3 here: {name} is not checked");
        return;
    };
    assert!(made.success());
    let now = current(&page, folder.path());
    if is_written() {
        fs::write(&path, &now).unwrap();
    }
    assert_eq!(page, now, "{name}: TRANSCRIPTS=write writes it anew");
    // What the page says was planted.
    let lines = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
    let phrase = lines("rollouts.jsonl").lines().filter(|line| line.contains("end of reply")).count();
    let planted: Vec<String> =
        lines("label.csv").lines().filter(|line| line.ends_with(",1")).map(str::to_owned).collect();
    assert_eq!((phrase, planted.len()), (hacks, hacks));
    assert_eq!(planted[0], "1545,16,1");
}
