//! An experiment as one or several run folders hold it: planned anew from the config that lies there.

use super::error::ExperimentError;
use super::folder::Folder;
use super::plan::runs::{Planned, plan};
use super::store::Store;
use super::store::numerics::Tally;
use super::survey::{Standing, stand};
use crate::config::{self, Loaded};
use crate::policies::Backend;
use crate::record::folder::{CONFIG, Described, FolderError, MANIFEST, PLAN, RECORDS};
use crate::record::made::MissingRun;
use std::path::{Path, PathBuf};

/// An experiment as its folders hold it.
#[derive(Debug)]
pub struct Stored {
    /// Its config.
    pub loaded: Loaded,
    /// Its name.
    pub name: String,
    /// Its runs, in plan order.
    pub runs: Vec<Planned>,
    /// What it was computed by.
    pub backend: Backend,
    /// Worker threads of who described it.
    pub threads: usize,
    /// The records of all folders.
    pub store: Store,
}

/// What of the runs is there.
#[derive(Debug, Default)]
pub struct Count {
    /// Runs of which everything is there.
    pub finished: Vec<Planned>,
    /// The others.
    pub missing: Vec<MissingRun>,
    /// Files that do not verify.
    pub damaged: Vec<PathBuf>,
    /// What somebody must decide on: records of other runs or versions, and such as contradict each other.
    pub problems: Vec<String>,
    /// What made the records.
    pub made_with: Tally,
}

impl Stored {
    /// Opens the folders `dirs`.
    ///
    /// # Errors
    /// One that is no run folder; folders of different plans; a config that does not give its plan.
    pub fn open(dirs: &[PathBuf]) -> Result<Self, ExperimentError> {
        let opened = dirs.iter().map(|dir| Described::open(dir)).collect::<Result<Vec<_>, FolderError>>()?;
        let (Some(first), Some(dir)) = (opened.first(), dirs.first()) else {
            return Err(ExperimentError::NoFolder);
        };
        for (other, place) in opened.iter().zip(dirs) {
            let differs = if other.plan_text != first.plan_text {
                PLAN
            } else if other.config != first.config {
                CONFIG
            } else {
                continue;
            };
            let (first, other) = (dir.join(differs), place.join(differs));
            return Err(ExperimentError::OtherPlan { first, other });
        }
        let unlike = |problem: String| ExperimentError::NotItsPlan { dir: dir.clone(), problem };
        let manifest = first.manifest.as_ref().ok_or_else(|| unlike(format!("{MANIFEST} is missing")))?;
        let backend = Backend::named(&manifest.device, &manifest.kernels).ok_or_else(|| {
            let (device, kernels) = (&manifest.device, &manifest.kernels);
            unlike(format!("{MANIFEST} names {kernels} kernels on {device}, which this program has not"))
        })?;
        let loaded = config::load(&dir.join(CONFIG), &[])?;
        let runs = plan(&loaded, &backend)
            .map_err(|e| ExperimentError::Describe { file: PLAN, problem: e.to_string() })?;
        let name = first.plan.name.clone();
        let threads = manifest.threads;
        let own = Folder::of(dir, &loaded, (&name, &runs), &backend, threads)?;
        if !own.is_told_by(&first.plan_text) {
            let problem =
                format!("{CONFIG} gives another plan than {PLAN}, or a file that it names has changed");
            return Err(unlike(problem));
        }
        let records: Vec<PathBuf> = dirs.iter().map(|dir| dir.join(RECORDS)).collect();
        let store = Store::of(records.iter().map(PathBuf::as_path));
        Ok(Self { loaded, name, runs, backend, threads, store })
    }

    /// Looks at every record.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn count(&self) -> Result<Count, ExperimentError> {
        let mut count = Count::default();
        for planned in &self.runs {
            let reason = match stand(&self.loaded, planned, &self.store, &mut count.made_with) {
                Ok(standing) if standing.is_done() => {
                    count.finished.push(planned.clone());
                    continue;
                }
                Ok(standing) => {
                    let reason = why(&standing);
                    count.damaged.extend(standing.damaged);
                    reason
                }
                Err(problem) if problem.is_of_the_folder() => {
                    count.problems.push(problem.to_string());
                    problem.to_string()
                }
                Err(problem) => return Err(problem.into()),
            };
            count.missing.push(planned.missing(reason));
        }
        Ok(count)
    }
}

fn why(standing: &Standing) -> String {
    let Standing { missing, needed, damaged, .. } = standing;
    match damaged.as_slice() {
        [] if missing == needed => "nothing of it is there".to_owned(),
        [] => format!("{missing} of its {needed} records are missing"),
        [one] => format!("{} is damaged", file_name(one)),
        [one, ..] => format!("{} and {} more of its records are damaged", file_name(one), damaged.len() - 1),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
