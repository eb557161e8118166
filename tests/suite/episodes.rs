//! What the tests of learners in processes share: a world with its streams, and learners in it.

use serde_json::Value;
use tailcatch::environments::EnvironmentSpec;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, PolicySpec, Shape};
use tailcatch::reward::{RewardModel, RewardSection, SequenceModel, Twin};
use tailcatch::trainers::{SequenceLearner, TrainerSpec};

/// One replicate of a process with its reward model.
pub struct World {
    pub model: RewardModel,
    pub seeds: SeedTree,
}

/// Draws a world from sections as a config has them.
pub fn world(environment: Value, reward: Value, seed: u64) -> World {
    let environment: EnvironmentSpec = serde_json::from_value(environment).unwrap();
    let reward: RewardSection = serde_json::from_value(reward).unwrap();
    let seeds = SeedTree::new(seed, 0);
    World { model: RewardModel::build(environment.part(), &reward, &seeds, Twin::Itself).unwrap(), seeds }
}

/// A trainer's section, which must not contradict itself.
pub fn trainer(section: Value) -> TrainerSpec {
    let spec: TrainerSpec = serde_json::from_value(section).unwrap();
    assert_eq!(spec.part().contradictions(), Vec::new());
    spec
}

pub fn policy(section: Value) -> PolicySpec {
    serde_json::from_value(section).unwrap()
}

impl World {
    pub fn sequence(&self) -> &SequenceModel {
        self.model.sequence().unwrap()
    }

    /// A learner at the reference.
    pub fn learner(&self, own: &PolicySpec, trainer: &TrainerSpec) -> SequenceLearner {
        let (process, recipe) = (self.sequence().process(), trainer.part().recipe().unwrap());
        let shape = Shape {
            prompts: process.prompts(),
            symbols: process.symbols(),
            actions: process.actions(),
            horizon: process.horizon(),
            value: recipe.objective.value.is_some(),
        };
        let network = own.sequence(&shape, &self.seeds, &Backend::default()).unwrap();
        SequenceLearner::new(recipe, network, &[]).unwrap()
    }
}
