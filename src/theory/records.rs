//! The cost and the reach of reading every rollout that enters the k highest scores seen so far (the auditor `records`).
//!
//! Where benign scores are exchangeable and ties are broken at random, the rank of the nth among the first n is uniform on
//! 1 … n and independent of the ranks before it (Rényi 1962). So whether the nth enters the k highest is an independent
//! coin with P = min(1, k/n), whatever the scores' law. For N rollouts of which the first n₀ are the reference's, the
//! looks at n₀ + 1 … N have
//!
//! - mean Σ min(1, k/n), which is k·(H_N − H_n₀) ≈ k·ln(N/n₀) where k ≤ n₀ (k-records: Nevzorov 2001),
//! - variance Σ (k/n)·(1 − k/n) over n > k.
//!
//! Reading the reference's own top first costs min(k, n₀) looks more. A confirmed hack leaves the ranking, so that only
//! benign rollouts count in n.
//!
//! A hack whose score a benign one exceeds with probability s, sampled as rollout n, is looked at if fewer than k of the
//! n − 1 before it are higher: with P(Bin(n − 1, s) < k), which falls with n.
//!
//! Scores that drift are not exchangeable. If rollout i has the maximum's law of αᵢ earlier ones, as a shift by ln αᵢ
//! scales makes of an exponential tail, it is a record with αₙ/(α₁ + … + αₙ) (Yang 1975; Nevzorov 2001), and where k ≪ n it
//! enters the k highest with k times that. A rise by d scales since the reference therefore adds at most k·d to the mean,
//! whenever it comes; a steady rise by c a rollout adds k·c a rollout, for ever.

use super::TheoryError;
use super::error::{open_share, require};
use crate::foundation::binomial;

/// Terms up to here are summed, those above follow from the series.
const SUMMED: u64 = 128;

/// The rollouts that an audit by records sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Records {
    rollouts: u64,
    reference: u64,
    read_reference: bool,
}

/// Looks at benign rollouts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looks {
    /// Their expected number, with those at the reference.
    pub expected: f64,
    /// Its standard deviation.
    pub sd: f64,
    /// Those of them that are at the reference; their number is certain.
    pub reference: u64,
}

impl Records {
    /// `rollouts` in all, the first `reference` of them the reference's, whose top is read first if `read_reference`.
    ///
    /// # Errors
    /// No rollout after the reference; 2⁵³ rollouts or more.
    pub fn new(rollouts: u64, reference: u64, read_reference: bool) -> Result<Self, TheoryError> {
        let range =
            format!("a whole number above the {reference} of the reference, which it includes, below 2^53,");
        require("rollouts", rollouts as f64, reference < rollouts && rollouts < 1 << 53, &range)?;
        Ok(Self { rollouts, reference, read_reference })
    }

    /// The same for `own` rollouts after the reference, as far as they can be told apart: at least one, and 2⁵³ − 1 in all.
    pub fn after(reference: u64, own: u64, read_reference: bool) -> Self {
        let rollouts = reference.saturating_add(own.max(1)).min((1 << 53) - 1);
        Self { rollouts, reference: reference.min(rollouts - 1), read_reference }
    }

    /// What is looked at with `k` places, of 1 or more.
    pub fn looks(&self, k: u64) -> Looks {
        let Self { rollouts, reference, .. } = *self;
        // Up to here everything enters.
        let from = reference.max(k).min(rollouts);
        let (mean, variance) = entries(from, rollouts, k);
        let read = if self.read_reference { k.min(reference) } else { 0 };
        Looks {
            expected: read as f64 + (from - reference) as f64 + mean,
            sd: variance.max(0.0).sqrt(),
            reference: read,
        }
    }

    /// The number of places, as a real number, at which `budget` benign looks are expected: budget/(H_N − H_n₀), or
    /// budget/(1 + H_N − H_n₀) with the reference read, where that is at most n₀; linear between whole numbers above.
    ///
    /// # Errors
    /// A budget that is no number above 0, or as large as all that can be looked at.
    pub fn places(&self, budget: f64) -> Result<f64, TheoryError> {
        let all = self.looks(self.rollouts).expected;
        let range = format!("a number above 0, below the {all} that are looked at where all are,");
        require("benign-looks", budget, budget > 0.0 && budget < all, &range)?;
        let whole = self.most(budget);
        let expected = |k: u64| if k == 0 { 0.0 } else { self.looks(k).expected };
        let (below, above) = (expected(whole), expected(whole + 1));
        Ok(whole as f64 + (budget - below) / (above - below))
    }

    /// The number of places that is used: the largest whole number at which at most `budget` benign looks are expected,
    /// and at least 1; as many as there are rollouts where the budget is enough to look at all.
    ///
    /// # Errors
    /// A budget that is no number above 0.
    pub fn whole_places(&self, budget: f64) -> Result<u64, TheoryError> {
        require("benign-looks", budget, budget > 0.0, "a number above 0,")?;
        Ok(self.affordable(budget))
    }

    /// [`Records::whole_places`] of a budget that is known to be above 0.
    pub fn affordable(&self, budget: f64) -> u64 {
        self.most(budget).max(1)
    }

    /// The largest k at which at most `budget` is expected; 0 if there is none.
    fn most(&self, budget: f64) -> u64 {
        if budget >= self.looks(self.rollouts).expected {
            return self.rollouts;
        }
        let (mut low, mut high) = (0, self.rollouts);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            // k = 2 may cost exactly what is asked for; rounding must not make it 1.
            if self.looks(middle).expected <= budget * (1.0 + 1e-12) { low = middle } else { high = middle }
        }
        low
    }
}

/// P(Bin(n − 1, s) < k): that a hack is looked at with `k` places if it is sampled as `rollout` n and a benign score
/// exceeds its own with probability `score_tail`.
///
/// # Errors
/// A tail that is no probability between 0 and 1.
pub fn looked_at(k: u64, rollout: u64, score_tail: f64) -> Result<f64, TheoryError> {
    open_share("score-tail", score_tail)?;
    Ok(if k == 0 { 0.0 } else { binomial::cdf(rollout.saturating_sub(1), score_tail, k - 1) })
}

/// Mean and variance of how many of the rollouts `from` + 1 … `to` enter `k` places, where k ≤ `from`.
fn entries(from: u64, to: u64, k: u64) -> (f64, f64) {
    let k = k as f64;
    let start = from.max(SUMMED).min(to);
    let (mut mean, mut variance) = (0.0, 0.0);
    for n in (from + 1..=start).rev() {
        let p = k / n as f64;
        mean += p;
        variance += p * (1.0 - p);
    }
    if start < to {
        let (ones, squares) = series(start as f64, to as f64);
        mean += k * ones;
        variance += k * (ones - k * squares);
    }
    (mean, variance)
}

/// Σ 1/n and Σ 1/n² over n = m + 1 … t by Euler and Maclaurin's formula, m ≥ [`SUMMED`]: the first omitted terms are below
/// 10⁻¹⁶ of the sums.
fn series(m: f64, t: f64) -> (f64, f64) {
    let (a, b) = (1.0 / m, 1.0 / t);
    // a − b and what it factors out of differences of powers, without cancellation.
    let gap = (t - m) / m / t;
    let squares = gap * (a + b);
    let cubes = gap * (a * a + a * b + b * b);
    let fourths = squares * (a * a + b * b);
    let fifths = a.powi(5) - b.powi(5);
    let ones = ((t - m) / m).ln_1p() - gap / 2.0 + squares / 12.0 - fourths / 120.0;
    (ones, gap - squares / 2.0 + cubes / 6.0 - fifths / 30.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};

    fn records(rollouts: u64, reference: u64) -> Records {
        Records::new(rollouts, reference, false).unwrap()
    }

    /// What is looked at of `scores` from place `reference` on; ties by a coin each.
    fn simulated(scores: &[f64], coins: &[f64], reference: usize, k: usize) -> usize {
        let mut top: Vec<(f64, f64)> = Vec::new();
        let mut looks = 0;
        for (n, score) in scores.iter().copied().zip(coins.iter().copied()).enumerate() {
            let place = top.partition_point(|other| *other > score);
            if place < k {
                top.insert(place, score);
                top.truncate(k);
                looks += usize::from(n >= reference);
            }
        }
        looks
    }

    fn fill(stream: &mut Stream, n: usize) -> Vec<f64> {
        (0..n).map(|_| stream.open_unit()).collect()
    }

    #[test]
    fn sums_agree_with_the_terms_one_by_one() {
        for (reference, rollouts) in
            [(0, 1), (0, 200_000), (10, 300), (127, 129), (128, 129), (20_000, 100_000)]
        {
            for k in [1, 2, 7, 128, 1000] {
                let terms = || (reference + 1..=rollouts).rev().map(|n| (k as f64 / n as f64).min(1.0));
                let (mean, variance): (f64, f64) = (terms().sum(), terms().map(|p| p * (1.0 - p)).sum());
                let got = records(rollouts, reference).looks(k);
                assert!(
                    (got.expected / mean - 1.0).abs() < 1e-12,
                    "{reference} {rollouts} {k}: {got:?} {mean}"
                );
                assert!(
                    (got.sd.powi(2) - variance).abs() < 1e-12 * (1.0 + variance),
                    "{k}: {got:?} {variance}"
                );
            }
        }
        // ln 10¹² + γ, and ten terms at the far end.
        let all = records(1_000_000_000_000, 0).looks(1).expected;
        assert!((all - 28.208236780830587).abs() < 1e-12, "{all}");
        let last = records(1_000_000_000_000, 999_999_999_990).looks(3).expected;
        assert!((last / 30e-12 - 1.0).abs() < 1e-10, "{last}");
    }

    #[test]
    fn records_are_counted_as_renyi_has_them() {
        // 4000 runs a case: the mean within 3 standard errors, the standard deviation within 4% (3.6 of its own).
        let laws = ["normal", "student_t:df=1.5", "log_normal"];
        for (i, (rollouts, reference, k)) in [(400, 20, 1), (400, 20, 5), (60, 3, 9)].into_iter().enumerate()
        {
            let law: DistributionSpec = laws[i].parse().unwrap();
            let mut stream = SeedTree::new(12, i as u64).stream(Purpose::Utility, 0);
            let (mut sum, mut squares) = (0.0, 0.0);
            let mut scores = vec![0.0; rollouts];
            for _ in 0..4000 {
                law.part().fill(&mut scores, &mut stream);
                let looks = simulated(&scores, &vec![0.0; rollouts], reference, k) as f64;
                sum += looks;
                squares += looks * looks;
            }
            let mean = sum / 4000.0;
            let sd = (squares / 4000.0 - mean * mean).sqrt();
            let exact = records(rollouts as u64, reference as u64).looks(k as u64);
            assert!(
                (mean - exact.expected).abs() < 3.0 * exact.sd / 4000f64.sqrt(),
                "{mean} ± {sd}: {exact:?}"
            );
            assert!((sd / exact.sd - 1.0).abs() < 0.04, "{mean} ± {sd}: {exact:?}");
        }
    }

    #[test]
    fn ties_at_random_change_nothing() {
        // All sequences of six coin flips, biased: the last enters with the share of its ties that the places left hold.
        for bias in [0.2f64, 0.5, 0.9] {
            for k in 1..=6 {
                for n in 1..=6usize {
                    let mut chance = 0.0;
                    for flips in 0..1u32 << n {
                        let ones = flips.count_ones() as usize;
                        let last = flips >> (n - 1) == 1;
                        let (higher, equal) = if last { (0, ones) } else { (ones, n - ones) };
                        let places = k.min(n).saturating_sub(higher) as f64;
                        let weight = bias.powi(ones as i32) * (1.0 - bias).powi((n - ones) as i32);
                        chance += weight * (places / equal as f64).min(1.0);
                    }
                    let one = Records::new(n as u64, n as u64 - 1, false).unwrap().looks(k as u64).expected;
                    assert!((chance - one).abs() < 1e-14, "{bias} {k} {n}: {chance} {one}");
                }
            }
        }
        // And the simulation's coins are such ties: 4000 runs of Bernoulli scores, 3 standard errors.
        let tree = SeedTree::new(13, 0);
        let [mut scores, mut coins] = [Purpose::Utility, Purpose::Audit].map(|p| tree.stream(p, 0));
        let exact = records(300, 10).looks(3);
        let mut looks = 0;
        for _ in 0..4000 {
            let flips: Vec<f64> =
                fill(&mut scores, 300).iter().map(|u| f64::from(u8::from(*u < 0.2))).collect();
            looks += simulated(&flips, &fill(&mut coins, 300), 10, 3);
        }
        let mean = looks as f64 / 4000.0;
        assert!((mean - exact.expected).abs() < 3.0 * exact.sd / 4000f64.sqrt(), "{mean} {exact:?}");
    }

    #[test]
    fn a_hack_is_looked_at_where_fewer_than_k_are_higher() {
        // Every subset of nine earlier rollouts that are higher.
        for s in [0.05f64, 0.3, 0.8] {
            for k in 1..=10u64 {
                let direct: f64 = (0..1u32 << 9)
                    .filter(|set| u64::from(set.count_ones()) < k)
                    .map(|set| s.powi(set.count_ones() as i32) * (1.0 - s).powi(9 - set.count_ones() as i32))
                    .sum();
                assert!((looked_at(k, 10, s).unwrap() - direct).abs() < 1e-13, "{s} {k}");
            }
        }
        assert_eq!(looked_at(1, 1, 0.9), Ok(1.0));
        assert_eq!(looked_at(5, 5, 0.9), Ok(1.0));
        let late = |n: u64| looked_at(5, n, 1e-4).unwrap();
        assert!(late(100) > late(10_000) && late(10_000) > late(1_000_000));
        assert!(late(1_000_000_000_000) < 1e-12);
    }

    #[test]
    fn a_budget_buys_places() {
        // 20,000 reference rollouts, then 57,600: H_N − H_n₀ = 1.355817.
        let plain = records(77_600, 20_000);
        let one = plain.looks(1).expected;
        assert!((one - (77_600f64 / 20_000.0).ln()).abs() < 1e-4);
        assert!((plain.places(20.0).unwrap() - 20.0 / one).abs() < 1e-9);
        assert_eq!(plain.whole_places(20.0), Ok(14));
        let read = Records::new(77_600, 20_000, true).unwrap();
        assert!((read.places(20.0).unwrap() - 20.0 / (1.0 + one)).abs() < 1e-9);
        assert_eq!((read.whole_places(20.0), read.looks(8).reference), (Ok(8), 8));
        assert!((read.looks(8).expected - 8.0 * (1.0 + one)).abs() < 1e-9);
        // Too little for one place: it is one all the same.
        assert_eq!(plain.whole_places(0.5), Ok(1));
        assert!((plain.places(0.5).unwrap() - 0.5 / one).abs() < 1e-9);
        // Exactly what three places cost buys three.
        for k in 1..200 {
            assert_eq!(plain.whole_places(plain.looks(k).expected), Ok(k));
        }
        // More places than reference rollouts: everything enters until they are full.
        let few = records(1000, 10);
        let k = few.places(300.0).unwrap();
        let whole = few.whole_places(300.0).unwrap();
        assert_eq!(k as u64, whole);
        assert!(few.looks(whole).expected <= 300.0 && few.looks(whole + 1).expected > 300.0);
        assert_eq!(few.looks(1000), Looks { expected: 990.0, sd: 0.0, reference: 0 });
        // A budget for all is for all, and one that is a little less for almost all.
        for budget in [990.0, 1e4, 1e308, f64::INFINITY] {
            assert_eq!(few.whole_places(budget), Ok(1000), "{budget}");
        }
        assert!((900..1000).contains(&few.whole_places(989.0).unwrap()));
        let endless = Records::after(u64::MAX, u64::MAX, true);
        assert_eq!(endless.affordable(f64::INFINITY), (1 << 53) - 1);
        assert_eq!(Records::after(10, 990, false), few);
    }

    #[test]
    fn a_rise_costs_at_most_k_looks_a_scale() {
        // Gumbel scores, k = 1: a jump by 2 after the reference, a steady rise to 2. 4000 runs, 3 standard errors.
        let mut stream = SeedTree::new(14, 0).stream(Purpose::Error, 0);
        let (n, reference) = (400, 40);
        let paths: [fn(usize) -> f64; 2] = [|_| 2.0, |i| 2.0 * (i + 1) as f64 / 360.0];
        for path in paths {
            let rise = |i: usize| if i < reference { 0.0 } else { path(i - reference) };
            let (mut before, mut exact, mut variance) = (0.0, 0.0, 0.0);
            for i in 0..n {
                let weight = rise(i).exp();
                before += weight;
                if i >= reference {
                    let p = weight / before;
                    exact += p;
                    variance += p * (1.0 - p);
                }
            }
            let mut looks = 0;
            for _ in 0..4000 {
                let uniform = fill(&mut stream, n);
                let scores: Vec<f64> =
                    uniform.iter().enumerate().map(|(i, u)| rise(i) - (-u.ln()).ln()).collect();
                looks += simulated(&scores, &vec![0.0; n], reference, 1);
            }
            let mean = f64::from(looks as u32) / 4000.0;
            assert!((mean - exact).abs() < 3.0 * (variance / 4000.0).sqrt(), "{mean} {exact}");
            let level = records(n as u64, reference as u64).looks(1).expected;
            assert!(exact > level + 0.5 && exact < level + 2.0, "{exact} {level}");
        }
    }

    #[test]
    fn faults_are_named() {
        let error = |n, n0| Records::new(n, n0, false).unwrap_err().to_string();
        assert!(error(10, 10).contains("rollouts is 10; a whole number above the 10 of the reference"));
        assert!(error(0, 0).contains("rollouts is 0"));
        assert!(error(1 << 53, 0).contains("2^53"));
        for budget in [0.0, -1.0, f64::NAN, f64::INFINITY, 90.0] {
            let error = records(100, 10).places(budget).unwrap_err().to_string();
            assert!(error.contains("benign-looks is") && error.contains("below the 90"), "{error}");
        }
        for budget in [0.0, -1.0, f64::NAN] {
            let error = records(100, 10).whole_places(budget).unwrap_err().to_string();
            assert!(error.contains("benign-looks is"), "{error}");
        }
        for tail in [0.0, 1.0, f64::NAN] {
            assert!(looked_at(1, 10, tail).unwrap_err().to_string().contains("score-tail is"));
        }
    }
}
