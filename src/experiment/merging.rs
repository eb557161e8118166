//! Puts the records of several folders together to tables.

use super::error::ExperimentError;
use super::folder::Folder;
use super::plan::runs::Planned;
use super::store::numerics::find_out;
use super::store::occupied::{Held, sweep};
use super::stored::Stored;
use crate::record::folder::{FIGURES, RECORDS};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What may be lacking in what is put together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lenience {
    /// Runs may be missing; the tables say which.
    pub partial: bool,
    /// Records may have been made by several binaries or kinds of processor.
    pub mixed: bool,
}

/// What tables were made. The folder is held until the last copy of this is gone.
#[derive(Debug, Clone)]
pub struct Tabulated {
    /// Runs in the plan.
    pub runs: usize,
    /// Runs in the tables.
    pub finished: usize,
    _held: Arc<Held>,
}

/// Writes the tables of the experiment whose records lie in `dirs` into the run folder `out`. The tables have the same bytes as those of
/// one process that made all records.
///
/// # Errors
/// Runs that are missing, damaged, another's or contradictory, each with its file; records of several binaries; a file that cannot be
/// written; asked to stop. Nothing is written then.
pub fn merge(
    dirs: &[PathBuf],
    out: &Path,
    lenience: Lenience,
    stop: &AtomicBool,
) -> Result<Tabulated, ExperimentError> {
    find_out()?;
    let stored = Stored::open(dirs)?;
    let count = stored.count(stop)?;
    if !count.problems.is_empty() {
        return Err(ExperimentError::Unmergeable { problems: listed(&count.problems) });
    }
    if !count.missing.is_empty() && (!lenience.partial || count.finished.is_empty()) {
        let line = |run: &crate::record::made::MissingRun| {
            format!("arm {}, replicate {} ({}): {}", run.arm, run.replicate, run.train_id, run.reason)
        };
        let lines: Vec<String> = count.listed().map(line).collect();
        return Err(ExperimentError::Incomplete {
            missing: lines.len(),
            total: stored.runs.len(),
            runs: listed(&lines),
        });
    }
    if !lenience.mixed {
        count.made_with.unmingled()?;
    }
    let Stored { loaded, name, runs, backend, threads, store, .. } = &stored;
    let folder = Folder::of(out, loaded, (name, runs), backend, *threads)?;
    let held = folder.hold(false)?;
    sweep(out, &[RECORDS, FIGURES])?;
    let finished: Cow<'_, [Planned]> = match count.finished.len() == runs.len() {
        true => Cow::Borrowed(runs),
        false => count.finished.into_iter().cloned().collect(),
    };
    folder.tabulate(&held, &finished, store, count.missing, lenience.mixed)?;
    Ok(Tabulated { runs: runs.len(), finished: finished.len(), _held: Arc::new(held) })
}

/// Most lines that an error lists.
const MOST: usize = 20;

fn listed(lines: &[String]) -> String {
    let mut shown = lines.iter().take(MOST).map(|line| format!("\n  {line}")).collect::<String>();
    if lines.len() > MOST {
        shown += &format!("\n  and {} more", lines.len() - MOST);
    }
    shown
}
