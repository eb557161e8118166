//! The zero-shot jump: nothing is learned from samples, and then the policy executes what training never showed.

use super::part::{TrainerPart, default_batch};
use crate::foundation::scalar::OpenProbability;
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::trainers::error::TrainerError;
use crate::trainers::learner::contract::{Credited, Ground, Learner, TableLearner};
use crate::trainers::learner::experience::Experience;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroU64};

/// Plays π₀ for `after` steps (training), then gives the hacks the mass `mass_after` and leaves the rest in proportion
/// (deployment), in every prompt that has hacks. An adversary: it knows the exploits without having sampled them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jump {
    /// P(hack) after the jump.
    pub mass_after: OpenProbability,
    /// Steps of training before it.
    #[serde(default)]
    pub after: u64,
    /// Steps of a run, training and deployment together.
    pub steps: NonZeroU64,
    /// Rollouts a step.
    #[serde(default = "default_batch")]
    pub batch: NonZeroU32,
}

impl TrainerPart for Jump {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }
    fn steps(&self) -> u64 {
        self.steps.get()
    }
    fn contradictions(&self) -> Vec<(&'static str, String)> {
        if self.after < self.steps.get() {
            return Vec::new();
        }
        let problem = format!(
            "the jump comes after step {} of a run of {} steps; lower it, or raise steps",
            self.after, self.steps
        );
        vec![("after", problem)]
    }
    fn start(&self, ground: Ground<'_>) -> Result<Box<TableLearner>, TrainerError> {
        let table = ground.table;
        let (mut before, mut after) = (Snapshot::default(), Snapshot::default());
        before.set(table, |_| 0.0);
        after.set_from(&table.ref_log_prob, table.outcomes, &jumped(table, self.mass_after.get()));
        Ok(Box::new(Jumper { settings: self.clone(), before, after, step: 0 }))
    }
}

/// ln(π/π₀) of each cell after the jump.
fn jumped(table: &Outcomes, mass: f64) -> Vec<f64> {
    let mut theta = vec![0.0; table.len()];
    for start in (0..table.len()).step_by(table.outcomes.max(1)) {
        let row = start..start + table.outcomes;
        let before: f64 =
            row.clone().filter(|&cell| table.hack[cell]).map(|cell| table.ref_log_prob[cell].exp()).sum();
        if before > 0.0 && before < 1.0 {
            let (up, down) = ((mass / before).ln(), (-mass).ln_1p() - (-before).ln_1p());
            for cell in row {
                theta[cell] = if table.hack[cell] { up } else { down };
            }
        }
    }
    theta
}

/// The adversary at work.
struct Jumper {
    settings: Jump,
    before: Snapshot,
    after: Snapshot,
    step: u64,
}

impl Learner for Jumper {
    type Policy = Snapshot;
    type Trace = [usize];

    fn policy(&mut self) -> &mut Snapshot {
        if self.step >= self.settings.after { &mut self.after } else { &mut self.before }
    }
    fn moved(&self) -> bool {
        self.step == self.settings.after
    }
    fn coefficient(&self) -> Option<f64> {
        None
    }
    fn credit(&mut self, experience: &Experience<'_, [usize]>) -> Credited {
        Credited { reward: experience.labels.to_vec(), ..Credited::default() }
    }
    fn update(&mut self, _: &Experience<'_, [usize]>, _: f64) -> Result<(), TrainerError> {
        self.step += 1;
        Ok(())
    }
}
