//! `tailcatch plot`: the figures of a stored run.

use super::console::Console;
use super::{Error as CliError, Outcome, finish};
use crate::plots::output::{Format, Look};
use crate::plots::sheet::Size;
use crate::plots::theme::Theme;
use crate::plots::{Alias, Wanted, alias};
use crate::record::folder::RunFolder;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Draw the figures of a run folder again, from its tables
///
/// Each figure is written beside the CSV that it was drawn from. Another size or theme than the report's goes into a folder of its own
/// within `figures/`, so that the report stays as it is.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch plot runs/quickstart\n  tailcatch plot runs/quickstart --size column --format pdf --theme print\n  \
                  tailcatch plot runs/quickstart --only sweep --size slide --theme dark --label 'remove(delay=0)=removed at once'"
)]
pub struct PlotArgs {
    /// Run folder
    dir: PathBuf,
    /// Folder in which `figures/` is made [default: DIR, or DIR/renamed with --label]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Printed size; text is at least 7 pt in it
    #[arg(long, value_enum, default_value = "page")]
    size: Size,
    /// How the pictures are written; repeat for more [default: svg and png]
    #[arg(long = "format", value_enum, value_name = "FORMAT")]
    formats: Vec<Format>,
    /// What the pictures are read on
    #[arg(long, value_enum, default_value = "light")]
    theme: Theme,
    /// Only this figure, for example sweep; repeat for more
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Another name for what holds a pattern, as 'student_t df=2=heavy'; * stands for any text; repeat for more
    #[arg(long = "label", value_name = "PATTERN=ALIAS")]
    labels: Vec<String>,
}

/// Runs the command.
pub fn run(args: &PlotArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let aliases = args.labels.iter().map(|text| text.parse()).collect::<Result<Vec<Alias>, String>>();
    let wrong = |reason: String| CliError::Value {
        flag: "--label",
        reason,
        help: "write the text to replace, = and another name for each; quote it for the shell".to_owned(),
    };
    let aliases = aliases.map_err(wrong)?;
    let mut run = RunFolder::open(&args.dir)?;
    alias::rename(&mut run, &aliases).map_err(wrong)?;
    // Other names than the report's go into a folder of their own too.
    let renamed = args.dir.join("renamed");
    let standard = if aliases.is_empty() { args.dir.clone() } else { renamed };
    let out = args.out.clone().unwrap_or(standard);
    let mut wanted = Wanted {
        look: Look { size: args.size, theme: args.theme },
        only: args.only.clone(),
        ..Wanted::default()
    };
    if !args.formats.is_empty() {
        wanted.formats.clone_from(&args.formats);
    }
    let figures = finish::figures(&run, &out, &wanted, console)?;
    console.answer(&json!({ "figures": figures }), |_| {
        figures.iter().map(|path| format!("{}\n", path.display())).collect()
    })?;
    Ok(Outcome::Done)
}
