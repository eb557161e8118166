//! Fractions of runs, with intervals that hold for few runs and for fractions near 0 and 1.

use crate::foundation::binomial;
use crate::foundation::bootstrap::Interval;
use crate::foundation::failure::Status;
use crate::foundation::root::crossing;
use crate::foundation::scalar::OpenProbability;
use statrs::function::erf::erfc_inv;
use std::f64::consts::SQRT_2;

/// A fraction with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// Trials that came true.
    pub hits: u64,
    /// Trials.
    pub trials: u64,
    /// hits/trials.
    pub value: f64,
    /// Confidence interval.
    pub interval: Interval,
    /// How the interval was made: `wilson`, or `rule of three` where all trials or none came true.
    pub method: &'static str,
}

/// The fraction `hits`/`trials` with the interval to report: [`wilson`], but at 0 or all hits the one-sided exact
/// bound of [`rule_of_three`], the other end being the fraction itself.
///
/// [`Status::TooFew`] without trials, [`Status::Undefined`] with more hits than trials.
pub fn proportion(hits: u64, trials: u64, confidence: OpenProbability) -> Result<Proportion, Status> {
    let scored = wilson(hits, trials, confidence)?;
    let value = hits as f64 / trials as f64;
    let (interval, method) = if hits == 0 {
        (Interval { low: 0.0, high: rule_of_three(trials, confidence)? }, "rule of three")
    } else if hits == trials {
        (Interval { low: 1.0 - rule_of_three(trials, confidence)?, high: 1.0 }, "rule of three")
    } else {
        (scored, "wilson")
    };
    Ok(Proportion { hits, trials, value, interval, method })
}

/// Wilson's score interval (Wilson 1927; recommended by Brown, Cai & DasGupta 2001), without continuity correction.
///
/// Statuses as [`proportion`].
pub fn wilson(hits: u64, trials: u64, confidence: OpenProbability) -> Result<Interval, Status> {
    valid(hits, trials)?;
    Ok(score(hits as f64 / trials as f64, trials as f64, confidence))
}

/// The same for a share `p` of `n` trials above 0, which need not be whole: an effective number.
pub fn score(p: f64, n: f64, confidence: OpenProbability) -> Interval {
    let z = quantile(confidence);
    let z2 = z * z / n;
    let centre = (p + z2 / 2.0) / (1.0 + z2);
    let half = z / (1.0 + z2) * (p * (1.0 - p) / n + z2 / (4.0 * n)).sqrt();
    // At the ends one limit is 0 or 1 by algebra; rounding must not carry it beyond.
    let low = if p == 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if p == 1.0 { 1.0 } else { (centre + half).min(1.0) };
    Interval { low, high }
}

/// Standard errors of a normal on either side that hold so much.
pub fn quantile(confidence: OpenProbability) -> f64 {
    SQRT_2 * erfc_inv(1.0 - confidence.get())
}

/// Upper bound on a probability of which `trials` trials showed nothing: 1 − (1 − confidence)^(1/trials), one-sided
/// and exact. At 95% it is 3/trials to first order, hence the name (Hanley & Lippman-Hand 1983).
///
/// [`Status::TooFew`] without trials.
pub fn rule_of_three(trials: u64, confidence: OpenProbability) -> Result<f64, Status> {
    valid(0, trials)?;
    Ok(-((-confidence.get()).ln_1p() / trials as f64).exp_m1())
}

/// Clopper & Pearson's exact interval (1934): never covers less than it says, and is wider than [`wilson`] for it.
///
/// Statuses as [`proportion`].
pub fn clopper_pearson(hits: u64, trials: u64, confidence: OpenProbability) -> Result<Interval, Status> {
    valid(hits, trials)?;
    let tail = (1.0 - confidence.get()) / 2.0;
    // P(B ≥ hits) rises with p and reaches the tail at the lower limit; P(B ≤ hits) falls to it at the upper.
    let low = match hits.checked_sub(1) {
        None => 0.0,
        Some(below) => limit(|p| binomial::sf(trials, p, below) - tail)?,
    };
    let high = if hits == trials { 1.0 } else { limit(|p| binomial::cdf(trials, p, hits) - tail)? };
    Ok(Interval { low, high })
}

fn valid(hits: u64, trials: u64) -> Result<(), Status> {
    if trials == 0 {
        return Err(Status::TooFew { what: "trials", have: 0, need: 1 });
    }
    if hits > trials {
        return Err(Status::Undefined { reason: "more hits than trials" });
    }
    Ok(())
}

/// Where a probability of the binomial reaches the tail: it has another sign at each end of \[0, 1\].
fn limit(over: impl FnMut(f64) -> f64) -> Result<f64, Status> {
    crossing(0.0, 1.0, over).ok_or(Status::Undefined { reason: "the binomial does not reach the tail" })
}

#[cfg(test)]
mod tests {
    use super::*;
    const LEVEL: OpenProbability = OpenProbability::known(0.95);

    #[test]
    fn exact_limits_reach_the_tail_however_small_they_are() {
        for (hits, trials) in
            [(1, 1_000_000_000), (3, 1_000_000), (7, 300), (1, 2), (299, 300), (999_999, 1_000_000)]
        {
            let Interval { low, high } = clopper_pearson(hits, trials, LEVEL).unwrap();
            let (below, above) = (binomial::sf(trials, low, hits - 1), binomial::cdf(trials, high, hits));
            assert!((below / 0.025 - 1.0).abs() < 1e-6, "{hits} of {trials}: {low} {below}");
            assert!((above / 0.025 - 1.0).abs() < 1e-6, "{hits} of {trials}: {high} {above}");
        }
    }

    #[test]
    fn nothing_seen_is_the_rule_of_three() {
        let none = proportion(0, 100, LEVEL).unwrap();
        assert_eq!((none.value, none.interval.low, none.method), (0.0, 0.0, "rule of three"));
        assert!((none.interval.high - 0.029_513_049_607_6).abs() < 1e-12, "{none:?}");
        let all = proportion(100, 100, LEVEL).unwrap();
        assert!((all.interval.low + none.interval.high - 1.0).abs() < 1e-15);
        assert_eq!(proportion(1, 100, LEVEL).unwrap().method, "wilson");
    }

    #[test]
    fn ends_stay_in_the_unit_interval() {
        for trials in [1, 2, 7, 48, 1000, 1_000_000_000] {
            for hits in [0, 1, trials / 2, trials - 1, trials] {
                let w = wilson(hits, trials, LEVEL).unwrap();
                assert!(0.0 <= w.low && w.low <= w.high && w.high <= 1.0, "{hits}/{trials}: {w:?}");
                assert!(w.contains(hits as f64 / trials as f64), "{hits}/{trials}: {w:?}");
            }
        }
    }

    #[test]
    fn zero_of_n_in_clopper_pearson_has_its_closed_form() {
        let exact = clopper_pearson(0, 30, LEVEL).unwrap();
        assert_eq!(exact.low, 0.0);
        assert!((exact.high - (1.0 - 0.025f64.powf(1.0 / 30.0))).abs() < 1e-13);
        assert_eq!(clopper_pearson(30, 30, LEVEL).unwrap().high, 1.0);
    }

    #[test]
    fn impossible_counts_are_a_status() {
        assert!(matches!(wilson(0, 0, LEVEL), Err(Status::TooFew { .. })));
        assert!(matches!(clopper_pearson(3, 2, LEVEL), Err(Status::Undefined { .. })));
        assert!(rule_of_three(0, LEVEL).is_err());
    }
}
