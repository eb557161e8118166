//! Recurrent unit and perceptron written plainly, under automatic differentiation: what the gradients by hand are held against.

use crate::foundation::rng::SeedTree;
use crate::policies::part::size;
use crate::policies::trials::{PROMPTS, ROWS, SHAPE, SYMBOLS, slopes, stir};
use crate::policies::{Gru, Mlp, PolicyPart, SequencePolicy};
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Int, Tensor, TensorData};

const HEADS: usize = SHAPE.actions + 1;

/// A policy off its start and its weights as tensors of these shapes.
fn stirred(part: &dyn PolicyPart, shapes: &[[usize; 2]]) -> (Box<dyn SequencePolicy>, Vec<Tensor<2>>) {
    let mut policy = part.sequence(&SHAPE, &SeedTree::new(1, 0), &Device::flex()).unwrap();
    stir(policy.as_mut());
    let mut rest = policy.weights();
    let tensor = |shape: &[usize; 2]| {
        let numbers = rest.split_off(..shape[0] * shape[1]).unwrap().to_vec();
        Tensor::from_data(TensorData::new(numbers, *shape), &Device::flex().autodiff()).require_grad()
    };
    let tensors = shapes.iter().map(tensor).collect();
    assert!(rest.is_empty());
    (policy, tensors)
}

/// Holds f, value and gradient of the standard episodes against `heads`, shape \[positions · rows, HEADS\].
fn compare(policy: &mut dyn SequencePolicy, weights: &[Tensor<2>], heads: Tensor<2>) {
    let (c, d) = slopes();
    let mut both = Vec::new();
    for (c, d) in c.chunks(SHAPE.actions).zip(&d) {
        both.extend_from_slice(c);
        both.push(*d);
    }
    let both = Tensor::<2>::from_data(TensorData::new(both, heads.dims()), &heads.device());
    let want: Vec<f32> = heads.clone().into_data().try_to_vec().unwrap();
    policy.begin(&PROMPTS, true);
    for (symbols, want) in SYMBOLS.iter().zip(want.chunks(ROWS * HEADS)) {
        let mut logits = [f32::NAN; ROWS * SHAPE.actions];
        policy.advance(symbols, &mut logits);
        let found = logits.chunks(SHAPE.actions).zip(policy.values());
        for ((logits, value), want) in found.zip(want.chunks(HEADS)) {
            assert!(logits.iter().chain([value]).zip(want).all(|(a, b)| (a - b).abs() < 1e-5), "{logits:?}");
        }
    }
    let mut gradient = vec![f32::NAN; policy.parameters()];
    policy.backward(&c, &d, &mut gradient).unwrap();
    let gradients = (heads * both).sum().backward();
    let numbers = |w: &Tensor<2>| w.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
    let want: Vec<f32> = weights.iter().flat_map(numbers).collect();
    let largest = want.iter().fold(0f32, |m, g| m.max(g.abs()));
    for (index, (found, want)) in gradient.iter().zip(&want).enumerate() {
        let error = (found - want).abs();
        assert!(error < 1e-4 * want.abs() + 1e-6 * largest, "weight {index}: {found} against {want}");
    }
}

// The cell as PyTorch documents torch.nn.GRU.
#[test]
fn the_recurrent_unit_is_the_plain_one() {
    const HIDDEN: usize = 7;
    let wide = 3 * HIDDEN;
    let shapes =
        [[5, HIDDEN], [HIDDEN, wide], [1, wide], [HIDDEN, wide], [1, wide], [HIDDEN, HEADS], [1, HEADS]];
    let (mut policy, w) = stirred(&Gru { hidden: size(HIDDEN as u32) }, &shapes);
    let device = Device::flex().autodiff();
    let mut state = Tensor::<2>::zeros([ROWS, HIDDEN], &device);
    let mut heads = Vec::new();
    for symbols in &SYMBOLS {
        let index = symbols.iter().map(|&s| i64::from(s)).collect::<Vec<_>>();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [ROWS]), &device);
        let x = w[0].clone().select(0, index).matmul(w[1].clone()) + w[2].clone();
        let h = state.clone().matmul(w[3].clone()) + w[4].clone();
        let part =
            |m: &Tensor<2>, gate: usize| m.clone().slice([0..ROWS, HIDDEN * gate..HIDDEN * (gate + 1)]);
        let r = sigmoid(part(&x, 0) + part(&h, 0));
        let z = sigmoid(part(&x, 1) + part(&h, 1));
        let n = tanh(part(&x, 2) + r * part(&h, 2));
        state = (-z.clone() + 1.0) * n + z * state;
        heads.push(state.clone().matmul(w[5].clone()) + w[6].clone());
    }
    compare(policy.as_mut(), &w, Tensor::cat(heads, 0));
}

// One-hot inputs: the latest symbol, the one before or "none yet", the position.
#[test]
fn the_perceptron_is_the_plain_one() {
    const HIDDEN: usize = 6;
    let known = SHAPE.symbols + 1;
    let wide = 2 * known + SHAPE.horizon;
    let layer = [[HIDDEN, HIDDEN], [1, HIDDEN]];
    let shapes =
        [[wide, HIDDEN], [1, HIDDEN], layer[0], layer[1], layer[0], layer[1], [HIDDEN, HEADS], [1, HEADS]];
    let settings = Mlp { hidden: size(HIDDEN as u32), layers: size(3), context: size(2) };
    let (mut policy, w) = stirred(&settings, &shapes);
    let mut input = vec![0f32; SYMBOLS.len() * ROWS * wide];
    for (index, row) in input.chunks_mut(wide).enumerate() {
        let (t, b) = (index / ROWS, index % ROWS);
        let before = if t == 0 { SHAPE.symbols } else { SYMBOLS[t - 1][b] as usize };
        for hot in [SYMBOLS[t][b] as usize, known + before, 2 * known + t] {
            row[hot] = 1.0;
        }
    }
    let input = TensorData::new(input, [SYMBOLS.len() * ROWS, wide]);
    let mut x = Tensor::<2>::from_data(input, &Device::flex().autodiff());
    for layer in 0..3 {
        x = tanh(x.matmul(w[2 * layer].clone()) + w[2 * layer + 1].clone());
    }
    compare(policy.as_mut(), &w, x.matmul(w[6].clone()) + w[7].clone());
}
