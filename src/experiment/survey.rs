//! What of a plan is in the store: read before anything is made, so that a call that is refused changes nothing.

use super::error::ExperimentError;
use super::plan::runs::{Judgement, Planned, keeps_rollouts};
use super::store::numerics::{Tally, numerics};
use super::store::{Found, Store, StoreError};
use super::training::checkpoint::under_way;
use crate::config::Loaded;
use std::path::PathBuf;

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

/// Looks at every record of the runs.
///
/// # Errors
/// A record that cannot be read, that is another run's or an earlier version's, or that contradicts another.
pub fn survey<'a>(
    loaded: &Loaded,
    runs: &'a [Planned],
    store: &Store,
) -> Result<Survey<'a>, ExperimentError> {
    let mut survey = Survey::default();
    for planned in runs {
        let standing = stand(loaded, planned, store, &mut survey.made_with)?;
        if standing.is_done() {
            continue;
        }
        let kept = keeps_rollouts(&loaded.arms[planned.arm].document, planned.replicate);
        survey.again += usize::from(!kept && standing.judged > 0);
        survey.pending.push(planned);
    }
    Ok(survey)
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

/// Looks at the records of one run, and counts by what they were made.
///
/// # Errors
/// As [`survey`].
pub fn stand(
    loaded: &Loaded,
    planned: &Planned,
    store: &Store,
    tally: &mut Tally,
) -> Result<Standing, StoreError> {
    let mut standing = Standing::default();
    let mut look = |id: &str| -> Result<bool, StoreError> {
        standing.needed += 1;
        match store.look(id)? {
            Found::Whole(kept) => {
                tally.count(&kept.stamp.numerics);
                return Ok(true);
            }
            Found::Damaged => standing.damaged.push(store.path(id)),
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
    if keeps_rollouts(&loaded.arms[planned.arm].document, planned.replicate) {
        look(&planned.train_id)?;
    }
    // What an unfinished run would go on from must be its own too.
    if standing.missing > 0 {
        for id in planned.twins() {
            look_at(store, id, tally)?;
        }
        if loaded.arms[planned.arm].document.record.checkpoint.is_some() {
            for id in planned.trained() {
                look_at(store, &under_way(id), tally)?;
            }
        }
    }
    standing.judged = judged;
    Ok(standing)
}

fn look_at(store: &Store, id: &str, tally: &mut Tally) -> Result<(), StoreError> {
    if let Found::Whole(kept) = store.look(id)? {
        tally.count(&kept.stamp.numerics);
    }
    Ok(())
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
