//! The audit inside training: each step is scored and audited, and what was confirmed changes the update.

use super::error::TrainError;
use super::setting::{Audited, Setting};
use super::trained::Trained;
use crate::audit::response::{Finding, Findings, Shown, Treatment, hidden_columns};
use crate::audit::{self, Revealed, Trail};
use crate::detectors::Fit;
use crate::experiment::auditing::{Calibration, Desk, class_of_hack, truth_scores};
use crate::foundation::failure::Status;
use crate::record::{Observed, Scores, Truth};
use crate::rollout::Batch;
use std::sync::Arc;

/// An audit under way, with what it found.
pub struct Responder<'a> {
    audited: Audited<'a>,
    /// The first detector; `None` where the auditor is handed the truth.
    fit: Option<Fit>,
    desk: Desk,
    calibration: Arc<Calibration>,
    reference_max: f64,
    /// Confirmed hacks, with the step from which on they count.
    pending: Vec<(u64, Finding)>,
    due: Vec<Finding>,
    /// Looks at the run that have been entered into `pending`; `None` before those at the reference are.
    entered: Option<usize>,
}

impl<'a> Responder<'a> {
    /// Opens the audit of a run, on rollouts of the reference.
    ///
    /// # Errors
    /// Why the reference cannot carry the detector or the auditor.
    pub fn open(
        setting: &Setting<'_>,
        audited: Audited<'a>,
        calibration: Arc<Calibration>,
    ) -> Result<Self, TrainError> {
        let fault = |status: Status| TrainError::Audit { name: audited.name(), status: status.to_string() };
        let mut fit = match audited.detector() {
            Some(spec) => Some(Fit::new(spec, &calibration.observed, &setting.seeds).map_err(fault)?),
            None => None,
        };
        let scores = match &mut fit {
            // A column that only training makes, such as the advantage: the audit begins without a reference.
            Some(fit) => fit.score(&calibration.observed).unwrap_or_else(|_| Scores::empty()),
            None => truth_scores(&calibration.truth.hack),
        };
        if let Some(fit) = &mut fit {
            fit.restart();
        }
        let planned = setting.planned();
        let desk = Desk::open(audited.section, &calibration, scores.values(), planned, &setting.seeds);
        let proxies = calibration.observed.proxy.iter().copied();
        Ok(Self {
            audited,
            fit,
            desk: desk.map_err(fault)?,
            reference_max: proxies.fold(f64::NEG_INFINITY, f64::max),
            calibration,
            pending: Vec::new(),
            due: Vec::new(),
            entered: None,
        })
    }

    /// Goes through the steps that a run has taken already, as they were audited then.
    ///
    /// # Errors
    /// As [`Responder::step`].
    pub fn catch_up(&mut self, so_far: &Trained) -> Result<(), TrainError> {
        let steps = &so_far.observed.step;
        let mut first = 0;
        for step in steps.chunk_by(|a, b| a == b) {
            let rows: Vec<usize> = (first..first + step.len()).collect();
            let batch = Batch {
                observed: so_far.observed.select(&rows),
                truth: so_far.truth.select(&rows),
                cells: Vec::new(),
            };
            let past = Past { observed: &so_far.observed, truth: &so_far.truth, rows: first };
            self.step(steps[first], &batch, past)?;
            first += step.len();
        }
        Ok(())
    }

    /// Audits the batch of a step and says what changes in its update.
    ///
    /// # Errors
    /// Why the detector cannot score the rollouts.
    pub fn step(&mut self, step: u64, batch: &Batch, past: Past<'_>) -> Result<Treatment, TrainError> {
        let scores = self.scores(batch)?;
        let first = past.rows;
        let before = self.due.len();
        self.settle(step);
        // What the response keeps out already need not be read.
        let known = self.treat(batch, 0);
        let handled: Option<Vec<bool>> =
            known.keep.as_ref().map(|keep| keep.iter().map(|keep| !keep).collect());
        let view = audit::Batch {
            step,
            first,
            outcomes: &batch.observed.outcome,
            scores: scores.values(),
            p_values: scores.p_values(),
            handled: handled.as_deref(),
        };
        let hack = |row: usize| match row.checked_sub(first) {
            Some(own) => class_of_hack(&batch.truth, own),
            None => class_of_hack(past.truth, row),
        };
        self.desk.step(&view, &hack);
        self.enter(step, batch, past);
        self.settle(step);
        match self.due.len() - before {
            0 => Ok(known),
            new => Ok(self.treat(batch, new)),
        }
    }

    /// What was read, counted by the truth of the run's rollouts, and how many of the looks met an honest rollout.
    pub fn finish(self, hack: &[bool]) -> (Trail, u64) {
        let Self { desk, calibration, .. } = self;
        let trail = desk.finish(hack);
        let benign = trail.benign_looks(hack, &calibration.truth.hack);
        (trail, benign)
    }

    /// Findings whose delay is over by this step are due.
    fn settle(&mut self, step: u64) {
        let (due, pending): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending).into_iter().partition(|(at, _)| *at <= step);
        self.pending = pending;
        self.due.extend(due.into_iter().map(|(_, finding)| finding));
    }

    /// What the findings that are due, so many of them new, change in a batch.
    fn treat(&self, batch: &Batch, new: usize) -> Treatment {
        if self.due.is_empty() {
            return Treatment::default();
        }
        let response = self.audited.section.response.part();
        let shown = Shown {
            observed: &batch.observed,
            reference_max: self.reference_max,
            classes: response.is_bound().then_some(&batch.truth.class),
        };
        response.treat(&shown, &Findings { all: &self.due, new })
    }

    fn scores(&mut self, batch: &Batch) -> Result<Scores, TrainError> {
        match &mut self.fit {
            Some(fit) => fit.score_next(&batch.observed).map_err(|status| TrainError::Audit {
                name: self.audited.name(),
                status: status.to_string(),
            }),
            None => Ok(truth_scores(&batch.truth.hack)),
        }
    }

    /// Takes the new confirmations over, each with the step from which on it counts. Nothing but what was read is looked up.
    fn enter(&mut self, step: u64, batch: &Batch, past: Past<'_>) {
        let delay = self.audited.section.response.part().delay();
        let is_bound = self.audited.section.response.part().is_bound();
        let first = past.rows;
        let finding = |observed: &Observed, truth: &Truth, row: usize, first_sampled| Finding {
            outcome: observed.outcome[row],
            first_sampled,
            revealed: Revealed { hack: true, utility: truth.utility[row], error: truth.error[row] },
            features: hidden_columns(observed).map(|column| column[row]).collect(),
            class: is_bound.then(|| truth.class[row]),
        };
        if self.entered.is_none() {
            for (row, confirmed) in &self.desk.trail.reference {
                if *confirmed {
                    let Calibration { observed, truth } = &*self.calibration;
                    self.pending.push((step, finding(observed, truth, *row, None)));
                }
            }
        }
        let picks = &self.desk.trail.picks[self.entered.unwrap_or(0)..];
        for pick in picks.iter().filter(|pick| pick.confirmed) {
            let (observed, truth, row) = match pick.row.checked_sub(first) {
                Some(row) => (&batch.observed, &batch.truth, row),
                None => (past.observed, past.truth, pick.row),
            };
            let outcome = observed.outcome[row];
            let earlier = past.observed.outcome[..first].iter().position(|own| *own == outcome);
            let sampled = earlier.map_or(step, |row| past.observed.step[row]);
            self.pending.push((step.saturating_add(delay), finding(observed, truth, row, Some(sampled))));
        }
        self.entered = Some(self.desk.trail.picks.len());
    }
}

/// The rollouts of a run before a step: the first `rows`.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// What anyone may see.
    pub observed: &'a Observed,
    /// What a look reveals.
    pub truth: &'a Truth,
    /// How many.
    pub rows: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::ResponseSpec;
    use crate::config::from_bytes;
    use crate::experiment::training::arena;
    use crate::experiment::training::train::train;
    use crate::foundation::rng::SeedTree;
    use crate::policies::Backend;
    use crate::reward::{RewardModel, Twin};

    const WORLD: &str = "question = '?'\nseed = 5\n[environment.tokens]\nvocabulary = 6\nlength = 3\n\
        [policy.gru]\nhidden = 4\n[trainer.reinforce]\nbatch = 32\nsteps = 30\n\
        optimizer = { adam = { learning_rate = 0.05 } }\n[record]\nactivations = true\n\
        [calibration]\nrollouts = 500\nvetted = true\n[[reward.triggers]]\npattern = { tokens = 2 }\nproxy = 9\n\
        [[detectors]]\ntop_reward = {}\n";

    /// What a response asks for at each step of a run with this truth, and what was read.
    fn course(setting: &Setting<'_>, run: &Trained, truth: &Truth) -> (Vec<Treatment>, Trail) {
        let calibration = Arc::new(arena::calibration(*setting, 500, true));
        let mut responder = Responder::open(setting, setting.audit.unwrap(), calibration).unwrap();
        let (mut treatments, mut first) = (Vec::new(), 0);
        for step in run.observed.step.chunk_by(|a, b| a == b) {
            let rows: Vec<usize> = (first..first + step.len()).collect();
            let batch =
                Batch { observed: run.observed.select(&rows), truth: truth.select(&rows), cells: Vec::new() };
            let past = Past { observed: &run.observed, truth, rows: first };
            treatments.push(responder.step(step[0], &batch, past).unwrap());
            first += step.len();
        }
        (treatments, responder.desk.trail)
    }

    /// The truth of every rollout that nobody paid for is exchanged for a lie, and nothing changes.
    #[test]
    fn what_was_not_read_is_not_known() {
        let responses = [
            "remove = {}",
            "relabel = { delay = 1 }",
            "clip = {}",
            "neighbourhood = { radius = 0.2 }",
            "stop = { delay = 2 }",
            "roll_back = { every = 2 }",
        ];
        for name in ResponseSpec::PARTS.iter().map(|part| part.name) {
            // Who knows the class of what nobody read is a bound, and none does nothing.
            let tried = responses.iter().any(|own| own.starts_with(&format!("{name} ")));
            assert!(tried || ["none", "class"].contains(&name), "{name} is not tried");
        }
        for response in responses {
            let text = format!(
                "{WORLD}[audit]\nauditor = {{ records = {{ benign_looks = 10 }} }}\nresponse = {{ {response} }}\n"
            );
            let loaded = from_bytes("own.toml", text.as_bytes(), &[]).unwrap();
            let document = &loaded.document;
            let seeds = SeedTree::new(document.seed, 0);
            let model =
                RewardModel::build(document.environment.part(), &document.reward, &seeds, Twin::Itself)
                    .unwrap();
            let setting = Setting {
                model: &model,
                policy: &document.policy,
                trainer: &document.trainer,
                deployment: None,
                seeds,
                backend: &Backend::default(),
                activations: true,
                audit: Audited::of(document),
            };
            let run = train(setting, None).unwrap();
            let (asked, trail) = course(&setting, &run, &run.truth);
            let mut lie = run.truth.clone();
            for row in (0..lie.len()).filter(|row| trail.picks.iter().all(|pick| pick.row != *row)) {
                (lie.utility[row], lie.error[row]) = (1e6 + row as f64, -1e6);
                (lie.class[row], lie.hack[row]) = (lie.class[row] + 5, !lie.hack[row]);
            }
            assert!(asked.iter().any(|treatment| *treatment != Treatment::default()), "{response}: idle");
            assert_eq!(course(&setting, &run, &lie), (asked, trail), "{response}");
        }
    }
}
