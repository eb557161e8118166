//! Our side of `sequence.sh`: so many steps of the bare learner of a policy that acts step by step.
//!
//! REINFORCE with k1 in the reward on strings of 16 of 32 tokens (the perceptron: of 1), batches of 256, a frozen Student-t
//! error, the gradient clipped to a norm of 1, Adam. Nothing is recorded, and no expectation is summed.

use burn::tensor::Device;
use serde_json::{from_str, from_value, json};
use std::error::Error;
use tailcatch::environments::Tokens;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{PolicySpec, Shape};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::rollout::{Actor, Roller, Tape};
use tailcatch::trainers::{Reinforce, SequenceLearner, TrainerPart};

const BATCH: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: sequence product|mlp|gru|transformer STEPS";
    let (name, steps) = (std::env::args().nth(1).ok_or(usage)?, std::env::args().nth(2).ok_or(usage)?);
    let length = if name == "mlp" { 1 } else { 16 };
    let environment: Tokens = from_value(json!({ "vocabulary": 32, "length": length }))?;
    let reward: RewardSection = from_str(r#"{ "error": { "student_t": { "df": 2 } }, "hack": "planted" }"#)?;
    let settings: Reinforce = from_str(
        r#"{ "batch": 256, "optimizer": { "adam": { "learning_rate": 0.003 } }, "max_grad_norm": 1,
             "kl": { "coefficient": 0.05, "estimator": "k1", "place": "reward" } }"#,
    )?;
    let policy: PolicySpec = from_value(json!({ name: {} }))?;
    let seeds = SeedTree::new(1, 0);
    let model = RewardModel::build(&environment, &reward, &seeds, Twin::Itself)?;
    let sequence = model.sequence().ok_or("strings are a process")?;
    let process = sequence.process();
    let shape = Shape {
        prompts: process.prompts(),
        symbols: process.symbols(),
        actions: process.actions(),
        horizon: process.horizon(),
        value: false,
    };
    let network = policy.part().sequence(&shape, &seeds, &Device::flex()).ok_or(usage)?;
    let recipe = settings.recipe().ok_or("REINFORCE learns")?;
    let mut learner = SequenceLearner::new(recipe, network, &[])?;
    let (roller, mut tape) = (Roller::training(&seeds, settings.group()), Tape::default());
    for step in 0..steps.parse::<u64>()? {
        let actor = Actor::Learning(learner.policy());
        let rollouts = (step, step * BATCH as u64, BATCH);
        let mut batch = roller.batch(sequence, actor, &mut tape, rollouts, false);
        learner.credit(&mut batch.observed, &tape);
        learner.update(&tape, 0.0)?;
    }
    Ok(())
}
