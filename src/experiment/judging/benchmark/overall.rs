//! One bar over all scenarios and programmes, by what each costs.

use super::endings::Role;
use super::scenario::Scenario;
use crate::config::{Arm, Document};
use crate::experiment::plan::cost::{judging, training};
use crate::experiment::plan::runs::{Judgement, Planned};
use crate::experiment::store::Store;
use crate::experiment::work::Progress;

/// Passes over a run's rollouts that a detector's place in the benchmark takes: its scores of the run, of the calibration
/// rollouts and of the twins, their rankings and the audits.
const PASSES: f64 = 6.0;
/// Part of a training that a programme takes: those that ask for the same updates are trained together. Derived from what a run of the verdict's
/// map cost with its ten programmes, 1.1 CPU seconds trained apart and .6 together: 3.6 trainings instead of 10.
const SHARED: f64 = 0.4;

/// Hears of what was done, and tells it in milliseconds of the plan.
pub(in crate::experiment::judging) struct Overall<'a>(&'a dyn Progress);

impl<'a> Overall<'a> {
    /// Adds up what all scenarios cost, in milliseconds of one core a judgement, and what of it is there already.
    pub fn start(
        plans: &[(&Scenario, Vec<Planned>)],
        store: &Store,
        outer: &'a dyn Progress,
        cost: impl Fn(&Arm, Judgement) -> usize,
    ) -> Self {
        let (mut all, mut done) = (0, 0);
        for (scenario, runs) in plans {
            for run in runs {
                let Some(arm) = scenario.loaded.arms.get(run.arm) else { continue };
                for (judgement, id) in run.judgements() {
                    let cost = cost(arm, judgement);
                    all += cost;
                    done += if store.path(id).exists() { cost } else { 0 };
                }
            }
        }
        outer.start(all, done);
        Self(outer)
    }

    /// A judgement was made that cost so much.
    pub fn spent(&self, milliseconds: usize) {
        self.0.spent(milliseconds);
    }
}

impl Progress for Overall<'_> {
    fn start(&self, _: usize, _: usize) {}
    fn advance(&self, _: u64) {}
}

/// What a judgement of the benchmark costs, with the runs that are trained for it.
pub(super) fn judgement(document: &Document, roles: &[Role], judgement: Judgement) -> usize {
    match judgement {
        // The run and its twins.
        Judgement::Run => {
            let versions = if document.reward.swap_twin { 3.0 } else { 2.0 };
            let seconds =
                versions * training(document) + judging(document, PASSES * document.detectors.len() as f64);
            milliseconds(seconds)
        }
        Judgement::Detector(place) => programmes(document, &roles[place..=place]),
    }
}

/// What the runs cost that are trained for these alone.
pub(in crate::experiment::judging) fn programmes(document: &Document, roles: &[Role]) -> usize {
    let cost = |role: &Role| match role {
        // Scored while it is trained, and once more for what was read.
        Role::Programme(_) => SHARED * training(document) + judging(document, 2.0),
        Role::Placebo => training(document),
        Role::None | Role::Swap => 0.0,
    };
    milliseconds(roles.iter().map(cost).sum())
}

fn milliseconds(seconds: f64) -> usize {
    (seconds * 1e3).ceil() as usize
}
