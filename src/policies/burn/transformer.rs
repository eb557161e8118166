//! The transformer as burn differentiates it: all positions of all episodes in one forward pass.

use crate::policies::sequence::NotF32;
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Added to the variance that a row is divided by the root of.
pub(in crate::policies) const EPSILON: f32 = 1e-5;
/// GELU(x) ≈ x·σ(x·(SLOPE + CURVE·x²)): Hendrycks & Gimpel 2016, equation 2, with ½(1 + tanh u) = σ(2u).
pub(in crate::policies) const SLOPE: f32 = 1.595_769;
pub(in crate::policies) const CURVE: f32 = 0.071_354_82;

/// Sizes of a layer's attention.
#[derive(Debug, Clone, Copy)]
pub(in crate::policies) struct Sizes {
    pub heads: usize,
    pub depth: usize,
    pub horizon: usize,
}

impl Sizes {
    /// Numbers in a row's queries.
    pub fn inner(self) -> usize {
        self.heads * self.depth
    }
}

/// Matrices of a layer: gain and bias of a normalisation, weights and bias of query, key and value, weights and bias of the way
/// back; then gain and bias, and weights and bias twice, of the feed-forward part.
pub(in crate::policies) const PER_LAYER: usize = 12;

/// Episodes that were recorded; symbols have shape \[positions, rows\].
#[derive(Debug, Clone, Copy)]
pub(in crate::policies) struct Episodes<'a> {
    pub symbols: &'a [u32],
    pub positions: usize,
    pub rows: usize,
}

/// Writes the gradient of Σ slopes·heads in all weights; `slopes` has shape \[positions · rows, heads\].
pub(in crate::policies) fn gradient(
    weights: Vec<Tensor<2>>,
    episodes: Episodes<'_>,
    sizes: Sizes,
    slopes: &[f32],
    gradient: &mut [f32],
) -> Result<(), NotF32> {
    let weights: Vec<Tensor<2>> = weights.into_iter().map(Tensor::require_grad).collect();
    let heads = forward(&weights, episodes, sizes);
    let (shape, device) = (heads.dims(), heads.device());
    let slopes = Tensor::<2>::from_data(TensorData::new(slopes.to_vec(), shape), &device);
    let gradients = (heads * slopes).sum().backward();
    let mut rest = gradient;
    for tensor in &weights {
        let [rows, columns] = tensor.dims();
        let out = rest.split_off_mut(..rows * columns).unwrap_or_default();
        let Some(numbers) = tensor.grad(&gradients) else {
            out.fill(0.0);
            continue;
        };
        let data = numbers.into_data();
        out.copy_from_slice(data.as_slice::<f32>().map_err(|_| NotF32)?);
    }
    Ok(())
}

/// f and value at all positions, shape \[positions · rows, heads\].
pub(in crate::policies) fn forward(weights: &[Tensor<2>], episodes: Episodes<'_>, sizes: Sizes) -> Tensor<2> {
    let Episodes { symbols, positions, rows } = episodes;
    let Sizes { heads, depth, .. } = sizes;
    let device = weights[0].device();
    let index = |numbers: Vec<i64>| {
        let length = numbers.len();
        Tensor::<1, Int>::from_data(TensorData::new(numbers, [length]), &device)
    };
    let shown = index(symbols.iter().map(|&symbol| i64::from(symbol)).collect());
    let places = index((0..symbols.len()).map(|i| (i / rows) as i64).collect());
    let mut stream = weights[0].clone().select(0, shown) + weights[1].clone().select(0, places);
    let future = future(positions, &device);
    let layers = weights[2..].chunks_exact(PER_LAYER);
    let last = layers.remainder();
    for layer in layers {
        let normal = normalise(stream.clone(), &layer[0], &layer[1]);
        let triple = linear(normal, &layer[2], &layer[3]).reshape([positions, rows, 3 * heads, depth]);
        let part = |which: usize| {
            let start = which * heads;
            triple
                .clone()
                .slice([0..positions, 0..rows, start..start + heads, 0..depth])
                .permute([1, 2, 0, 3])
        };
        let scores = part(0).matmul(part(1).swap_dims(2, 3)).div_scalar((depth as f64).sqrt());
        let attended = softmax(scores + future.clone(), 3).matmul(part(2));
        let attended = attended.permute([2, 0, 1, 3]).reshape([positions * rows, heads * depth]);
        stream = stream + linear(attended, &layer[4], &layer[5]);
        let normal = normalise(stream.clone(), &layer[6], &layer[7]);
        let wide = gelu(linear(normal, &layer[8], &layer[9]));
        stream = stream + linear(wide, &layer[10], &layer[11]);
    }
    linear(normalise(stream, &last[0], &last[1]), &last[2], &last[3])
}

/// Far below every score where a position would look at a later one, 0 elsewhere.
fn future(positions: usize, device: &Device) -> Tensor<4> {
    let cell = |i: usize| if i % positions > i / positions { -1e30 } else { 0f32 };
    let numbers: Vec<f32> = (0..positions * positions).map(cell).collect();
    Tensor::from_data(TensorData::new(numbers, [1, 1, positions, positions]), device)
}

fn linear(x: Tensor<2>, weights: &Tensor<2>, bias: &Tensor<2>) -> Tensor<2> {
    x.matmul(weights.clone()) + bias.clone()
}

fn normalise(x: Tensor<2>, gain: &Tensor<2>, bias: &Tensor<2>) -> Tensor<2> {
    let centred = x.clone() - x.mean_dim(1);
    let variance = (centred.clone() * centred.clone()).mean_dim(1);
    centred / variance.add_scalar(EPSILON).sqrt() * gain.clone() + bias.clone()
}

fn gelu(x: Tensor<2>) -> Tensor<2> {
    let square = x.clone() * x.clone();
    x.clone() * sigmoid(x * square.mul_scalar(CURVE).add_scalar(SLOPE))
}
