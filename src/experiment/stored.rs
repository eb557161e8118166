//! An experiment as one or several run folders hold it: planned anew from the config that lies there.

use super::error::ExperimentError;
use super::folder::is_described_by;
use super::plan::runs::{Planned, plan};
use super::store::Store;
use super::store::numerics::Tally;
use super::survey::{Look, Standing, in_parts};
use crate::config::{self, Loaded};
use crate::policies::Backend;
use crate::record::folder::{CONFIG, Described, FolderError, MANIFEST, PLAN, Plan, RECORDS};
use crate::record::made::{Made, MissingRun};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Why a run is missing that was not begun.
const NOTHING: &str = "nothing of it is there";

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
    /// Of what the tables of the first folder are.
    pub tables: Tables,
    /// The records of all folders.
    pub store: Store,
}

/// Of what the tables in a run folder are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tables {
    /// There are none.
    Absent,
    /// Of another plan, or half written.
    OtherPlan,
    /// What says of what they are cannot be read.
    Unknown,
    /// Of some runs of the plan.
    Partial(Made),
    /// Of all.
    Whole(Made),
}

/// What of the runs is there.
#[derive(Debug, Default)]
pub struct Count<'a> {
    /// Runs of which everything is there.
    pub finished: Vec<&'a Planned>,
    /// The others.
    pub missing: Vec<MissingRun>,
    /// Files in which something does not verify.
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
        let mut opened =
            dirs.iter().map(|dir| Described::open(dir)).collect::<Result<Vec<_>, FolderError>>()?;
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
        // Plans may be large: of each, one text is kept until it is compared.
        let first = opened.swap_remove(0);
        drop(opened);
        let is_its_own = first.owns_its_tables();
        let Described { plan_text, plan: Plan { name, .. }, manifest, made, .. } = first;
        let tables = Tables::of(made, is_its_own)?;
        let unlike = |problem: String| ExperimentError::NotItsPlan { dir: dir.clone(), problem };
        let manifest = manifest?.ok_or_else(|| unlike(format!("{MANIFEST} is missing")))?;
        let backend = Backend::named(&manifest.device, &manifest.kernels).ok_or_else(|| {
            let (device, kernels) = (&manifest.device, &manifest.kernels);
            unlike(format!("{MANIFEST} names {kernels} kernels on {device}, which this program has not"))
        })?;
        let loaded = config::load(&dir.join(CONFIG), &[])?;
        let runs = plan(&loaded, &backend)
            .map_err(|e| ExperimentError::Describe { file: PLAN, problem: e.to_string() })?;
        if !is_described_by(&plan_text, &loaded, &name, &runs)? {
            let problem =
                format!("{CONFIG} gives another plan than {PLAN}, or a file that it names has changed");
            return Err(unlike(problem));
        }
        let threads = manifest.threads;
        let records: Vec<PathBuf> = dirs.iter().map(|dir| dir.join(RECORDS)).collect();
        let store = Store::of(records.iter().map(PathBuf::as_path));
        Ok(Self { loaded, name, runs, backend, threads, tables, store })
    }

    /// Looks at every record, on all workers. `stop` ends it.
    ///
    /// # Errors
    /// A file that cannot be read; asked to stop.
    pub fn count(&self, stop: &AtomicBool) -> Result<Count<'_>, ExperimentError> {
        let look = Look::at(&self.loaded, &self.store)?;
        let mut all = Count::default();
        for part in in_parts(&self.runs, stop, |chunk| Count::of(chunk, &look))? {
            all.finished.extend(part.finished);
            all.missing.extend(part.missing);
            all.damaged.extend(part.damaged);
            all.problems.extend(part.problems);
            all.made_with.add(part.made_with);
        }
        if !all.missing.is_empty() {
            all.damaged.extend(self.store.nameless());
        }
        // A segment may hold many records.
        let mut told = HashSet::new();
        all.damaged.retain(|path| told.insert(path.clone()));
        Ok(all)
    }
}

impl Tables {
    fn of(made: Result<Option<Made>, FolderError>, is_its_own: bool) -> Result<Self, FolderError> {
        Ok(match made {
            Ok(None) => Self::Absent,
            Ok(Some(_)) if !is_its_own => Self::OtherPlan,
            Ok(Some(made)) if !made.missing.is_empty() => Self::Partial(made),
            Ok(Some(made)) => Self::Whole(made),
            Err(problem) if problem.is_refusal() => Self::Unknown,
            Err(problem) => return Err(problem),
        })
    }

    /// What the mark says that lies beside the tables.
    pub fn made(&self) -> Option<&Made> {
        match self {
            Self::Partial(made) | Self::Whole(made) => Some(made),
            Self::Absent | Self::OtherPlan | Self::Unknown => None,
        }
    }
}

impl<'a> Count<'a> {
    /// The missing runs in the order in which they are listed: first those of which something is there, or is damaged.
    pub fn listed(&self) -> impl Iterator<Item = &MissingRun> {
        let is_begun = |run: &&MissingRun| run.reason != NOTHING;
        let absent = self.missing.iter().filter(move |run| !is_begun(run));
        self.missing.iter().filter(is_begun).chain(absent)
    }

    fn of(runs: &'a [Planned], look: &Look<'_>) -> Result<Self, ExperimentError> {
        let mut count = Self::default();
        let near = look.near(runs);
        for planned in runs {
            let reason = match look.stand(planned, &near, &mut count.made_with) {
                Ok(standing) if standing.is_done() => {
                    count.finished.push(planned);
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
        [] if missing == needed => NOTHING.to_owned(),
        [] => format!("{missing} of its {needed} records are missing"),
        [one] => format!("{} is damaged", file_name(one)),
        [one, ..] => format!("{} and {} more of its records are damaged", file_name(one), damaged.len() - 1),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
