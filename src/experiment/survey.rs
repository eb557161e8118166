//! What of a plan is in the store: read before anything is made, so that a call that is refused changes nothing.

use super::error::ExperimentError;
use super::plan::id::Id;
use super::plan::runs::{Judgement, Planned, keeps_rollouts};
use super::store::numerics::{Tally, numerics};
use super::store::{Found, Near, Store, StoreError};
use super::training::checkpoint::under_way;
use crate::config::Loaded;
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs that are looked at by one worker in a row.
const TOGETHER: usize = 1024;

/// What of a plan is there, and what is to be made.
#[derive(Debug, Default)]
pub struct Survey<'a> {
    /// Runs of which something is missing, in plan order.
    pub pending: Vec<&'a Planned>,
    /// Those among them that are trained again for what is new, because their rollouts were not kept.
    pub again: usize,
    /// What made the records that are there.
    pub made_with: Tally,
}

/// What of one run is there.
#[derive(Debug, Default)]
pub struct Standing {
    /// Judgements and monitors that are there.
    judged: usize,
    /// Records that are needed and are not there, or do not verify.
    pub missing: usize,
    /// Records that are needed.
    pub needed: usize,
    /// Files that do not verify.
    pub damaged: Vec<PathBuf>,
}

impl Standing {
    /// Whether the run is finished.
    pub fn is_done(&self) -> bool {
        self.missing == 0
    }
}

/// Looks at every record of the runs, on all workers. `stop` ends it.
///
/// # Errors
/// A record that cannot be read, that is another run's or an earlier version's, or that contradicts another; asked to stop.
pub fn survey<'a>(
    loaded: &Loaded,
    runs: &'a [Planned],
    store: &Store,
    stop: &AtomicBool,
) -> Result<Survey<'a>, ExperimentError> {
    let look = Look::at(loaded, store)?;
    let some = |chunk: &'a [Planned]| {
        let mut survey = Survey::default();
        let near = look.near(chunk);
        for planned in chunk {
            let standing = look.stand(planned, &near, &mut survey.made_with)?;
            if standing.is_done() {
                continue;
            }
            let kept = keeps_rollouts(&loaded.arms[planned.arm].document, planned.replicate);
            survey.again += usize::from(!kept && standing.judged > 0);
            survey.pending.push(planned);
        }
        Ok(survey)
    };
    let mut survey = Survey::default();
    for part in in_parts(runs, stop, some)? {
        survey.pending.extend(part.pending);
        survey.again += part.again;
        survey.made_with.add(part.made_with);
    }
    Ok(survey)
}

/// What `some` makes of the runs, a number of them at a time, in plan order.
pub(super) fn in_parts<'a, T: Send>(
    runs: &'a [Planned],
    stop: &AtomicBool,
    some: impl Fn(&'a [Planned]) -> Result<T, ExperimentError> + Sync,
) -> Result<Vec<T>, ExperimentError> {
    let unless_stopped = |chunk| match stop.load(Ordering::Relaxed) {
        true => Err(ExperimentError::StoppedEarly),
        false => some(chunk),
    };
    // The first problem in plan order is told, whichever worker met another before.
    let parts: Vec<Result<T, ExperimentError>> = runs.par_chunks(TOGETHER).map(unless_stopped).collect();
    parts.into_iter().collect()
}

impl Survey<'_> {
    /// Whether what is to be made may stand beside what is there.
    ///
    /// # Errors
    /// Something else made what is there.
    pub fn unmixed(self, allow_mixed: bool) -> Result<Self, ExperimentError> {
        match self.made_with.others(numerics()) {
            Some((records, others)) if !allow_mixed && !self.pending.is_empty() => {
                Err(ExperimentError::Mixed {
                    records,
                    found: others.to_string(),
                    own: numerics().to_string(),
                })
            }
            _ => Ok(self),
        }
    }
}

/// A look at the records of a store, of which it is known which have a file.
pub(super) struct Look<'a> {
    loaded: &'a Loaded,
    store: &'a Store,
    names: HashSet<Box<str>>,
}

impl<'a> Look<'a> {
    /// Reads which records have a file.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn at(loaded: &'a Loaded, store: &'a Store) -> Result<Self, StoreError> {
        Ok(Self { loaded, store, names: store.names()? })
    }

    fn look(&self, id: &str) -> Result<Found, StoreError> {
        match self.names.contains(id) {
            true => self.store.look(id),
            false => self.store.look_in_segments(id),
        }
    }

    /// Reads together the records of runs that are looked at after it.
    pub fn near<'b>(&self, runs: impl IntoIterator<Item = &'b Planned>) -> Near {
        let of_a_run = |planned: &'b Planned| {
            let kept = keeps_rollouts(&self.loaded.arms[planned.arm].document, planned.replicate);
            let judged = planned.judgements().map(|(_, id)| id);
            let further = planned.deploy_ids.iter().chain(kept.then_some(&planned.train_id));
            judged.chain(further.map(Id::as_str))
        };
        self.store.near(runs.into_iter().flat_map(of_a_run).filter(|id| !self.names.contains(*id)))
    }

    /// Looks at the records of one run, and counts by what they were made. What `near` tells of is not read again.
    ///
    /// # Errors
    /// As [`survey`].
    pub fn stand(&self, planned: &Planned, near: &Near, tally: &mut Tally) -> Result<Standing, StoreError> {
        let mut standing = Standing::default();
        let mut look = |id: &str| -> Result<bool, StoreError> {
            standing.needed += 1;
            if let Some(numerics) = near.made(id) {
                tally.count(numerics);
                return Ok(true);
            }
            match self.look(id)? {
                Found::Whole(kept) => {
                    tally.count(&kept.stamp.numerics);
                    return Ok(true);
                }
                Found::Damaged => standing.damaged.push(self.store.path(id)),
                Found::Absent => {}
            }
            standing.missing += 1;
            Ok(false)
        };
        let mut judged = 0;
        for (_, id) in planned.judgements() {
            judged += usize::from(look(id)?);
        }
        for id in &planned.deploy_ids {
            look(id)?;
        }
        let document = &self.loaded.arms[planned.arm].document;
        if keeps_rollouts(document, planned.replicate) {
            look(&planned.train_id)?;
        }
        // What an unfinished run would go on from must be its own too.
        if standing.missing > 0 {
            for id in planned.twins() {
                self.look_at(id, tally)?;
            }
            if document.record.checkpoint.is_some() {
                for id in planned.trained() {
                    self.look_at(&under_way(id), tally)?;
                }
            }
        }
        standing.judged = judged;
        Ok(standing)
    }

    fn look_at(&self, id: &str, tally: &mut Tally) -> Result<(), StoreError> {
        if let Found::Whole(kept) = self.look(id)? {
            tally.count(&kept.stamp.numerics);
        }
        Ok(())
    }
}

/// How many of the runs are finished.
///
/// # Errors
/// As [`survey`].
pub fn finished(loaded: &Loaded, runs: &[&Planned], store: &Store) -> Result<usize, StoreError> {
    let look = Look::at(loaded, store)?;
    let of = |chunk: &[&Planned]| {
        let near = look.near(chunk.iter().copied());
        chunk.iter().try_fold(0, |done, planned| {
            let standing = look.stand(planned, &near, &mut Tally::default())?;
            Ok(done + usize::from(standing.is_done()))
        })
    };
    runs.par_chunks(TOGETHER).map(of).sum()
}

/// Judgements of a run that are not there, or do not verify.
pub fn unjudged<'a>(store: &Store, planned: &'a Planned) -> Result<Vec<(Judgement, &'a str)>, StoreError> {
    let mut missing = Vec::new();
    for (judgement, id) in planned.judgements() {
        if store.read(id)?.is_none() {
            missing.push((judgement, id));
        }
    }
    Ok(missing)
}

/// Monitors of a deployed policy of which nothing is there, or what is there does not verify: each by its place in the config.
pub fn unwatched<'a>(store: &Store, planned: &'a Planned) -> Result<Vec<(usize, &'a str)>, StoreError> {
    let mut unwatched = Vec::new();
    for (place, id) in planned.deploy_ids.iter().enumerate() {
        if store.read(id)?.is_none() {
            unwatched.push((place, id.as_str()));
        }
    }
    Ok(unwatched)
}
