//! `tailcatch regimes`: one page of hypotheses, from a verdict and finished runs.

use super::Outcome;
use super::console::Console;
use super::sketch;
use super::table::wrapped;
use crate::foundation::presence::is_there;
use crate::record::folder::{FolderError, PLAN, RunFolder};
use crate::record::verdict::{CellRow, Tables};
use crate::report::regimes;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// When is rare reward hacking caught in time? One page, a panel for each hypothesis
///
/// Takes the folder of a verdict and folders of finished runs, and says of each hypothesis whether it holds, fails or is not resolved, by
/// intervals: a hypothesis about cells of the verdict by the harm in them, a run by the expectations that its config states.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch regimes runs/verdict\n  tailcatch regimes runs/verdict runs/zero_shot runs/delay --out runs/regimes"
)]
pub struct RegimesArgs {
    /// Folders of a verdict and of runs
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Folder of the page [default: the first of them]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Columns of what is said of a hypothesis.
const WORD: usize = 24;

/// Runs the command.
///
/// # Errors
/// A folder that is neither, or cannot be read; a page that cannot be written.
pub fn run(args: &RegimesArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let (mut verdicts, mut runs) = (Vec::new(), Vec::new());
    for dir in &args.folders {
        let has = |file: &str| {
            let path = dir.join(file);
            is_there(&path).map_err(|source| FolderError::Io { path, source })
        };
        if has(CellRow::FILE)? && !has(PLAN)? {
            verdicts.push(Tables::read(dir)?);
        } else {
            runs.push(RunFolder::open(dir)?);
        }
    }
    let panels = regimes::panels(&verdicts, &runs);
    let out = args.out.clone().unwrap_or_else(|| args.folders[0].clone());
    std::fs::create_dir_all(&out)
        .map_err(|source| crate::report::ReportError::Write { path: out.clone(), source })?;
    let written = regimes::write(&panels, &out)?;
    let document = json!({
        "page": written.html,
        "markdown": written.markdown,
        "answer": written.answer,
        "panels": panels,
    });
    console.answer(&document, |_| {
        let line = |panel: &regimes::Panel| {
            let parts = wrapped(&panel.title, sketch::columns().saturating_sub(WORD)).into_iter().enumerate();
            let word = |i: usize| if i == 0 { panel.word.text() } else { "" };
            parts.map(|(i, part)| format!("{:<WORD$}{part}\n", word(i))).collect::<String>()
        };
        format!("{}\npage: {}\n", panels.iter().map(line).collect::<String>(), written.html.display())
    })?;
    Ok(Outcome::Done)
}
