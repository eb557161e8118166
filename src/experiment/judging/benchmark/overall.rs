//! One bar over all scenarios and programmes, by what each costs.

use super::endings::Role;
use super::scenario::Scenario;
use crate::config::Document;
use crate::experiment::plan::cost::{judging, training};
use crate::experiment::plan::runs::{Judgement, Planned};
use crate::experiment::store::Store;
use crate::experiment::work::Progress;

/// Passes over a run's rollouts that a detector's place in the benchmark takes: its scores of the run, of the calibration
/// rollouts and of the twins, their rankings and the audits.
const PASSES: f64 = 6.0;

/// Hears of what was done, and tells it in milliseconds of the plan.
pub(super) struct Overall<'a>(&'a dyn Progress);

impl<'a> Overall<'a> {
    /// Adds up what all scenarios cost, and what of it is there already.
    pub fn start(plans: &[(&Scenario, Vec<Planned>)], store: &Store, outer: &'a dyn Progress) -> Self {
        let (mut all, mut done) = (0, 0);
        for (scenario, runs) in plans {
            for arm in &scenario.loaded.arms {
                let roles = Role::all(&arm.document);
                for run in runs.iter().filter(|run| run.arm == arm.index) {
                    for (judgement, id) in run.judgements() {
                        let cost = milliseconds(&arm.document, &roles, judgement);
                        all += cost;
                        done += if store.path(id).exists() { cost } else { 0 };
                    }
                }
            }
        }
        outer.start(all, done);
        Self(outer)
    }

    /// A judgement was made.
    pub fn spent(&self, document: &Document, roles: &[Role], judgement: Judgement) {
        self.0.spent(milliseconds(document, roles, judgement));
    }
}

impl Progress for Overall<'_> {
    fn start(&self, _: usize, _: usize) {}
    fn advance(&self) {}
}

/// What a judgement costs, with the runs that are trained for it, in milliseconds of one core.
fn milliseconds(document: &Document, roles: &[Role], judgement: Judgement) -> usize {
    let once = training(document);
    let seconds = match judgement {
        // The run and its twins.
        Judgement::Run => {
            let versions = if document.reward.swap_twin { 3.0 } else { 2.0 };
            versions * once + judging(document, PASSES * document.detectors.len() as f64)
        }
        // Scored while it is trained, and once more for what was read.
        Judgement::Detector(place) if roles[place].is_extra() => once + judging(document, 2.0),
        Judgement::Detector(_) => 0.0,
    };
    (seconds * 1e3).ceil() as usize
}
