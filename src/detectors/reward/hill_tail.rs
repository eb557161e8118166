//! A Pareto tail by Hill's estimator: how improbable is this reward if the calibration's tail goes on as it began?

use crate::detectors::input::{digits, digits_at, finite, proxy, rank_p_value, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order;
use crate::foundation::rng::Stream;
use crate::foundation::scalar::OpenProbability;
use crate::record::{Observed, Scores};
use crate::tails::{TAIL_FRACTION, hill, support};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// P(U > u) = (k/n)·(u/x)^(−1/ξ) above x, the (k + 1)-th largest of n calibration rewards, with ξ by Hill (1975); the
/// score is −ln P (Weissman 1978, *JASA* 73:812, inverts the same law for quantiles).
///
/// Below x the p-value is the rank (1 + #{calibration ≥ u})/(n + 1). It takes the tail for a power law: exact for a
/// Pareto, and too forgiving where the tail is lighter (ξ never comes out 0), so `gpd_tail` is the one to trust then.
/// Adding a constant to all rewards changes ξ.
///
/// Refuses with [`Status::TooFew`] under 10 excesses, [`Status::Undefined`] where the threshold is not positive,
/// [`Status::AllTied`], [`Status::Discrete`] or [`Status::Clipped`] where rewards are a ladder or end at a ceiling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HillTail {
    /// Share of the calibration rewards taken as the tail.
    pub tail_fraction: OpenProbability,
}

impl Default for HillTail {
    fn default() -> Self {
        Self { tail_fraction: OpenProbability::known(TAIL_FRACTION) }
    }
}

impl Detector for HillTail {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match Power::of(calibration, self.tail_fraction.get()) {
            Ok(power) => Fitted::Ready(Box::new(power)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Power {
    ascending: Vec<f64>,
    k: usize,
    threshold: f64,
    xi: f64,
    /// ln(n/k).
    neg_ln_share: f64,
}

impl Power {
    fn of(calibration: &Observed, tail_fraction: f64) -> Result<Self, Status> {
        let mut descending: Vec<f64> =
            order::descending(proxy(calibration)?).into_iter().map(finite).collect();
        let n = descending.len();
        let k = (n as f64 * tail_fraction) as usize;
        support::check_tail(&descending, k)?;
        let xi = hill(&descending, k)?.xi;
        let threshold = descending.get(k).copied().unwrap_or(f64::MAX);
        descending.reverse();
        Ok(Self { ascending: descending, k, threshold, xi, neg_ln_share: (n as f64 / k as f64).ln() })
    }

    fn judge(&self, reward: f64) -> f64 {
        let reward = finite(reward);
        if reward > self.threshold {
            self.neg_ln_share + (reward.ln() - self.threshold.ln()) / self.xi
        } else {
            -rank_p_value(&self.ascending, reward).ln()
        }
    }
}

impl Scorer for Power {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let values: Vec<f64> = proxy(batch)?.iter().map(|&reward| self.judge(reward)).collect();
        let p_values = values.iter().map(|score| (-score).exp()).collect();
        Ok(scores(values)?.with_p_values(p_values))
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let Some(&reward) = batch.proxy.get(row) else { return "absent".into() };
        let (reading, threshold) = (digits_at(Some(&batch.proxy), row), digits(self.threshold));
        let p = digits((-self.judge(reward)).exp());
        if reward <= self.threshold {
            return format!(
                "proxy reward {reading} is not above the tail threshold {threshold}: p = {p} by rank"
            );
        }
        format!(
            "proxy reward {reading} is {} times the tail threshold {threshold}; a power law with Hill's ξ {} ({} \
             excesses) gives p = {p}",
            digits(finite(reward) / self.threshold),
            digits(self.xi),
            self.k,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(rewards: Vec<f64>) -> Result<Power, Status> {
        Power::of(&Observed { proxy: rewards, ..Observed::default() }, 0.05)
    }

    /// Quantiles of the Pareto law with P(U > u) = u^(−2).
    fn pareto(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i as f64 + 0.5) / n as f64).powf(-0.5)).collect()
    }

    #[test]
    fn the_tail_of_a_pareto_is_its_own() {
        let tail = power(pareto(20_000)).unwrap();
        assert!((tail.xi - 0.5).abs() < 0.005, "{}", tail.xi);
        for u in [5.0, 50.0, 1e6] {
            assert!((tail.judge(u) / (2.0 * f64::ln(u)) - 1.0).abs() < 0.01, "{u}: {}", tail.judge(u));
        }
    }

    #[test]
    fn scores_rise_with_the_reward_and_stay_finite() {
        let tail = power(pareto(2000)).unwrap();
        let mut points: Vec<f64> = tail.ascending.clone();
        points.extend((-300..300).map(|i| 10f64.powi(i)));
        points.extend([
            tail.threshold.next_down(),
            tail.threshold.next_up(),
            f64::INFINITY,
            f64::NEG_INFINITY,
            -1.0,
        ]);
        points.sort_unstable_by(f64::total_cmp);
        let made: Vec<f64> = points.iter().map(|&u| tail.judge(u)).collect();
        assert!(made.windows(2).all(|pair| pair[0] <= pair[1]) && made.iter().all(|s| s.is_finite()));
    }

    #[test]
    fn where_hill_is_not_defined_there_is_a_status() {
        assert!(matches!(power(vec![]), Err(Status::TooFew { have: 0, .. })));
        assert!(matches!(power((1..=100).map(f64::from).collect()), Err(Status::TooFew { have: 5, .. })));
        let negative = pareto(2000).iter().map(|u| u - 100.0).collect();
        assert!(matches!(power(negative), Err(Status::Undefined { .. })));
        assert_eq!(power(vec![1.0; 1000]).err(), Some(Status::AllTied));
        let ceiling = pareto(2000).iter().map(|u| u.min(6.0)).collect();
        assert!(matches!(power(ceiling), Err(Status::Clipped { at: 6.0, .. })));
        assert!(matches!(power(vec![f64::NAN; 100]), Err(Status::Undefined { .. })));
    }
}
