//! A distribution as a reference and a correction: π ∝ π₀·exp f.

use super::exponential::exp;

/// What is summed over the actions of one state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settled {
    /// ln Σ π₀·exp f, in nats: ln π = ln π₀ + f − this.
    pub log_total: f64,
    /// KL(π‖π₀), in nats.
    pub kl: f64,
    /// Entropy of π, in nats.
    pub entropy: f64,
}

/// Writes π from ln π₀ and f, and gives what is summed over its actions. All slices have one entry an action.
pub fn settle(reference: &[f64], correction: &[f32], prob: &mut [f64]) -> Settled {
    let mut max = f64::NEG_INFINITY;
    for ((p, r), f) in prob.iter_mut().zip(reference).zip(correction) {
        *p = r + f64::from(*f);
        max = max.max(*p);
    }
    let mut total = 0.0;
    for p in prob.iter_mut() {
        *p = exp(*p - max);
        total += *p;
    }
    let (scale, log_total) = (1.0 / total, max + total.ln());
    let (mut mean, mut cross) = (0.0, 0.0);
    for ((p, r), f) in prob.iter_mut().zip(reference).zip(correction) {
        *p *= scale;
        if *p > 0.0 {
            mean += *p * f64::from(*f);
            cross += *p * r;
        }
    }
    // ln π = ln π₀ + f − ln Σ: KL is the mean of f − ln Σ, and the entropy what that leaves of −Σ π ln π₀.
    let kl = (mean - log_total).max(0.0);
    Settled { log_total, kl, entropy: -cross - kl }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_correction_gives_the_reference_and_a_correction_what_is_worked_out_by_hand() {
        let reference = [0.5f64.ln(), 0.3f64.ln(), 0.2f64.ln()];
        let mut prob = [0.0; 3];
        let settled = settle(&reference, &[0.0; 3], &mut prob);
        assert!(settled.kl < 1e-15 && settled.log_total.abs() < 1e-15);
        assert!((prob[1] - 0.3).abs() < 1e-15);
        // Weights .5, .3·e, .2: π of the second is .3e/(.7 + .3e).
        let settled = settle(&reference, &[0.0, 1.0, 0.0], &mut prob);
        let e = 1f64.exp();
        let (total, p) = (0.7 + 0.3 * e, [0.5, 0.3 * e, 0.2].map(|w| w / (0.7 + 0.3 * e)));
        assert!(prob.iter().zip(p).all(|(a, b)| (a - b).abs() < 1e-15));
        let kl: f64 = p.iter().zip(reference).map(|(p, r)| p * (p.ln() - r)).sum();
        let entropy: f64 = -p.iter().map(|p| p * p.ln()).sum::<f64>();
        assert!((settled.kl - kl).abs() < 1e-15 && (settled.entropy - entropy).abs() < 1e-15);
        assert!((settled.log_total - total.ln()).abs() < 1e-15);
    }
}
