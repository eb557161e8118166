//! `tailcatch plot`: the figures of a stored run.

use super::console::Console;
use super::{Outcome, finish};
use crate::record::folder::RunFolder;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Draw the figures of a run folder again, from its tables
#[derive(Debug, Args)]
pub struct PlotArgs {
    /// Run folder
    dir: PathBuf,
    /// Folder in which `figures/` is made [default: DIR]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &PlotArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let run = RunFolder::open(&args.dir)?;
    let out = args.out.clone().unwrap_or_else(|| args.dir.clone());
    let figures = finish::figures(&run, &out, console)?;
    console.answer(&json!({ "figures": figures }), |_| {
        figures.iter().map(|path| format!("{}\n", path.display())).collect()
    })?;
    Ok(Outcome::Done)
}
