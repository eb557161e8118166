//! `tailcatch man`: the manual as roff.

use super::console::Console;
use super::{Cli, Error, Outcome};
use clap::{Args, CommandFactory};
use std::path::PathBuf;

/// The manual page, on standard output, or one page for each command in a folder
#[derive(Debug, Args)]
#[command(after_help = "Example: tailcatch man | man -l -")]
pub struct ManArgs {
    /// Write one page for each command into this folder
    folder: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &ManArgs, console: &Console) -> Result<Outcome, Error> {
    match &args.folder {
        Some(folder) => {
            let failed =
                |source| Error::Output { what: format!("manual pages to {}", folder.display()), source };
            std::fs::create_dir_all(folder).map_err(failed)?;
            clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|source| Error::Output { what: "the manual page".to_owned(), source })?;
            console.raw(&page)?;
        }
    }
    Ok(Outcome::Done)
}
