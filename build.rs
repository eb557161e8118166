//! Tells the program from which commit it was built, so that a run says what made it wherever it was started.
//!
//! `TAILCATCH_COMMIT` is the commit of this checkout, with `+modified` where what goes into the program differs from it.
//! It is absent where the source is not the root of a checkout: an unpacked archive, or a folder inside another project's.

use std::path::Path;
use std::process::Command;

/// What goes into the program.
const SOURCES: [&str; 5] = ["src", "experiments", "build.rs", "Cargo.toml", "Cargo.lock"];

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn commit() -> Option<String> {
    let root = std::fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if root != std::env::current_dir().and_then(std::fs::canonicalize).ok()? {
        return None;
    }
    // A commit or a checkout is written to the log of HEAD; where none is kept, to HEAD or to its branch.
    let branch = git(&["symbolic-ref", "-q", "HEAD"]).unwrap_or_else(|| "HEAD".to_owned());
    for name in ["HEAD", "logs/HEAD", "packed-refs", branch.as_str()] {
        if let Some(path) = git(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let mut status = vec!["status", "--porcelain", "--"];
    status.extend(SOURCES);
    let modified = git(&status)?;
    let head = git(&["rev-parse", "HEAD"])?;
    Some(if modified.is_empty() { head } else { format!("{head}+modified") })
}

fn main() {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    match commit() {
        Some(commit) => {
            println!("cargo::rustc-env=TAILCATCH_COMMIT={commit}");
            println!("cargo::rustc-env=TAILCATCH_VERSION={version} (commit {commit})");
        }
        None => println!("cargo::rustc-env=TAILCATCH_VERSION={version}"),
    }
}
