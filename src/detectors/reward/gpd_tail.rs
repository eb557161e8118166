//! Peaks over threshold: how improbable is this reward under the tail of the calibration rewards?

use crate::detectors::input::{digits, digits_at, finite, proxy, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::foundation::scalar::OpenProbability;
use crate::foundation::{numeric, order};
use crate::record::{Observed, Scores};
use crate::tails::{GpdFit, fit_gpd, fit_pwm, support};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A generalised Pareto tail fitted to the top `tail_fraction` of the calibration rewards (Pickands 1975;
/// Davison & Smith 1990).
///
/// The p-value of a reward is P(U > u) under calibration: above the threshold x, p = (k/n)·(1 + ξ·(u − x)/σ)^(−1/ξ), the share k/n of calibration
/// rewards there times the fitted tail; below it the rank (1 + #{calibration ≥ u})/(n + 1). The score is −ln p as long as
/// f64 can hold p; beyond that point (past the end of a bounded tail, too) it goes on rising by one for each fitted
/// scale σ, so that it stays finite and ordered. Contamination of the calibration rollouts can mask exploits: audit
/// their top.
///
/// Where the likelihood has no maximum, as happens with few excesses of a tail that ends, the fit is that by weighted
/// moments; where that tail would end below a calibration reward, the exponential one of the same mean, which is heavier. Refuses
/// with [`Status::TooFew`] under 10 excesses, [`Status::AllTied`] or [`Status::Discrete`] where rewards are a ladder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GpdTail {
    /// Share of the calibration rewards taken as the tail.
    pub tail_fraction: OpenProbability,
}

impl Default for GpdTail {
    fn default() -> Self {
        Self { tail_fraction: OpenProbability::known(crate::tails::TAIL_FRACTION) }
    }
}

impl Detector for GpdTail {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn row_wise(&self) -> bool {
        true
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        fitted(proxy(calibration).and_then(|rewards| self.tail(&order::sorted(rewards))))
    }
    fn fit_rewards(&self, ascending: &[f64]) -> Option<Fitted> {
        Some(fitted(self.tail(ascending)))
    }
}

impl GpdTail {
    fn tail(&self, ascending: &[f64]) -> Result<Tail, Status> {
        Tail::of(ascending.iter().copied().map(finite).collect(), self.tail_fraction.get())
    }
}

fn fitted(tail: Result<Tail, Status>) -> Fitted {
    match tail {
        Ok(tail) => Fitted::Ready(Box::new(tail)),
        Err(status) => Fitted::Refused(status),
    }
}

/// −ln of the smallest positive f64, rounded down: up to here the score is −ln p.
const DEEPEST: f64 = 744.0;

/// Calibration rewards for each of a batch up to which cells save more than they cost.
const WORTH: usize = 16;

struct Tail {
    ascending: Vec<f64>,
    /// Made for the first batch that is large enough to be worth it.
    cells: Option<Cells>,
    fit: GpdFit,
    /// −ln of the share of calibration rewards above the threshold.
    neg_ln_share: f64,
    /// The reward at which −ln p reaches `DEEPEST`; +∞ where f64 ends first.
    deepest: f64,
}

impl Tail {
    fn of(ascending: Vec<f64>, tail_fraction: f64) -> Result<Self, Status> {
        let n = ascending.len();
        let k = ((n as f64 * tail_fraction) as usize).min(n.saturating_sub(1));
        let Some(&threshold) = n.checked_sub(k + 1).and_then(|i| ascending.get(i)) else {
            return Err(Status::TooFew {
                what: "calibration rollouts",
                have: n,
                need: crate::tails::MIN_EXCESSES + 1,
            });
        };
        let tail = &ascending[ascending.partition_point(|x| *x <= threshold)..];
        support::check_continuous(&ascending)?;
        support::check_continuous(tail)?;
        let fit = match fit_gpd(tail, threshold) {
            Err(Status::Unbounded) => {
                let excesses: Vec<f64> = tail.iter().map(|x| x - threshold).collect();
                fit_pwm(&excesses, threshold).or_else(|_| exponential(&excesses, threshold))?
            }
            fit => fit?,
        };
        let neg_ln_share = -(fit.k as f64 / n as f64).ln();
        let deepest = fit.upper_quantile(DEEPEST - neg_ln_share);
        Ok(Self { ascending, cells: None, fit, neg_ln_share, deepest })
    }

    /// Number of calibration rewards below `reward`.
    fn below(&self, reward: f64) -> usize {
        let candidates =
            self.cells.as_ref().map_or(0..self.ascending.len(), |cells| cells.candidates(reward));
        let start = candidates.start;
        let near = self.ascending.get(candidates).unwrap_or_default();
        start + near.partition_point(|x| *x < reward)
    }

    /// Score and p-value.
    fn judge(&self, reward: f64) -> (f64, f64) {
        let reward = finite(reward);
        if reward <= self.fit.threshold {
            let below = self.below(reward);
            let n = self.ascending.len();
            let p = (n - below + 1) as f64 / (n + 1) as f64;
            return (-p.ln(), p);
        }
        if reward >= self.deepest {
            let past = (reward - self.deepest) / self.fit.scale;
            return (finite(DEEPEST + past), self.fit.p_value(reward, (-self.neg_ln_share).exp()));
        }
        let score = (self.neg_ln_share + self.fit.neg_ln_sf(reward)).min(DEEPEST);
        (score, (-score).exp())
    }
}

/// The exponential tail with the mean of these excesses.
fn exponential(excesses: &[f64], threshold: f64) -> Result<GpdFit, Status> {
    let k = excesses.len();
    let scale = numeric::sum(excesses.iter().copied()) / k as f64;
    if !(scale > 0.0 && scale.is_finite()) {
        return Err(Status::Unbounded);
    }
    let log_likelihood = -(k as f64) * (scale.ln() + 1.0);
    Ok(GpdFit { xi: 0.0, ci_low: 0.0, ci_high: 0.0, k, scale, threshold, log_likelihood })
}

/// Where to look for a reward among ascending ones: the range of the bulk in cells of equal width, a few values in each.
struct Cells {
    low: f64,
    per_unit: f64,
    /// First value of each cell, and the number of values.
    starts: Vec<u32>,
}

impl Cells {
    fn of(ascending: &[f64]) -> Self {
        let at = |share: f64| ascending.get((ascending.len() as f64 * share) as usize).copied();
        let (low, high) = (at(0.001).unwrap_or(0.0), at(0.999).unwrap_or(0.0));
        let count = (ascending.len() / 2).max(1);
        let per_unit = count as f64 / (high - low);
        let mut cells = Self { low, per_unit, starts: vec![0; count + 1] };
        let mut next = 0;
        for (i, value) in ascending.iter().enumerate() {
            let cell = cells.cell(*value);
            if cell >= next {
                cells.starts[next..=cell].fill(u32::try_from(i).unwrap_or(u32::MAX));
                next = cell + 1;
            }
        }
        cells.starts[next..].fill(u32::try_from(ascending.len()).unwrap_or(u32::MAX));
        cells
    }

    /// Rises with the value; what lies outside is in the first or last cell.
    fn cell(&self, value: f64) -> usize {
        (((value - self.low) * self.per_unit) as usize).min(self.starts.len().saturating_sub(2))
    }

    /// Smaller values lie before this range, larger ones after it.
    fn candidates(&self, value: f64) -> std::ops::Range<usize> {
        let cell = self.cell(value);
        let start = |cell: usize| self.starts.get(cell).map_or(0, |start| *start as usize);
        start(cell)..start(cell + 1)
    }
}

impl Scorer for Tail {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let rewards = proxy(batch)?;
        if self.cells.is_none() && rewards.len() > self.ascending.len() / WORTH {
            self.cells = Some(Cells::of(&self.ascending));
        }
        let (values, p_values) = rewards.iter().map(|&reward| self.judge(reward)).unzip();
        Ok(scores(values)?.with_p_values(p_values))
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let Some(&reward) = batch.proxy.get(row) else { return "absent".into() };
        let (reading, p) = (digits_at(Some(&batch.proxy), row), digits(self.judge(reward).1));
        let (threshold, k) = (digits(self.fit.threshold), self.fit.k);
        if reward <= self.fit.threshold {
            return format!(
                "proxy reward {reading} is not above the tail threshold {threshold}: p = {p} by rank"
            );
        }
        let end = match self.fit.end_point() {
            Some(end) if reward >= end => format!(", past the end of that tail at {}", digits(end)),
            _ => String::new(),
        };
        format!(
            "proxy reward {reading} is above the tail threshold {threshold}; a generalised Pareto tail with ξ {} and \
             scale {} ({k} excesses) gives p = {p}{end}",
            digits(self.fit.xi),
            digits(self.fit.scale),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_of(rewards: Vec<f64>) -> Result<Tail, Status> {
        let calibration = Observed { proxy: rewards, ..Observed::default() };
        GpdTail { tail_fraction: OpenProbability::known(0.05) }.tail(&order::sorted(proxy(&calibration)?))
    }

    #[test]
    fn ranks_are_those_of_a_plain_search() {
        for n in [400, 1001, 5000] {
            // Heavy on both sides, so that most cells are empty and two are full.
            let quantile = |i: usize| (i as f64 + 0.5) / n as f64;
            let heavy = |p: f64| p.powf(-0.7) - (1.0 - p).powf(-0.7);
            let mut tail = tail_of((0..n).map(|i| heavy(quantile(i))).collect()).unwrap();
            let cells = tail.cells.insert(Cells::of(&tail.ascending));
            let low = cells.low;
            let mut points = tail.ascending.clone();
            points.extend(tail.ascending.iter().flat_map(|x| [x.next_down(), x.next_up()]));
            points.extend([f64::MIN, f64::MAX, low]);
            for u in points {
                assert_eq!(tail.below(u), tail.ascending.partition_point(|x| *x < u), "{n} {u}");
            }
        }
    }

    fn assert_rises_everywhere(tail: &Tail) {
        let mut points: Vec<f64> = (-3000..3000).map(|i| f64::from(i) * 0.01).collect();
        points.extend((1..3000).map(|i| 10f64.powf(f64::from(i) * 0.1)));
        points.extend(tail.ascending.iter());
        for near in [tail.fit.threshold, tail.deepest.min(f64::MAX), tail.fit.end_point().unwrap_or(1.0)] {
            points.extend([near.next_down(), near, near.next_up()]);
        }
        points.extend([f64::NEG_INFINITY, f64::INFINITY]);
        points.sort_unstable_by(f64::total_cmp);
        let judged: Vec<(f64, f64)> = points.iter().map(|&u| tail.judge(u)).collect();
        for (i, pair) in judged.windows(2).enumerate() {
            assert!(pair[0].0 <= pair[1].0 && pair[0].1 >= pair[1].1, "{} {:?}", points[i], pair);
        }
        assert!(judged.iter().all(|(s, p)| s.is_finite() && (0.0..=1.0).contains(p)));
    }

    #[test]
    fn score_and_p_value_are_monotone_and_finite_for_bounded_and_heavy_tails() {
        let n = 2000;
        let quantile = |i: usize| (i as f64 + 0.5) / n as f64;
        let bounded = tail_of((0..n).map(|i| -quantile(i).powf(0.3)).collect()).unwrap();
        assert!(bounded.fit.end_point().is_some());
        let end = bounded.fit.end_point().unwrap();
        assert!(bounded.judge(end + 2.0).0 > bounded.judge(end + 1.0).0);
        assert_rises_everywhere(&bounded);
        assert_rises_everywhere(&tail_of((0..n).map(|i| quantile(i).powf(-0.8)).collect()).unwrap());
        assert_rises_everywhere(&tail_of((0..n).map(|i| -quantile(i).ln()).collect()).unwrap());
    }

    #[test]
    fn a_tail_whose_likelihood_has_no_maximum_is_still_judged() {
        // Densities that rise to their end, and the little data of a window.
        for (n, power) in [(400, 0.2), (640, 0.05), (400, 1.0)] {
            let quantile = |i: usize| (i as f64 + 0.5) / n as f64;
            let rewards: Vec<f64> = (0..n).map(|i| -quantile(i).powf(power)).collect();
            let largest = rewards.iter().copied().fold(f64::MIN, f64::max);
            let tail = tail_of(rewards).unwrap();
            assert!(tail.fit.end_point().is_none_or(|end| end > largest), "{n} {power}: {:?}", tail.fit);
            assert!(tail.judge(largest).1 > 1e-5 && tail.judge(largest + 9.0).1 < 1e-5, "{n} {power}");
            assert_rises_everywhere(&tail);
        }
    }

    #[test]
    fn ladders_and_short_calibration_are_refused() {
        assert!(matches!(tail_of(vec![]), Err(Status::TooFew { have: 0, .. })));
        assert!(matches!(tail_of((0..100).map(f64::from).collect()), Err(Status::TooFew { have: 5, .. })));
        assert_eq!(tail_of(vec![1.0; 1000]).err(), Some(Status::AllTied));
        let ladder = (0..1000).map(|i| f64::from(i % 7)).collect();
        assert_eq!(tail_of(ladder).err(), Some(Status::Discrete { distinct: 7 }));
        assert!(matches!(tail_of(vec![f64::NAN; 100]), Err(Status::Undefined { .. })));
    }
}
