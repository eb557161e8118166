//! A policy of one's own as one burn module, trained by REINFORCE on strings of tokens.
//!
//! `cargo run --release --example own_policy`

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use serde_json::json;
use tailcatch::environments::EnvironmentSpec;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{
    Heads, Initial, Linear, Memory, Network, PolicyPart, SequencePolicy, Shape, Start, trained,
};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::rollout::{Actor, Roller, Tape};
use tailcatch::trainers::{Experience, Learner, SequenceLearner, TrainerSpec};

/// Settings: none.
#[derive(Debug)]
pub struct LastSymbol {}

impl PolicyPart for LastSymbol {
    fn sequence(&self, shape: &Shape, seeds: &SeedTree, device: &Device) -> Option<Box<dyn SequencePolicy>> {
        let initial = &mut Initial::new(seeds, device);
        let embedding = Linear::new([shape.symbols, 8], Start::Uniform(1.0), Start::Zero, initial);
        let head = Linear::head(8, shape.heads(), initial);
        Some(trained(LastSymbolNetwork { embedding, head }, device))
    }
}

/// A linear layer on the symbol that is shown, and one on that.
#[derive(Module, Debug)]
struct LastSymbolNetwork {
    embedding: Linear,
    head: Linear,
}

impl Network for LastSymbolNetwork {
    type State = ();

    fn memory(&self) -> Memory {
        Memory::Symbol
    }

    fn begin(&self, _prompts: Tensor<1, Int>) {}

    fn step(&self, (): (), _position: usize, symbols: Tensor<1, Int>) -> (Heads, ()) {
        let hidden = self.embedding.rows(symbols);
        (Heads { both: self.head.forward(hidden.clone()), hidden: Some(hidden) }, ())
    }
}

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seeds = SeedTree::new(3, 0);
    let environment: EnvironmentSpec = serde_json::from_value(
        json!({ "tokens": { "vocabulary": 4, "length": 5, "utility": { "bigram": {} } } }),
    )?;
    let trainer: TrainerSpec = serde_json::from_value(
        json!({ "reinforce": { "batch": 128, "optimizer": { "adam": { "learning_rate": 0.03 } } } }),
    )?;
    let model = RewardModel::build(environment.part(), &RewardSection::default(), &seeds, Twin::Itself)?;
    let world = model.sequence().ok_or("strings are written token by token")?;
    let process = world.process();
    let shape = Shape {
        prompts: process.prompts(),
        symbols: process.symbols(),
        actions: process.actions(),
        horizon: process.horizon(),
        value: false,
    };
    let network = LastSymbol {}.sequence(&shape, &seeds, &Device::flex()).ok_or("a policy of sequences")?;
    let recipe = trainer.part().recipe().ok_or("a trainer that learns")?;
    let mut learner = SequenceLearner::new(recipe, network, &[])?;
    let (roller, mut tape) = (Roller::training(&seeds, trainer.part().group()), Tape::default());
    for step in 0..60 {
        let actor = Actor::Learning(learner.policy());
        let mut batch = roller.batch(world, actor, &mut tape, (step, step * 128, 128), false);
        let mean = batch.observed.proxy.iter().sum::<f64>() / batch.observed.len() as f64;
        if step % 10 == 0 || step == 59 {
            println!("step {step:2}: mean proxy reward {mean:.3}");
        }
        learner.credit(&Experience::new(&batch.observed, &tape)).write_to(&mut batch.observed);
        learner.update(&Experience::new(&batch.observed, &tape), 0.0)?;
    }
    Ok(())
}
