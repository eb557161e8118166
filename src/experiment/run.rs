//! Runs an experiment: what is not there yet, then the tables.

use super::begin::{Asked, begin};
use super::error::ExperimentError;
use super::folder::Folder;
use super::judging::judge;
use super::plan::runs::{Planned, plan};
use super::store::Store;
use super::store::occupied::Held;
use super::work::{Hooks, Options, Progress, carry_out};
use crate::config::Loaded;
use crate::record::folder::{PLAN, RECORDS};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a finished experiment comes to. The folder is held for it until the last copy of this is gone.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Run folder, with all tables in it where all runs were asked for.
    pub out: PathBuf,
    /// Runs that were asked for.
    pub runs: usize,
    /// Runs that were there already.
    pub reused: usize,
    /// Whether there are tables: not of a part of the plan.
    pub tabulated: bool,
    _held: Arc<Held>,
}

/// What a call would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// Runs in the plan.
    pub planned: usize,
    /// Runs that are asked for.
    pub runs: usize,
    /// Runs that are there already.
    pub reused: usize,
}

/// Runs every arm × replicate that is asked for and not there yet, then writes the tables where all were asked for. `stop` ends it
/// early, runs intact. Whether the call is allowed in its folder is known before anything is written there.
///
/// # Errors
/// What is in the folder is another's; a file that cannot be written; asked to stop. Runs that failed: the tables are made of the others
/// then, unless `options.fail_fast`.
pub fn run(
    loaded: &Loaded,
    name: &str,
    options: &Options,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Finished, ExperimentError> {
    let runs = planned(loaded, options)?;
    let out = &options.out;
    let store = store(options, &runs);
    let asked = options.part.of(&runs);
    let folder = Folder::of(out, loaded, (name, &runs), &options.backend, options.threads)?;
    let all = [Asked { scenario: None, loaded, runs: &asked }];
    let (mut found, held) = begin(&all, &store, options, stop, || folder.hold(options.part.is_whole()))?;
    let found = found.pop().unwrap_or_default();
    let hooks = Hooks { judge: &judge::judge, progress, stop };
    let tabulated = options.part.is_whole();
    let reused = match carry_out(loaded, &asked, found, &store, options, &hooks) {
        Err(ExperimentError::Failed { out, failed, total, first }) => {
            if tabulated && !options.fail_fast && !stop.load(Ordering::Relaxed) {
                let lost: HashSet<_> = failed.iter().map(|run| (run.arm, run.replicate)).collect();
                let finished: Vec<Planned> =
                    asked.iter().filter(|run| !lost.contains(&(run.arm, run.replicate))).cloned().collect();
                // Of nothing, no tables are made in the place of those that may be there.
                if !finished.is_empty() {
                    folder.tabulate(&held, &finished, &store, failed.clone(), options.allow_mixed)?;
                }
            }
            return Err(ExperimentError::Failed { out, failed, total, first });
        }
        carried => carried?,
    };
    if tabulated {
        folder.tabulate(&held, &asked, &store, Vec::new(), options.allow_mixed)?;
    }
    Ok(Finished { out: out.clone(), runs: asked.len(), reused, tabulated, _held: Arc::new(held) })
}

/// What [`run`] would do; nothing is written.
///
/// # Errors
/// As [`run`], where the call is not allowed in its folder.
pub fn outlook(loaded: &Loaded, options: &Options, stop: &AtomicBool) -> Result<Outlook, ExperimentError> {
    let runs = planned(loaded, options)?;
    let asked = options.part.of(&runs);
    let found =
        Asked { scenario: None, loaded, runs: &asked }.found(&store(options, &runs), options, stop)?;
    Ok(Outlook { planned: runs.len(), runs: asked.len(), reused: asked.len() - found.pending.len() })
}

/// Describes the run folder, so that parts can be run there and what is missing can be told.
///
/// # Errors
/// As [`run`], where the call is not allowed in its folder.
pub fn prepare(
    loaded: &Loaded,
    name: &str,
    options: &Options,
    stop: &AtomicBool,
) -> Result<(), ExperimentError> {
    let runs = planned(loaded, options)?;
    let folder = Folder::of(&options.out, loaded, (name, &runs), &options.backend, options.threads)?;
    let all = [Asked { scenario: None, loaded, runs: &runs }];
    begin(&all, &store(options, &runs), options, stop, || folder.hold(false)).map(drop)
}

fn planned(loaded: &Loaded, options: &Options) -> Result<Vec<Planned>, ExperimentError> {
    let runs = plan(loaded, &options.backend)
        .map_err(|e| ExperimentError::Describe { file: PLAN, problem: e.to_string() })?;
    if let Some(ids) = &options.part.ids
        && let Some((line, id)) = ids.unknown(&runs)
    {
        return Err(ExperimentError::UnknownRun { file: ids.source.clone(), line, id: id.to_owned() });
    }
    Ok(runs)
}

fn store(options: &Options, runs: &[Planned]) -> Store {
    let store = Store::of([options.out.join(RECORDS).as_path()]).allowing_mixed(options.allow_mixed);
    store.for_records(runs.iter().map(Planned::records).sum())
}
