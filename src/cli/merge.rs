//! `tailcatch merge`: the tables of an experiment whose parts were run apart.

use super::console::Console;
use super::{Outcome, finish};
use crate::experiment::{Lenience, merge};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Put the records of an experiment that was run in parts together: tables, figures, report
///
/// The tables have the same bytes as those of one machine that ran everything. Runs that are missing, damaged, another's or
/// contradictory are listed, and nothing is written. Folders of parts are only read.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch merge runs/sweep\n  tailcatch merge part0 part1 part2 --out runs/sweep\n  tailcatch merge \
                  runs/sweep --allow-partial"
)]
pub struct MergeArgs {
    /// Run folders that hold records of one experiment
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Run folder that the tables go to [default: the first DIR]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Make tables of the runs that are there; the report says which are missing
    #[arg(long)]
    allow_partial: bool,
    /// Put records of several binaries or kinds of processor together; their last digits may differ
    #[arg(long)]
    allow_mixed: bool,
}

/// Runs the command.
///
/// # Errors
/// Folders of different experiments; runs that are missing or must not be put together; a file that cannot be written.
pub fn run(args: &MergeArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let out = args.out.as_ref().or(args.dirs.first()).cloned().unwrap_or_default();
    let lenience = Lenience { partial: args.allow_partial, mixed: args.allow_mixed };
    // Nothing is lost where it is ended by force: what is written is whole.
    put_together(&args.dirs, &out, lenience, &AtomicBool::new(false), console)?;
    Ok(Outcome::Done)
}

/// Makes tables, figures and report in `out` of what lies in `dirs`, and tells what they hold; gives how many runs there are, and how many
/// are in the tables.
pub(super) fn put_together(
    dirs: &[PathBuf],
    out: &Path,
    lenience: Lenience,
    stop: &AtomicBool,
    console: &Console,
) -> Result<(usize, usize), crate::Error> {
    // Held until figures and report are drawn.
    let made = merge(dirs, out, lenience, stop)?;
    let (runs, finished) = (made.runs, made.finished);
    if finished < runs {
        console
            .warn(format!("{} of {runs} runs are not in the tables; the report says which", runs - finished));
    }
    let told = finish::figures_and_report(out, console)?;
    let document = json!({
        "out": out,
        "runs": runs,
        "finished": finished,
        "finding": told.finding,
        "report": told.report,
        "figures": told.figures,
    });
    console.answer(&document, |_| {
        format!("{}\n\n{}\nreport: {}\n", told.finding, told.summary, told.report.display())
    })?;
    drop(made);
    Ok((runs, finished))
}
