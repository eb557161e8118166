//! Kernels written by hand compute what the burn module computes, whatever the sizes.

use super::part::size;
use super::trials::{noise, shown, stir};
use super::{Backend, Gru, Kernels, Mlp, PolicySpec, Product, SequencePolicy, Shape, Transformer};
use crate::foundation::rng::SeedTree;
use burn::optim::{AdamConfig, ModuleOptimizer};
use proptest::prelude::*;

/// Largest difference, in units of the largest number.
const TOLERANCE: f32 = 1e-5;

/// A policy of any size, ones included.
fn policies() -> impl Strategy<Value = PolicySpec> {
    let mlp = (1u32..9, 1u32..4, 1u32..4);
    let mlp = mlp.prop_map(|(hidden, layers, context)| {
        PolicySpec::Mlp(Mlp { hidden: size(hidden), layers: size(layers), context: size(context) })
    });
    let transformer = (1u32..10, 1u32..4, 1u32..3).prop_map(|(width, heads, layers)| {
        PolicySpec::Transformer(Transformer { width: size(width), heads: size(heads), layers: size(layers) })
    });
    prop_oneof![
        Just(PolicySpec::Product(Product {})),
        mlp,
        (1u32..9).prop_map(|hidden| PolicySpec::Gru(Gru { hidden: size(hidden) })),
        transformer,
    ]
}

/// Sizes of a process, its prompts and what is shown, position by position.
fn episodes() -> impl Strategy<Value = (Shape, Vec<u32>, Vec<Vec<u32>>)> {
    let sizes = (1usize..4, 1usize..7, 1usize..6, 1usize..6, any::<bool>(), 1usize..6);
    sizes.prop_flat_map(|(prompts, symbols, actions, horizon, value, rows)| {
        let shape = Shape { prompts, symbols, actions, horizon, value };
        let row = prop::collection::vec(0..symbols as u32, rows);
        let prompts = prop::collection::vec(0..prompts as u32, rows);
        (Just(shape), prompts, prop::collection::vec(row, 1..=horizon))
    })
}

fn built(spec: &PolicySpec, shape: &Shape, kernels: Kernels) -> Box<dyn SequencePolicy> {
    let mut policy = spec.sequence(shape, &SeedTree::new(1, 0), &Backend::cpu(kernels)).unwrap();
    stir(policy.as_mut());
    policy
}

/// Where two lists differ by more than the tolerance.
fn differ(found: &[f32], want: &[f32]) -> Option<String> {
    if found.len() != want.len() {
        return Some(format!("{} numbers against {}", found.len(), want.len()));
    }
    let largest = want.iter().fold(0f32, |m, x| m.max(x.abs()));
    let near = |found: f32, want: f32| (found - want).abs() <= TOLERANCE * largest;
    let differs = |(found, want): &(&f32, &f32)| !near(**found, **want);
    found.iter().zip(want).find(differs).map(|(found, want)| format!("{found} against {want} of {largest}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn losses_and_gradients_are_those_of_the_burn_module(
        spec in policies(),
        (shape, prompts, symbols) in episodes(),
    ) {
        let found = [Kernels::Native, Kernels::Burn].map(|kernels| {
            let mut policy = built(&spec, &shape, kernels);
            let (logits, values) = shown(policy.as_mut(), &shape, &prompts, &symbols, true);
            let (c, d) = (noise(logits.len(), 2), noise(values.len(), 3));
            let mut gradient = vec![f32::NAN; policy.parameters()];
            policy.backward(&c, &d, &mut gradient).unwrap();
            let hidden = policy.hidden().to_vec();
            [policy.weights().to_vec(), logits, values, hidden, gradient]
        });
        let [native, burn] = &found;
        prop_assert_eq!(&native[0], &burn[0]);
        for (what, (native, burn)) in ["f", "value", "hidden layer", "gradient"].iter().zip(native[1..].iter().zip(&burn[1..])) {
            let differs = differ(native, burn);
            prop_assert!(differs.is_none(), "{}: {:?}", what, differs);
        }
    }

    #[test]
    fn branches_go_on_as_those_of_the_burn_module(
        spec in policies(),
        (shape, prompts, symbols) in episodes(),
        parents in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let parents: Vec<u32> = parents.iter().map(|parent| parent.index(prompts.len()) as u32).collect();
        let copied = |row: &[u32]| parents.iter().map(|&parent| row[parent as usize]).collect::<Vec<u32>>();
        let (last, before) = symbols.split_last().unwrap();
        let found = [Kernels::Native, Kernels::Burn].map(|kernels| {
            let mut policy = built(&spec, &shape, kernels);
            shown(policy.as_mut(), &shape, &prompts, before, false);
            policy.branch(&parents);
            let mut logits = vec![f32::NAN; parents.len() * shape.actions];
            policy.advance(&copied(last), &mut logits);
            (logits, policy.values().to_vec(), policy.hidden().to_vec())
        });
        let [native, burn] = &found;
        for (native, burn) in [(&native.0, &burn.0), (&native.1, &burn.1), (&native.2, &burn.2)] {
            let differs = differ(native, burn);
            prop_assert!(differs.is_none(), "{:?}", differs);
        }
    }
}

// A checkpoint of one goes on with the other: weights and names of parameters are the same.
#[test]
fn training_that_was_stopped_goes_on_with_other_kernels() {
    let shape = Shape { prompts: 2, symbols: 5, actions: 3, horizon: 4, value: true };
    let symbols = vec![vec![4, 3, 4], vec![0, 2, 1], vec![1, 1, 0], vec![2, 0, 2]];
    let train =
        |policy: &mut dyn SequencePolicy, optimizer: &mut ModuleOptimizer, steps: std::ops::Range<u64>| {
            let mut gradient = vec![0.0; policy.parameters()];
            for step in steps {
                let (logits, values) = shown(policy, &shape, &[1, 0, 1], &symbols, true);
                let (c, d) = (noise(logits.len(), 100 + step), noise(values.len(), 200 + step));
                policy.backward(&c, &d, &mut gradient).unwrap();
                policy.descend(optimizer, 0.05, &gradient).unwrap();
            }
        };
    let adam = || AdamConfig::new().init();
    for spec in [
        PolicySpec::Product(Product {}),
        PolicySpec::Mlp(Mlp { hidden: size(6), layers: size(2), context: size(2) }),
        PolicySpec::Gru(Gru { hidden: size(5) }),
        PolicySpec::Transformer(Transformer { width: size(6), heads: size(2), layers: size(2) }),
    ] {
        for (first, second) in [(Kernels::Native, Kernels::Burn), (Kernels::Burn, Kernels::Native)] {
            let (mut straight, mut optimizer) = (built(&spec, &shape, first), adam());
            train(straight.as_mut(), &mut optimizer, 0..4);
            let saved = (straight.save().unwrap(), optimizer.into_bytes().unwrap());
            train(straight.as_mut(), &mut optimizer, 4..6);
            let mut after = built(&spec, &shape, second);
            after.restore(&saved.0).unwrap();
            train(after.as_mut(), &mut adam().from_bytes(saved.1).unwrap(), 4..6);
            // Adam divides by the root of the mean square, which makes much of a gradient that is all rounding.
            for (found, want) in after.weights().iter().zip(straight.weights()) {
                assert!((found - want).abs() < 1e-3, "{}: {found} against {want}", spec.name());
            }
        }
    }
}
