//! Our side of `sequence.sh`, and both sides of `kernels.sh`: so many steps of the bare learner of a policy that acts step by step.
//!
//! REINFORCE, or another trainer with its own defaults, with k1 in the reward on strings of 16 of 32 tokens (the perceptron: of 1),
//! batches of 256, a frozen Student-t error, the gradient clipped to a norm of 1, Adam. Nothing is recorded, and no expectation is
//! summed.

use serde_json::{from_str, from_value, json};
use std::error::Error;
use tailcatch::environments::Tokens;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, Kernels, PolicySpec, Shape};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::rollout::{Actor, Roller, Tape};
use tailcatch::trainers::{Experience, Learner, SequenceLearner, TrainerSpec};

const BATCH: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: sequence product|mlp|gru|transformer [reinforce|rloo|grpo|ppo] [native|burn] STEPS";
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let (steps, name) = (arguments.pop().ok_or(usage)?, arguments.first().ok_or(usage)?.clone());
    let burn = arguments.pop_if(|last| last == "burn").is_some();
    let native = arguments.pop_if(|last| last == "native").is_some();
    let kernels = if burn && !native { Kernels::Burn } else { Kernels::Native };
    let trainer = arguments.get(1).map_or("reinforce", String::as_str);
    let length = if name == "mlp" { 1 } else { 16 };
    let environment: Tokens = from_value(json!({ "vocabulary": 32, "length": length }))?;
    let reward: RewardSection = from_str(r#"{ "error": { "student_t": { "df": 2 } }, "hack": "planted" }"#)?;
    let kl = json!({ "coefficient": 0.05, "estimator": "k1", "place": "reward" });
    let adam = json!({ "adam": { "learning_rate": 0.003 } });
    let settings = json!({ "batch": BATCH, "optimizer": adam, "max_grad_norm": 1, "kl": kl });
    let trainer: TrainerSpec = from_value(json!({ trainer: settings }))?;
    let part = trainer.part();
    let policy: PolicySpec = from_value(json!({ name: {} }))?;
    let seeds = SeedTree::new(1, 0);
    let model = RewardModel::build(&environment, &reward, &seeds, Twin::Itself)?;
    let sequence = model.sequence().ok_or("strings are a process")?;
    let process = sequence.process();
    let recipe = part.recipe().ok_or(usage)?;
    let shape = Shape {
        prompts: process.prompts(),
        symbols: process.symbols(),
        actions: process.actions(),
        horizon: process.horizon(),
        value: recipe.objective.value.is_some(),
    };
    let network = policy.sequence(&shape, &seeds, &Backend::cpu(kernels)).ok_or(usage)?;
    let mut learner = SequenceLearner::new(recipe, network, &[])?;
    let (roller, mut tape) = (Roller::training(&seeds, part.group()), Tape::default());
    for step in 0..steps.parse::<u64>()? {
        let actor = Actor::Learning(learner.policy());
        let rollouts = (step, step * BATCH as u64, BATCH);
        let mut batch = roller.batch(sequence, actor, &mut tape, rollouts, false);
        learner.credit(&Experience::new(&batch.observed, &tape)).write_to(&mut batch.observed);
        learner.update(&Experience::new(&batch.observed, &tape), 0.0)?;
    }
    Ok(())
}
