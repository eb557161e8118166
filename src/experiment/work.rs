//! Carries out a plan: units in parallel, finished runs skipped.

use super::error::ExperimentError;
use super::judging::error::JudgeError;
use super::judging::subject::Subject;
use super::plan::cost;
use super::plan::part::Part;
use super::plan::runs::{Judgement, Planned, keeps_rollouts};
use super::store::numerics::Tally;
use super::store::{Behind, Near, Record, Store, StoreError, behind, policy};
use super::survey::{Look, Survey, finished, survey, unjudged};
use super::training::checkpoint::Checkpoints;
use super::training::error::TrainError;
use super::training::setting::{Audited, Setting};
use super::training::train::train;
use super::training::trained::Trained;
use crate::config::{Document, Loaded};
use crate::foundation::rng::SeedTree;
use crate::policies::Backend;
use crate::record::made::MissingRun;
use crate::reward::{RewardModel, Twin};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where and how to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Run folder.
    pub out: PathBuf,
    /// Worker threads; results do not depend on it.
    pub threads: usize,
    /// Stop at the first run that fails.
    pub fail_fast: bool,
    /// Where networks live, and whose kernels compute them.
    pub backend: Backend,
    /// Which runs of the plan are asked for.
    pub part: Part,
    /// Let records that another binary or another kind of processor made stand beside new ones.
    pub allow_mixed: bool,
}

/// Hears of finished runs; called from worker threads.
pub trait Progress: Sync {
    /// How many runs there are in all, and how many were there already.
    fn start(&self, runs: usize, done: usize);
    /// What is to be made takes so much work in all.
    fn weigh(&self, _work: u64) {}
    /// One more run is finished, which took so much of it.
    fn advance(&self, work: u64);
    /// Work was done that was announced as so much of the total.
    fn spent(&self, _amount: usize) {}
    /// So many runs were judged before, and are trained again for what is new: their rollouts were not kept.
    fn trains_again(&self, _runs: usize) {}
}

/// Makes the judgements that are asked for of a run, in their order.
pub type Judges<'a> = dyn Fn(&Subject<'_>, &[Judgement]) -> Result<Vec<Record>, JudgeError> + Sync + 'a;

/// Who looks at a run that is trained, who hears of it, and who may end it all.
pub struct Hooks<'a> {
    /// Makes the judgements that are asked for, in their order.
    pub judge: &'a Judges<'a>,
    /// Hears of finished runs.
    pub progress: &'a dyn Progress,
    /// Ends it early, runs intact.
    pub stop: &'a AtomicBool,
}

/// Trains and judges what a survey of the store found missing; gives how many runs were there already.
pub fn carry_out(
    loaded: &Loaded,
    runs: &[Planned],
    found: Survey<'_>,
    store: &Store,
    options: &Options,
    hooks: &Hooks<'_>,
) -> Result<usize, ExperimentError> {
    let Survey { pending, again, .. } = found;
    let reused = runs.len() - pending.len();
    hooks.progress.start(runs.len(), reused);
    if again > 0 {
        hooks.progress.trains_again(again);
    }
    let unstarted = |problem: String| ExperimentError::Threads { threads: options.threads, problem };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|e| unstarted(e.to_string()))?;
    let weights = weights(loaded, &pending);
    let weight = |run: &&Planned| weights.get(run.arm).copied().unwrap_or(1);
    hooks.progress.weigh(pending.iter().map(weight).fold(0, u64::saturating_add));
    let work = |behind: &Behind<'_>| -> Vec<MissingRun> {
        let worker = Worker { loaded, options, store, behind, hooks, weights: &weights };
        pool.install(|| units(&pending).par_iter().flat_map_iter(|unit| worker.unit(unit)).collect())
    };
    let (mut failed, unwritten) = behind(store, work).map_err(|e| unstarted(e.to_string()))?;
    let (conflicts, unwritten): (Vec<StoreError>, Vec<StoreError>) =
        unwritten.into_iter().partition(StoreError::is_of_the_folder);
    if let Some(problem) = conflicts.into_iter().next() {
        return Err(problem.into());
    }
    if let Some(problem) = unwritten.first() {
        let known: HashSet<(usize, u64)> = failed.iter().map(|run| (run.arm, run.replicate)).collect();
        // Whose records could not be written is seen by what is not there; where all was stopped, one stands for them.
        let most = if hooks.stop.load(Ordering::Relaxed) { 1 } else { usize::MAX };
        let unknown = pending.iter().filter(|run| !known.contains(&(run.arm, run.replicate)));
        let look = Look::at(loaded, store)?;
        let is_lost = |run: &&&Planned| {
            let standing = look.stand(run, &Near::default(), &mut Tally::default());
            !standing.is_ok_and(|standing| standing.is_done())
        };
        failed.extend(unknown.filter(is_lost).take(most).map(|run| run.missing(problem.to_string())));
    }
    failed.sort_by_key(|run| (run.arm, run.replicate));
    if let Some(first) = failed.first() {
        let (first, total) = (first.reason.clone(), runs.len());
        return Err(ExperimentError::Failed { out: options.out.clone(), failed, total, first });
    }
    if hooks.stop.load(Ordering::Relaxed) {
        let done = reused + finished(loaded, &pending, store)?;
        if done < runs.len() {
            return Err(ExperimentError::Stopped { out: options.out.clone(), done, total: runs.len() });
        }
    }
    // What other processes have made meanwhile is held beside it when it is read.
    store.names()?;
    Ok(reused)
}

/// The same of what is missing at this moment, which an earlier part of the same call may have left.
///
/// # Errors
/// As [`survey`] and [`carry_out`]; something else made what is there.
pub fn carry_out_anew(
    loaded: &Loaded,
    runs: &[Planned],
    store: &Store,
    options: &Options,
    hooks: &Hooks<'_>,
) -> Result<usize, ExperimentError> {
    // A request to stop is heard by what follows, which tells how far it came.
    let found = survey(loaded, runs, store, &AtomicBool::new(false))?.unmixed(options.allow_mixed)?;
    carry_out(loaded, runs, found, store, options, hooks)
}

/// Arms beyond which none is weighed: weighing one may draw its environment.
const MOST_WEIGHED: usize = 1000;

/// Milliseconds that a run of each arm takes; nothing where there are too many arms.
fn weights(loaded: &Loaded, pending: &[&Planned]) -> Vec<u64> {
    if pending.is_empty() || loaded.arms.len() > MOST_WEIGHED {
        return Vec::new();
    }
    loaded.arms.par_iter().map(|arm| (cost::seconds(&arm.document) * 1e3).ceil().max(1.0) as u64).collect()
}

/// Runs that share a clean twin form a unit, so that the twin is trained once. Order: first appearance in the plan.
fn units<'a>(runs: &[&'a Planned]) -> Vec<Vec<&'a Planned>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut units: Vec<Vec<&'a Planned>> = Vec::new();
    for &planned in runs {
        let place = *places.entry(&planned.clean_id).or_insert_with(|| {
            units.push(Vec::new());
            units.len() - 1
        });
        units[place].push(planned);
    }
    units
}

/// What every worker thread shares.
pub(super) struct Worker<'a> {
    loaded: &'a Loaded,
    options: &'a Options,
    pub(super) store: &'a Store,
    behind: &'a Behind<'a>,
    hooks: &'a Hooks<'a>,
    weights: &'a [u64],
}

impl Worker<'_> {
    /// Runs one unit; a failure ends that run, not the unit. Gives those that failed.
    fn unit(&self, unit: &[&Planned]) -> Vec<MissingRun> {
        let mut clean: Option<Trained> = None;
        let mut failed = Vec::new();
        for planned in unit {
            if self.hooks.stop.load(Ordering::Relaxed) || self.behind.is_gone() {
                break;
            }
            let outcome = self.one(planned, &mut clean);
            if matches!(outcome, Err(ExperimentError::Train { source: TrainError::Stopped { .. }, .. })) {
                // Kept as far as it came: neither finished nor failed.
                break;
            }
            if self.options.fail_fast && (outcome.is_err() || self.behind.failed()) {
                self.hooks.stop.store(true, Ordering::Relaxed);
            }
            self.hooks.progress.advance(self.weights.get(planned.arm).copied().unwrap_or(1));
            failed.extend(outcome.err().map(|error| planned.missing(error.to_string())));
        }
        failed
    }

    fn one(&self, planned: &Planned, clean: &mut Option<Trained>) -> Result<(), ExperimentError> {
        let (arm, replicate) = (planned.arm, planned.replicate);
        let document = &self.loaded.arms[arm].document;
        // Arms of one unit may share judgements: what an earlier one left is not made again.
        // Asked first: what is being written now is in the store afterwards.
        let held: Vec<&str> =
            planned.judgements().map(|(_, id)| id).filter(|id| self.behind.holds(id)).collect();
        let missing = unjudged(self.store, planned)?.into_iter().filter(|(_, id)| !held.contains(id));
        let (asked, ids): (Vec<_>, Vec<_>) = missing.unzip();
        let kept = !keeps_rollouts(document, replicate) || self.store.read(&planned.train_id)?.is_some();
        let model = self.model(document, planned, Twin::Itself)?;
        if asked.is_empty() && kept {
            return self.deploy(document, planned, &model);
        }
        let trained = self.obtain(document, planned, Twin::Itself, &planned.train_id, &model)?;
        if asked.is_empty() {
            return self.deploy(document, planned, &model);
        }
        let twin = match clean.take() {
            Some(twin) => twin,
            None => self.twin(document, planned, Twin::Clean, &planned.clean_id)?,
        };
        let swapped = match &planned.swap_id {
            Some(id) => Some(self.twin(document, planned, Twin::Swapped, id)?),
            None => None,
        };
        let seeds = SeedTree::new(document.seed, replicate);
        let subject = Subject {
            document,
            model: &model,
            backend: &self.options.backend,
            seeds,
            arm,
            replicate,
            trained: &trained,
            clean: &twin,
            swapped: swapped.as_ref(),
            curves: replicate == 0,
        };
        let judged = (self.hooks.judge)(&subject, &asked).map_err(|source| ExperimentError::Judge {
            arm,
            replicate,
            source,
        })?;
        self.behind.write(ids.into_iter().map(str::to_owned).zip(judged).collect());
        *clean = Some(twin);
        self.deploy(document, planned, &model)
    }

    fn twin(
        &self,
        document: &Document,
        planned: &Planned,
        twin: Twin,
        id: &str,
    ) -> Result<Trained, ExperimentError> {
        let model = self.model(document, planned, twin)?;
        self.obtain(document, planned, twin, id, &model)
    }

    pub(super) fn model(
        &self,
        document: &Document,
        planned: &Planned,
        twin: Twin,
    ) -> Result<RewardModel, ExperimentError> {
        let seeds = SeedTree::new(document.seed, planned.replicate);
        RewardModel::build(document.environment.part(), &document.reward, &seeds, twin).map_err(|source| {
            ExperimentError::Reward { arm: planned.arm, replicate: planned.replicate, source }
        })
    }

    /// A training run from its record, or trained now.
    fn obtain(
        &self,
        document: &Document,
        planned: &Planned,
        twin: Twin,
        id: &str,
        model: &RewardModel,
    ) -> Result<Trained, ExperimentError> {
        if let Some(record) = self.store.read(id)? {
            self.checkpoints(document, id).clear()?;
            return Ok(Trained::from_record(&record, &self.store.path(id))?);
        }
        self.train(document, planned, twin, id, model)
    }

    fn checkpoints(&self, document: &Document, id: &str) -> Checkpoints<'_> {
        Checkpoints::new(self.store, id, document.record.checkpoint, self.hooks.stop)
    }

    /// Trains a run and records what is kept of it.
    pub(super) fn train(
        &self,
        document: &Document,
        planned: &Planned,
        twin: Twin,
        id: &str,
        model: &RewardModel,
    ) -> Result<Trained, ExperimentError> {
        let checkpoints = self.checkpoints(document, id);
        let seeds = SeedTree::new(document.seed, planned.replicate);
        let setting = Setting {
            model,
            policy: &document.policy,
            trainer: &document.trainer,
            deployment: document.deployment.as_ref(),
            seeds,
            backend: &self.options.backend,
            activations: document.record.activations,
            audit: Audited::of(document).filter(|_| twin == Twin::Itself),
        };
        let (arm, replicate) = (planned.arm, planned.replicate);
        let trained = train(setting, Some(&checkpoints)).map_err(|source| ExperimentError::Train {
            arm,
            replicate,
            source,
        })?;
        if keeps_rollouts(document, replicate) {
            let record = trained.to_record()?;
            self.store.write(id, &record)?;
        }
        if let Some(own) = &trained.policy {
            let record = policy::to_record(own).map_err(csv::Error::from)?;
            let [itself, clean] = &planned.policy_ids;
            match twin {
                Twin::Itself => self.store.write(itself, &record)?,
                Twin::Clean => self.store.write(clean, &record)?,
                Twin::Swapped | Twin::Placebo => {}
            }
        }
        checkpoints.clear()?;
        Ok(trained)
    }
}
