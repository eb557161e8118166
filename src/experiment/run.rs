//! Runs an experiment: what is not there yet, then the tables.

use super::error::ExperimentError;
use super::judging::judge;
use super::plan::manifest::manifest;
use super::plan::runs::{Planned, describe, plan};
use super::store::{Store, write_atomic};
use super::summary::merge;
use super::work::{Hooks, Options, Progress, carry_out};
use crate::config::{Loaded, resolved};
use crate::record::folder::{CONFIG, MANIFEST, PLAN};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// What a finished experiment comes to.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Run folder, with all tables in it.
    pub out: PathBuf,
    /// Runs in the plan.
    pub runs: usize,
    /// Runs that were there already.
    pub reused: usize,
}

/// Runs every arm × replicate that is not there yet, then writes the tables. `stop` ends it early, runs intact.
pub fn run(
    loaded: &Loaded,
    name: &str,
    options: &Options,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Finished, ExperimentError> {
    let runs = plan(loaded, &options.backend)
        .map_err(|e| ExperimentError::Describe { file: PLAN, problem: e.to_string() })?;
    let store = Store::open(&options.out.join("records"))?;
    describe_folder(loaded, name, &runs, options)?;
    let hooks = Hooks { judge: &judge::judge, progress, stop };
    let reused = carry_out(loaded, &runs, &store, options, &hooks)?;
    merge::merge(loaded, &runs, &store, &options.out)?;
    Ok(Finished { out: options.out.clone(), runs: runs.len(), reused })
}

fn describe_folder(
    loaded: &Loaded,
    name: &str,
    runs: &[Planned],
    options: &Options,
) -> Result<(), ExperimentError> {
    let json = |file: &'static str, text: Result<String, serde_json::Error>| {
        text.map_err(|e| ExperimentError::Describe { file, problem: e.to_string() })
    };
    let described = json(PLAN, serde_json::to_string_pretty(&describe(loaded, name, runs)))?;
    write_atomic(&options.out.join(PLAN), described.as_bytes())?;
    let made_with = manifest(loaded.document.seed, &options.backend, options.threads);
    let made_with = json(MANIFEST, serde_json::to_string_pretty(&made_with))?;
    write_atomic(&options.out.join(MANIFEST), made_with.as_bytes())?;
    let config = resolved(&loaded.document)
        .map_err(|e| ExperimentError::Describe { file: CONFIG, problem: e.to_string() })?;
    Ok(write_atomic(&options.out.join(CONFIG), config.as_bytes())?)
}
