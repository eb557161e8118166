//! What every policy that acts step by step must keep to, and gradients against difference quotients.

use super::part::size;
use super::{Backend, Gru, Kernels, Memory, Mlp, PolicySpec, Product, SequencePolicy, Shape, Transformer};
use crate::foundation::rng::{Purpose, SeedTree};
use burn::optim::{AdamConfig, ModuleOptimizer, SgdConfig};

pub(super) const SHAPE: Shape = Shape { prompts: 2, symbols: 5, actions: 3, horizon: 4, value: true };
pub(super) const ROWS: usize = 3;
/// Prompt of each row.
pub(super) const PROMPTS: [u32; ROWS] = [1, 0, 1];
/// Symbols, position by position.
pub(super) const SYMBOLS: [[u32; ROWS]; 4] = [[4, 3, 4], [0, 2, 1], [1, 1, 0], [2, 0, 2]];

/// A policy, who computes it, and whether its critic is a network of its own.
type Part = (PolicySpec, Kernels, bool);

/// All policies, small ones, as both kernels compute them, with a value head and with a critic apart.
fn parts() -> Vec<(String, Part)> {
    let mlp = |context| PolicySpec::Mlp(Mlp { hidden: size(6), layers: size(2), context: size(context) });
    let transformer = Transformer { width: size(6), heads: size(2), layers: size(2) };
    let specs = [
        ("product", PolicySpec::Product(Product {})),
        ("mlp", mlp(1)),
        ("mlp of two symbols", mlp(2)),
        ("gru", PolicySpec::Gru(Gru { hidden: size(5) })),
        ("transformer", PolicySpec::Transformer(transformer)),
    ];
    let both = |(name, spec): (&str, PolicySpec)| {
        let ways = [(Kernels::Native, false), (Kernels::Burn, false), (Kernels::Native, true)];
        ways.map(|(kernels, apart)| {
            (format!("{name}, {kernels}, critic apart: {apart}"), (spec.clone(), kernels, apart))
        })
    };
    specs.into_iter().flat_map(both).collect()
}

fn built((spec, kernels, apart): &Part, shape: &Shape, seed: u64) -> Box<dyn SequencePolicy> {
    let (seeds, backend) = (SeedTree::new(seed, 0), Backend::cpu(*kernels));
    if *apart { spec.apart(shape, &seeds, &backend) } else { spec.sequence(shape, &seeds, &backend) }.unwrap()
}

/// Numbers between −1 and 1.
pub(super) fn noise(length: usize, index: u64) -> Vec<f32> {
    let mut stream = SeedTree::new(9, 9).stream(Purpose::Utility, index);
    (0..length).map(|_| (2.0 * stream.open_unit() - 1.0) as f32).collect()
}

/// Moves all weights off their start.
pub(super) fn stir(policy: &mut dyn SequencePolicy) {
    let direction = noise(policy.parameters(), 1);
    policy.descend(&mut SgdConfig::new().init(), 0.4, &direction).unwrap();
}

/// f and value at all positions.
pub(super) fn shown(
    policy: &mut dyn SequencePolicy,
    shape: &Shape,
    prompts: &[u32],
    symbols: &[Vec<u32>],
    record: bool,
) -> (Vec<f32>, Vec<f32>) {
    let (mut logits, mut values) = (Vec::new(), Vec::new());
    policy.begin(prompts, record);
    for symbols in symbols {
        let mut out = vec![f32::NAN; prompts.len() * shape.actions];
        policy.advance(symbols, &mut out);
        logits.extend(out);
        values.extend_from_slice(policy.values());
    }
    (logits, values)
}

fn symbols() -> Vec<Vec<u32>> {
    SYMBOLS.iter().map(|row| row.to_vec()).collect()
}

/// Σ f·c + Σ value·d of the standard episodes.
fn loss(policy: &mut dyn SequencePolicy, c: &[f32], d: &[f32]) -> f64 {
    let (logits, values) = shown(policy, &SHAPE, &PROMPTS, &symbols(), true);
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(&logits, c) + dot(&values, d)
}

pub(super) fn slopes() -> (Vec<f32>, Vec<f32>) {
    let positions = SYMBOLS.len() * ROWS;
    (noise(positions * SHAPE.actions, 2), noise(positions, 3))
}

// f32 gives a loss of about 1 to 1e-7 or so; a quotient over 2·0.02 to 1e-5, and Richardson's step leaves h⁴.
#[test]
fn gradients_are_difference_quotients() {
    let (c, d) = slopes();
    for (name, part) in parts() {
        let mut policy = built(&part, &SHAPE, 1);
        stir(policy.as_mut());
        loss(policy.as_mut(), &c, &d);
        let mut gradient = vec![f32::NAN; policy.parameters()];
        policy.backward(&c, &d, &mut gradient).unwrap();
        let again = gradient.clone();
        policy.backward(&c, &d, &mut gradient).unwrap();
        assert_eq!(gradient, again, "{name}: a second look changes nothing");
        let start = policy.save().unwrap();
        let largest = gradient.iter().fold(0f32, |m, g| m.max(g.abs()));
        for weight in 0..gradient.len() {
            let mut quotient = |step: f64| {
                let mut direction = vec![0.0; gradient.len()];
                direction[weight] = 1.0;
                let mut at = |step: f64| {
                    policy.restore(&start).unwrap();
                    policy.descend(&mut SgdConfig::new().init(), -step, &direction).unwrap();
                    (loss(policy.as_mut(), &c, &d), f64::from(policy.weights()[weight]))
                };
                let ((up, w_up), (down, w_down)) = (at(step), at(-step));
                (up - down) / (w_up - w_down)
            };
            let want = (4.0 * quotient(0.02) - quotient(0.04)) / 3.0;
            let error = (f64::from(gradient[weight]) - want).abs();
            assert!(
                error < 3e-4 * f64::from(largest.max(1.0)),
                "{name}, weight {weight}: {} against {want}",
                gradient[weight]
            );
        }
    }
}

#[test]
fn training_starts_at_the_reference_to_the_last_bit() {
    for (name, part) in parts() {
        for value in [false, true] {
            let shape = Shape { value, ..SHAPE };
            let mut policy = built(&part, &shape, 1);
            let (logits, values) = shown(policy.as_mut(), &shape, &PROMPTS, &symbols(), false);
            assert!(logits.iter().chain(&values).all(|f| *f == 0.0), "{name}");
            assert_eq!(values.len(), if value { SYMBOLS.len() * ROWS } else { 0 }, "{name}");
        }
    }
}

#[test]
fn a_policy_remembers_what_it_says_and_nothing_of_the_future() {
    for (name, part) in parts() {
        let mut policy = built(&part, &SHAPE, 1);
        stir(policy.as_mut());
        let (logits, values) = shown(policy.as_mut(), &SHAPE, &PROMPTS, &symbols(), false);
        let mut other = symbols();
        other[1] = vec![3, 3, 3];
        let (changed, _) = shown(policy.as_mut(), &SHAPE, &PROMPTS, &other, false);
        let size = ROWS * SHAPE.actions;
        let same: Vec<bool> =
            (0..4).map(|t| logits[t * size..][..size] == changed[t * size..][..size]).collect();
        let want = match policy.memory() {
            Memory::Position => [true, true, true, true],
            Memory::Symbol => [true, false, true, true],
            Memory::History if name.starts_with("mlp") => [true, false, false, true],
            Memory::History => [true, false, false, false],
        };
        assert_eq!(same, want, "{name}");
        assert_eq!(
            shown(policy.as_mut(), &SHAPE, &PROMPTS, &symbols(), true),
            (logits, values),
            "{name}: a record"
        );
    }
}

#[test]
fn copies_of_rows_go_on_like_rows_that_were_replayed() {
    let parents = [2u32, 0, 0, 1, 2];
    for (name, part) in parts() {
        let mut policy = built(&part, &SHAPE, 1);
        stir(policy.as_mut());
        let copied = |row: &[u32]| parents.iter().map(|&p| row[p as usize]).collect::<Vec<u32>>();
        let mut replayed: Vec<Vec<u32>> = SYMBOLS[..3].iter().map(|row| copied(row)).collect();
        replayed[2] = vec![0, 1, 2, 3, 4];
        let mut other = built(&part, &SHAPE, 1);
        stir(other.as_mut());
        let prompts = copied(&PROMPTS);
        shown(policy.as_mut(), &SHAPE, &PROMPTS, &symbols()[..2], false);
        policy.branch(&parents);
        shown(other.as_mut(), &SHAPE, &prompts, &replayed[..2], false);
        let close =
            |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close(policy.values(), other.values()), "{name}: values");
        assert!(close(policy.hidden(), other.hidden()), "{name}: hidden layer");
        let (want, _) = shown(other.as_mut(), &SHAPE, &prompts, &replayed, false);
        let mut logits = vec![f32::NAN; parents.len() * SHAPE.actions];
        policy.advance(&replayed[2], &mut logits);
        assert!(close(&logits, &want[2 * logits.len()..]), "{name}: {logits:?}");
        assert!(close(policy.values(), other.values()) && !policy.values().is_empty(), "{name}");
    }
}

fn train(policy: &mut dyn SequencePolicy, optimizer: &mut ModuleOptimizer, steps: std::ops::Range<u64>) {
    let mut gradient = vec![0.0; policy.parameters()];
    for step in steps {
        let (c, d) = (noise(36, 100 + step), noise(12, 200 + step));
        loss(policy, &c, &d);
        policy.backward(&c, &d, &mut gradient).unwrap();
        policy.descend(optimizer, 0.05, &gradient).unwrap();
    }
}

#[test]
fn training_that_was_stopped_goes_on_with_the_same_bytes() {
    let optimizers: [fn() -> ModuleOptimizer; 2] = [|| AdamConfig::new().init(), || SgdConfig::new().init()];
    for (name, part) in parts() {
        for (adam, optimizer) in [true, false].into_iter().zip(optimizers) {
            let mut straight = built(&part, &SHAPE, 1);
            train(straight.as_mut(), &mut optimizer(), 0..6);
            let (mut before, mut first) = (built(&part, &SHAPE, 1), optimizer());
            train(before.as_mut(), &mut first, 0..4);
            let saved = (before.save().unwrap(), first.into_bytes().unwrap());
            let mut after = built(&part, &SHAPE, 2);
            after.restore(&saved.0).unwrap();
            assert_eq!(after.weights(), before.weights(), "{name}");
            let mut second = optimizer().from_bytes(saved.1).unwrap();
            train(after.as_mut(), &mut second, 4..6);
            let bits = |p: &dyn SequencePolicy| p.weights().iter().map(|w| w.to_bits()).collect::<Vec<u32>>();
            assert_eq!(bits(after.as_ref()), bits(straight.as_ref()), "{name}");
            // Without the optimizer's own bytes Adam goes on otherwise, so that the test can fail.
            after.restore(&saved.0).unwrap();
            train(after.as_mut(), &mut optimizer(), 4..6);
            assert_eq!(bits(after.as_ref()) == bits(straight.as_ref()), !adam, "{name}");
        }
    }
}

/// What a projection onto a KL does: f is multiplied, the value stays, and an optimizer goes on with what it knows.
#[test]
fn scaling_multiplies_f_alone() {
    for (name, part) in parts() {
        for value in [false, true] {
            let shape = Shape { value, ..SHAPE };
            let mut policy = built(&part, &shape, 1);
            stir(policy.as_mut());
            let (logits, values) = shown(policy.as_mut(), &shape, &PROMPTS, &symbols(), false);
            assert!(logits.iter().any(|f| f.abs() > 0.1), "{name}");
            assert!(policy.scale(shape.actions, 0.25).unwrap(), "{name}");
            let (after, same) = shown(policy.as_mut(), &shape, &PROMPTS, &symbols(), true);
            let is_quarter = |(a, b): (&f32, &f32)| (a - 0.25 * b).abs() < 1e-6;
            assert!(after.iter().zip(&logits).all(is_quarter), "{name}: {after:?}, {logits:?}");
            assert!(same.iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-6), "{name}: the value");
        }
        let mut policy = built(&part, &SHAPE, 1);
        let mut adam = AdamConfig::new().init();
        train(policy.as_mut(), &mut adam, 0..3);
        policy.scale(SHAPE.actions, 0.5).unwrap();
        let saved = (policy.save().unwrap(), adam.into_bytes().unwrap());
        train(policy.as_mut(), &mut adam, 3..6);
        let mut resumed = built(&part, &SHAPE, 2);
        resumed.restore(&saved.0).unwrap();
        let mut adam = AdamConfig::new().init().from_bytes(saved.1).unwrap();
        train(resumed.as_mut(), &mut adam, 3..6);
        assert_eq!(policy.weights(), resumed.weights(), "{name}");
    }
}

#[test]
fn weights_repeat_with_the_seed() {
    for (name, part) in parts() {
        let weights = |seed| built(&part, &SHAPE, seed).weights().to_vec();
        assert_eq!(weights(1), weights(1), "{name}");
        assert_eq!(weights(1) == weights(2), name.starts_with("product"), "{name}");
    }
}

#[test]
fn one_of_everything_is_enough() {
    let one = Shape { prompts: 1, symbols: 1, actions: 1, horizon: 1, value: false };
    for (name, part) in parts() {
        for shape in [one, Shape { value: true, ..one }] {
            let mut policy = built(&part, &shape, 1);
            let (logits, values) = shown(policy.as_mut(), &shape, &[0], &[vec![0]], true);
            let mut gradient = vec![f32::NAN; policy.parameters()];
            policy.backward(&[1.0], &vec![1.0; values.len()], &mut gradient).unwrap();
            assert!(gradient.iter().all(|g| g.is_finite()), "{name}");
            policy.descend(&mut AdamConfig::new().init(), 0.1, &gradient).unwrap();
            let (moved, _) = shown(policy.as_mut(), &shape, &[0], &[vec![0]], false);
            assert!(logits == [0.0] && moved[0] < 0.0, "{name}: {moved:?}");
        }
    }
}

/// What the value is asked for reaches no weight of the policy, and the other way round; with a shared body it does.
#[test]
fn a_critic_apart_shares_nothing() {
    let (c, d) = slopes();
    let nothing = |of: &[f32]| vec![0.0; of.len()];
    for (name, part) in parts() {
        let mut policy = built(&part, &SHAPE, 1);
        stir(policy.as_mut());
        loss(policy.as_mut(), &c, &d);
        let own = built(&part, &Shape { value: false, ..SHAPE }, 1).parameters();
        let mut gradient = |c: &[f32], d: &[f32]| {
            let mut all = vec![f32::NAN; policy.parameters()];
            policy.backward(c, d, &mut all).unwrap();
            let moves = |part: &[f32]| part.iter().any(|g| *g != 0.0);
            let (first, second) = all.split_at(own.min(all.len()));
            (moves(first), moves(second))
        };
        if part.2 {
            assert_eq!(gradient(&nothing(&c), &d), (false, true), "{name}");
            assert_eq!(gradient(&c, &nothing(&d)), (true, false), "{name}");
        } else if !name.starts_with("product") {
            assert!(gradient(&nothing(&c), &d).0, "{name}");
        }
    }
}
