//! The limit on a gradient's norm.

/// What a gradient over all weights together is multiplied by so that its norm is at most `largest`; `None` where it already is.
pub(in crate::trainers) fn shrinkage(gradient: impl Iterator<Item = f32>, largest: f64) -> Option<f32> {
    let norm = gradient.map(|g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    (norm > largest).then(|| (largest / norm) as f32)
}
