//! One prompt's optimum under a divergence penalty at a given multiplier λ.
//!
//! Maximising E\[U\] − λ·D(π‖π₀) over r = π/π₀ with E_π₀\[r\] = 1 gives, with a multiplier ν for the constraint:
//! - D = χ²: r = max(0, 1 + (U − ν)/(2λ)), piecewise linear in ν and so solved exactly from the top down;
//! - D = KL + w·χ²: ln r + 1 + 2w(r − 1) = (U − ν)/λ, whose left side rises strictly in r (r = W(2w·eʸ)/(2w) with
//!   Lambert's W and y = (U − ν)/λ − 1 + 2w), ν by root finding.

use super::ordered::{Group, Ordered};
use crate::foundation::numeric::CompensatedSum;
use crate::foundation::root::root;

/// ln(π/π₀) of a group, once ν is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Solved {
    /// r = 1 + slack + (d − centre)/(2λ), where that is above 0.
    ChiSquared { centre: f64, slack: f64, multiplier: f64 },
    /// η = ν/λ.
    Mixed { eta: f64, weight: f64, multiplier: f64 },
}

impl Solved {
    /// The optimum for D = χ².
    pub fn chi_squared(prompt: &Ordered, multiplier: f64) -> Self {
        // With the k top groups above zero: Σ p·(d − cutoff) = 2λ, and the next group is not above the cutoff.
        let (mut mass, mut first) = (CompensatedSum::default(), CompensatedSum::default());
        let mut solved = Self::ChiSquared { centre: 0.0, slack: 0.0, multiplier };
        let mut groups = prompt.groups.iter().peekable();
        while let Some(group) = groups.next() {
            mass.add(group.mass);
            first.add(group.mass * group.depth);
            let (mass, first) = (mass.value(), first.value());
            solved = Self::ChiSquared { centre: first / mass, slack: group.below / mass, multiplier };
            if groups.peek().is_some_and(|next| 0.5 * (first - mass * next.depth) >= multiplier) {
                break;
            }
        }
        solved
    }

    /// The optimum for D = KL + `weight`·χ².
    pub fn mixed(prompt: &Ordered, weight: f64, multiplier: f64) -> Self {
        let top = prompt.groups.first().map_or(1.0, |top| top.mass);
        let mean: CompensatedSum = prompt.groups.iter().map(|group| group.mass * group.depth).collect();
        // r ≤ 1 at η = −1, where ln r + 2w·r = 2w + d/λ; r is convex in d, so E[r] ≥ 1 where the mean depth has r = 1;
        // and E[r] ≥ 1 where the top group alone has it.
        let low = (mean.value() / multiplier - 1.0)
            .max(top.ln() - 1.0 + 2.0 * weight * (1.0 - 1.0 / top))
            .min(-1.0);
        let excess = |eta: f64| {
            let solved = Self::Mixed { eta, weight, multiplier };
            let total: CompensatedSum =
                prompt.groups.iter().map(|group| group.mass * solved.log_ratio(group).exp()).collect();
            total.value().ln()
        };
        let eta = root(excess, (low, excess(low)), (-1.0, excess(-1.0)), 0.0);
        Self::Mixed { eta, weight, multiplier }
    }

    /// ln(π/π₀) of a group of this prompt.
    pub fn log_ratio(&self, group: &Group) -> f64 {
        match *self {
            Self::ChiSquared { centre, slack, multiplier } => {
                (slack + 0.5 * ((group.depth - centre) / multiplier)).max(-1.0).ln_1p()
            }
            Self::Mixed { eta, weight, multiplier } => {
                mixed_log_ratio(group.depth / multiplier - eta - 1.0 + 2.0 * weight, weight)
            }
        }
    }

    /// KL(π‖π₀) of this prompt.
    pub fn kl(&self, prompt: &Ordered) -> f64 {
        let terms = prompt.groups.iter().map(|group| (group.mass, self.log_ratio(group)));
        let kl: CompensatedSum = terms
            .filter(|(_, ratio)| ratio.is_finite())
            .map(|(mass, ratio)| mass * ratio.exp() * ratio)
            .collect();
        kl.value()
    }
}

/// The ℓ with ℓ + 2w·exp(ℓ) = y: Newton from the right of the root, from where a convex function is never overshot.
fn mixed_log_ratio(y: f64, weight: f64) -> f64 {
    let double = 2.0 * weight;
    let mut point = if y >= double { y.min((y / double).ln()) } else { y.min(0.0) };
    if point == f64::NEG_INFINITY {
        return point;
    }
    for _ in 0..200 {
        let power = double * point.exp();
        let step = (point + power - y) / (1.0 + power);
        point -= step;
        // What is left after a step is below half of its square.
        if step <= 1e-8 {
            break;
        }
    }
    point
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambert_like_equations_are_solved_to_the_last_digits() {
        for weight in [1e-6, 0.1, 1.0, 30.0, 1e4] {
            for want in [-700.0, -30.0, -1.0, -1e-3, 0.0, 0.3, 5.0, 40.0] {
                let y = want + 2.0 * weight * f64::exp(want);
                let found = mixed_log_ratio(y, weight);
                let slack =
                    4e-16 * y.abs() / (1.0 + 2.0 * weight * f64::exp(want)) + 4e-16 * (1.0 + want.abs());
                assert!((found - want).abs() <= slack, "w = {weight}, {want}: {found}");
            }
        }
        assert_eq!(mixed_log_ratio(f64::NEG_INFINITY, 1.0), f64::NEG_INFINITY);
    }
}
