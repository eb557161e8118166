//! `tailcatch report`: the report of a stored run.

use super::console::Console;
use super::{Outcome, finish, sketch};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Draw the figures and write the report of a run folder again, from its tables
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Run folder
    dir: PathBuf,
}

/// Runs the command.
pub fn run(args: &ReportArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let told = finish::figures_and_report(&args.dir, console)?;
    console.answer(
        &json!({ "finding": told.finding, "report": told.report, "figures": told.figures }),
        |_| {
            format!(
                "{}\n\n{}\nreport: {}\n",
                sketch::broken(&told.finding),
                told.summary,
                told.report.display()
            )
        },
    )?;
    Ok(Outcome::Done)
}
