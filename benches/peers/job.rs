//! The job that peers do too: REINFORCE with k1 in the reward on a bandit of 10⁴ arms, batches of 1024.

use serde_json::{Error, from_str};
use std::error::Error as Failure;
use tailcatch::environments::Bandit;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::Backend;
use tailcatch::record::Outcomes;
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::rollout::Sampler;
use tailcatch::trainers::{Experience, Ground, Reinforce, TableLearner, TrainerError, TrainerPart};

/// The bare learner: rollouts, credit and update, nothing recorded.
pub struct Job {
    model: RewardModel,
    table: Outcomes,
    sampler: Sampler,
    trainer: Box<TableLearner>,
    batch: usize,
    step: u64,
}

impl Job {
    /// At the reference.
    pub fn new() -> Result<Self, Box<dyn Failure>> {
        let environment: Bandit = from_str(r#"{ "outcomes": 10000, "utility": { "normal": {} } }"#)?;
        let reward: Result<RewardSection, Error> =
            from_str(r#"{ "mode": "frozen", "error": { "student_t": { "df": 3 } }, "standardize": "none" }"#);
        let settings: Reinforce = from_str(
            r#"{ "batch": 1024, "optimizer": { "sgd": { "learning_rate": 50 } },
                 "kl": { "coefficient": 0.1, "estimator": "k1", "place": "reward" } }"#,
        )?;
        let seeds = SeedTree::new(1, 0);
        let model = RewardModel::build(&environment, &reward?, &seeds, Twin::Itself)?;
        let table = model.table().ok_or("a bandit has a table")?.clone();
        let ground =
            Ground { table: &table.observed(), reference_proxies: &[], backend: &Backend::default() };
        let trainer = settings.start(ground)?;
        let (sampler, batch) = (Sampler::training(&seeds), settings.batch());
        Ok(Self { model, table, sampler, trainer, batch, step: 0 })
    }

    /// One step.
    pub fn step(&mut self) -> Result<(), TrainerError> {
        let first = self.step * self.batch as u64;
        let mut batch = self.sampler.batch(
            &self.model,
            &self.table,
            self.trainer.policy(),
            (self.step, first, self.batch),
        );
        self.trainer
            .credit(&Experience::new(&batch.observed, &batch.cells[..]))
            .write_to(&mut batch.observed);
        self.step += 1;
        self.trainer.update(&Experience::new(&batch.observed, &batch.cells[..]), 0.0)
    }
}
