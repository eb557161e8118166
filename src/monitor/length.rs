//! Reward and length: a flag may only say how long a completion is.

use crate::foundation::numeric;
use crate::foundation::order::ranks;
use crate::record::Observed;

/// How reward and length hang together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LengthCorrelation {
    /// Spearman's rank correlation of the reward.
    pub reward: f64,
    /// The same of what is left of the reward when its least-squares line in the length is taken out.
    pub residual: Option<f64>,
}

/// `None` without lengths, or where rewards or lengths are constant.
pub(super) fn length_correlation(rollouts: &Observed) -> Option<LengthCorrelation> {
    let length = rollouts.length.as_deref()?;
    let reward = spearman(&rollouts.proxy, length)?;
    let (mean_u, mean_l) = (numeric::mean(&rollouts.proxy)?, numeric::mean(length)?);
    let product = numeric::sum(rollouts.proxy.iter().zip(length).map(|(u, l)| (u - mean_u) * (l - mean_l)));
    let slope = product / numeric::sum(length.iter().map(|l| (l - mean_l).powi(2)));
    let residual: Vec<f64> = rollouts.proxy.iter().zip(length).map(|(u, l)| u - slope * l).collect();
    let residual = residual.iter().all(|u| u.is_finite()).then(|| spearman(&residual, length)).flatten();
    Some(LengthCorrelation { reward, residual })
}

/// Spearman's rank correlation; `None` where one side is constant.
pub(super) fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (x, y) = (ranks(a), ranks(b));
    let (mean_x, mean_y) = (numeric::mean(&x)?, numeric::mean(&y)?);
    let product = numeric::sum(x.iter().zip(&y).map(|(x, y)| (x - mean_x) * (y - mean_y)));
    let spread = |v: &[f64], mean: f64| numeric::sum(v.iter().map(|v| (v - mean).powi(2)));
    let scale = (spread(&x, mean_x) * spread(&y, mean_y)).sqrt();
    (scale > 0.0).then(|| product / scale)
}
