//! `tailcatch gallery`: the figures that lie in the repository, rebuilt.

use super::Outcome;
use super::console::Console;
use super::finish::names;
use crate::plots::gallery::{Exhibit, gallery};
use crate::record::folder::RunFolder;
use crate::report;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Rebuild a gallery of figures from run folders: pictures, the CSV each was drawn from, and an index
#[derive(Debug, Args)]
pub struct GalleryArgs {
    /// Run folders; each is shown under its own name
    #[arg(required = true, value_name = "DIR")]
    runs: Vec<PathBuf>,
    /// Where the gallery goes
    #[arg(long, short, value_name = "DIR", default_value = "plots")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &GalleryArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let opened: Vec<(String, RunFolder, String)> = names(&args.runs, "DIR")?
        .into_iter()
        .zip(&args.runs)
        .map(|(name, dir)| {
            let run = RunFolder::open(dir)?;
            let finding = report::headline(&run);
            Ok((name, run, finding))
        })
        .collect::<Result<_, crate::Error>>()?;
    let exhibits: Vec<Exhibit<'_>> =
        opened.iter().map(|(name, run, finding)| Exhibit { name, run, finding: finding.clone() }).collect();
    let index = gallery(&exhibits, &args.out)?;
    console.answer(&json!({ "index": index }), |_| format!("{}", index.display()))?;
    Ok(Outcome::Done)
}
