//! `tailcatch status`: what of an experiment is there.

use super::Outcome;
use super::console::{Console, Style};
use super::table::Table;
use super::{Error as CliError, sketch};
use crate::experiment::{Count, Stored, Tables};
use crate::foundation::atomic_file;
use crate::record::folder::MadeWith;
use crate::record::made::{MADE, MissingRun};
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Most runs that are listed as text; under --json all are.
const MOST: usize = 20;

/// Say which runs of an experiment are finished, missing, damaged or another's
///
/// Reads every record and every table, and changes nothing. Exit codes: 0 all runs are finished · 75 some are missing or damaged, and
/// `tailcatch run` makes them, or a table is damaged, and `tailcatch merge` makes it · 1 records of other runs, of other versions or contradictory ones, which stay until somebody has decided.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch status runs/quickstart\n  tailcatch status runs/sweep --ids missing.txt\n  tailcatch run \
                  sweep.toml --ids missing.txt --shard 0/4"
)]
pub struct StatusArgs {
    /// Run folders; several hold parts of one experiment
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Write the train_id of every run that is not finished into FILE, one a line
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
}

/// The answer as a document: a view, for a million runs may be missing.
#[derive(Serialize)]
struct Document<'a> {
    damaged: &'a [PathBuf],
    finished: usize,
    made_with: &'a [MadeWith],
    missing: &'a [MissingRun],
    name: &'a str,
    problems: &'a [String],
    runs: usize,
    tables: &'static str,
    tables_damaged: &'a [String],
    tables_removed: &'a [String],
}

/// Runs the command.
///
/// # Errors
/// A folder that is no run folder, or whose config does not give its plan; a file that cannot be read or written.
pub fn run(args: &StatusArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let stored = Stored::open(&args.dirs)?;
    let count = stored.count(&AtomicBool::new(false))?;
    if let Some(path) = &args.ids {
        write_ids(&count, path)?;
    }
    let tables = Found::of(&stored.tables, args.dirs.first())?;
    let document = Document {
        damaged: &count.damaged,
        finished: count.finished.len(),
        made_with: count.made_with.all(),
        missing: &count.missing,
        name: &stored.name,
        problems: &count.problems,
        runs: stored.runs.len(),
        tables: match stored.tables {
            _ if !tables.damaged.is_empty() => "damaged",
            Tables::Absent => "none",
            Tables::OtherPlan => "other_plan",
            Tables::Unknown => "damaged",
            Tables::Partial(_) => "partial",
            Tables::Whole(_) => "whole",
        },
        tables_damaged: &tables.damaged,
        tables_removed: &tables.removed,
    };
    console.answer(&document, |style| text(&stored, &count, &tables, style))?;
    Ok(match (count.problems.is_empty(), count.missing.is_empty() && tables.damaged.is_empty()) {
        (false, _) => Outcome::Failed,
        (true, false) => Outcome::Stopped,
        (true, true) => Outcome::Done,
    })
}

/// What became of the tables since they were written.
struct Found {
    /// Those that are not as they were written.
    damaged: Vec<String>,
    /// Those of single rollouts that are not there.
    removed: Vec<String>,
}

impl Found {
    fn of(tables: &Tables, dir: Option<&PathBuf>) -> Result<Self, crate::Error> {
        let mut found = Self { damaged: Vec::new(), removed: Vec::new() };
        if *tables == Tables::Unknown {
            found.damaged.push(MADE.to_owned());
        }
        if let (Some(made), Some(dir)) = (tables.made(), dir) {
            (found.damaged, (found.removed, _)) = (made.damaged(dir)?, made.gone(dir)?);
        }
        Ok(found)
    }

    fn text(&self, tables: &Tables) -> String {
        let is_whole = match tables {
            Tables::Absent => return "tables: not made yet\n".to_owned(),
            Tables::OtherPlan => return "tables: of another plan, or half written\n".to_owned(),
            Tables::Unknown | Tables::Partial(_) => false,
            Tables::Whole(_) => true,
        };
        if !self.damaged.is_empty() {
            let names = self.damaged.join(", ");
            return format!("tables: damaged or gone: {names}; `tailcatch merge` makes them anew\n");
        }
        let mut said =
            if is_whole { "tables: whole" } else { "tables: some runs are not in them" }.to_owned();
        if !self.removed.is_empty() {
            said += &format!("; {} removed since", self.removed.join(", "));
        }
        said + "\n"
    }
}

/// Writes the identities, one a line.
pub(super) fn write_ids(count: &Count<'_>, path: &Path) -> Result<(), CliError> {
    let lines: String = count.missing.iter().map(|run| format!("{}\n", run.train_id)).collect();
    let failed = |source| CliError::Output { what: path.display().to_string(), source };
    atomic_file::write(path, lines.as_bytes()).map_err(failed)
}

fn text(stored: &Stored, count: &Count<'_>, tables: &Found, style: Style) -> String {
    let mut out = format!(
        "{}: {} of {} runs are finished\n",
        style.bold(&stored.name),
        count.finished.len(),
        stored.runs.len()
    );
    if !count.missing.is_empty() {
        let mut table = Table::new(&[">arm", ">replicate", "train_id", "why"]).within(sketch::columns());
        for run in count.listed().take(MOST) {
            table.row([
                run.arm.to_string(),
                run.replicate.to_string(),
                run.train_id.clone(),
                run.reason.clone(),
            ]);
        }
        out += &format!("\n{}", table.render(style));
        if count.missing.len() > MOST {
            out += &format!("and {} more\n", count.missing.len() - MOST);
        }
    }
    if let [_, _, ..] = count.made_with.all() {
        out += "\nmade with:\n";
        for made in count.made_with.all() {
            out += &format!("  {} records: {}\n", made.records, made.numerics);
        }
    }
    out + &tables.text(&stored.tables)
}
