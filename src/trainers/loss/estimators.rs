//! Per-rollout estimates of KL(π‖π₀) and their derivatives (Schulman 2020, "Approximating KL divergence").

use super::kl::Estimator;

/// The estimate of one rollout, from ln π and ln π₀ of what was sampled; `None` for the exact sum, which no single
/// rollout has.
pub fn estimate(estimator: Estimator, log_prob: f64, ref_log_prob: f64) -> Option<f64> {
    let log_ratio = ref_log_prob - log_prob;
    match estimator {
        Estimator::Exact => None,
        Estimator::K1 => Some(-log_ratio),
        Estimator::K2 => Some(0.5 * log_ratio * log_ratio),
        Estimator::K3 => Some(log_ratio.exp_m1() - log_ratio),
    }
}

/// Derivative of the estimate in ln π; 0 for the exact sum.
pub fn slope(estimator: Estimator, log_prob: f64, ref_log_prob: f64) -> f64 {
    let log_ratio = ref_log_prob - log_prob;
    match estimator {
        Estimator::Exact => 0.0,
        Estimator::K1 => 1.0,
        Estimator::K2 => -log_ratio,
        Estimator::K3 => -log_ratio.exp_m1(),
    }
}

/// Derivative in ln π of the k3 estimate times r = exp(`log_ratio`), the ratio of π to the policy that sampled (TRL's bias
/// correction; DeepSeek-AI 2025, V3.2): r·(ln π − ln π₀), of which the mean over what was sampled is the gradient of KL(π‖π₀).
pub fn corrected_slope(log_ratio: f64, log_prob: f64, ref_log_prob: f64) -> f64 {
    log_ratio.exp() * (log_prob - ref_log_prob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corrected_slope_is_the_derivative_of_ratio_times_k3() {
        let (old, reference, h) = (-0.9, -2.1, 1e-6);
        for log_prob in [-1.3, -0.9, -3.0] {
            let at = |x: f64| (x - old).exp() * estimate(Estimator::K3, x, reference).unwrap();
            let numeric = (at(log_prob + h) - at(log_prob - h)) / (2.0 * h);
            let slope = corrected_slope(log_prob - old, log_prob, reference);
            assert!((numeric - slope).abs() < 1e-8, "{log_prob}: {slope} against {numeric}");
        }
    }

    #[test]
    fn slopes_are_the_derivatives() {
        let (log_prob, reference, h) = (-1.3, -2.1, 1e-6);
        for estimator in [Estimator::K1, Estimator::K2, Estimator::K3] {
            let at = |x| estimate(estimator, x, reference).unwrap();
            let numeric = (at(log_prob + h) - at(log_prob - h)) / (2.0 * h);
            assert!((numeric - slope(estimator, log_prob, reference)).abs() < 1e-8, "{estimator:?}");
        }
    }

    #[test]
    fn k3_is_never_negative_and_all_vanish_at_the_reference() {
        for estimator in [Estimator::K1, Estimator::K2, Estimator::K3] {
            assert_eq!(estimate(estimator, -3.0, -3.0), Some(0.0));
        }
        assert!(estimate(Estimator::K3, -5.0, -3.0).unwrap() > 0.0);
        assert!(estimate(Estimator::K1, -5.0, -3.0).unwrap() < 0.0);
    }
}
