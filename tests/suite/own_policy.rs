//! A policy of one's own is one burn module in one file, `examples/own_policy.rs`; here is what it must keep to.

use crate::episodes::{trainer, world};
use crate::examples::own_policy::LastSymbol;
use crate::statistics::mean_and_error;
use burn::tensor::Device;
use serde_json::json;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{PolicyPart, SequencePolicy, Shape};
use tailcatch::rollout::{Actor, Roller, Tape};
use tailcatch::trainers::{Experience, Learner, SequenceLearner};

const SHAPE: Shape = Shape { prompts: 1, symbols: 4, actions: 3, horizon: 2, value: true };

fn built(seed: u64) -> Box<dyn SequencePolicy> {
    LastSymbol {}.sequence(&SHAPE, &SeedTree::new(seed, 0), &Device::flex()).unwrap()
}

#[test]
fn it_starts_at_the_reference_repeats_with_the_seed_and_goes_on_from_its_bytes() {
    let mut policy = built(1);
    policy.begin(&[0, 0], true);
    let mut logits = [f32::NAN; 6];
    policy.advance(&[3, 1], &mut logits);
    assert_eq!((logits, policy.values()), ([0.0; 6], [0.0; 2].as_slice()));
    assert_eq!(policy.hidden().len(), 16);
    assert_eq!(policy.weights(), built(1).weights());
    assert_ne!(policy.weights(), built(2).weights());
    let mut gradient = vec![f32::NAN; policy.parameters()];
    policy.backward(&[1.0, 0.0, 0.0, -1.0, 0.5, 0.0], &[0.3, 0.2], &mut gradient).unwrap();
    policy.descend(&mut burn::optim::SgdConfig::new().init(), 0.1, &gradient).unwrap();
    policy.begin(&[0, 0], false);
    policy.advance(&[3, 1], &mut logits);
    assert!(logits[0] < 0.0 && logits[3] > 0.0 && policy.values()[0] < 0.0, "{logits:?}");
    let mut other = built(2);
    other.restore(&policy.save().unwrap()).unwrap();
    assert_eq!(other.weights(), policy.weights());
}

// The utility is a sum over pairs of neighbours, which the last symbol is enough for.
#[test]
fn reinforce_trains_it_on_strings() {
    let world = world(
        json!({ "tokens": { "vocabulary": 4, "length": 5, "utility": { "bigram": {} } } }),
        json!({}),
        3,
    );
    let process = world.sequence().process();
    let spec =
        trainer(json!({ "reinforce": { "batch": 128, "optimizer": { "adam": { "learning_rate": 0.03 } } } }));
    let shape = Shape {
        prompts: process.prompts(),
        symbols: process.symbols(),
        actions: process.actions(),
        horizon: process.horizon(),
        value: false,
    };
    let network = LastSymbol {}.sequence(&shape, &world.seeds, &Device::flex()).unwrap();
    let mut learner = SequenceLearner::new(spec.part().recipe().unwrap(), network, &[]).unwrap();
    let (roller, mut tape) = (Roller::training(&world.seeds, spec.part().group()), Tape::default());
    let mut means = Vec::new();
    for step in 0..60 {
        let actor = Actor::Learning(learner.policy());
        let mut batch = roller.batch(world.sequence(), actor, &mut tape, (step, step * 128, 128), false);
        means.push(mean_and_error(&batch.observed.proxy));
        learner.credit(&Experience::new(&batch.observed, &tape)).write_to(&mut batch.observed);
        learner.update(&Experience::new(&batch.observed, &tape), 0.0).unwrap();
    }
    let ((before, error), (after, _)) = (means[0], means[59]);
    assert!(after > before + 8.0 * error, "{before} ± {error}, then {after}");
}
