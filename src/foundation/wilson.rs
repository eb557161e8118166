//! Fractions of runs, with intervals that hold for few runs and for fractions near 0 and 1.

use super::binomial;
use super::bootstrap::Interval;
use super::failure::Status;
use super::root::crossing;
use super::scalar::OpenProbability;
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
    /// [`wilson`] interval.
    pub interval: Interval,
}

/// What the interval of a [`Proportion`] is called in tables.
pub const METHOD: &str = "wilson";

/// The fraction `hits`/`trials` with its two-sided [`wilson`] interval, also where none or all came true.
///
/// [`Status::TooFew`] without trials, [`Status::Undefined`] with more hits than trials.
pub fn proportion(hits: u64, trials: u64, confidence: OpenProbability) -> Result<Proportion, Status> {
    let interval = wilson(hits, trials, confidence)?;
    Ok(Proportion { hits, trials, value: hits as f64 / trials as f64, interval })
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

/// Difference of two shares of the same trials, with Bonett & Price's adjusted Wald interval (2012): `gained` trials came true in the second
/// only, `lost` in the first only. It is no point where none did.
///
/// Statuses as [`proportion`].
pub fn paired_difference(
    gained: u64,
    lost: u64,
    trials: u64,
    confidence: OpenProbability,
) -> Result<Interval, Status> {
    valid(gained + lost, trials)?;
    let n = trials as f64 + 2.0;
    let (up, down) = ((gained as f64 + 1.0) / n, (lost as f64 + 1.0) / n);
    let half = quantile(confidence) * ((up + down - (up - down) * (up - down)) / n).sqrt();
    Ok(Interval { low: (up - down - half).max(-1.0), high: (up - down + half).min(1.0) })
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
    fn a_paired_difference_covers_the_truth_as_often_as_it_says() {
        // 24 pairs, .3 gained and .1 lost: summed over the trinomial, the interval covers .2 at least 93% of the time.
        let (n, up, down) = (24u64, 0.3f64, 0.1f64);
        let choose = |n: u64, k: u64| (1..=k).fold(1.0, |c, i| c * (n - k + i) as f64 / i as f64);
        let mut covered = 0.0;
        for gained in 0..=n {
            for lost in 0..=n - gained {
                let rest = n - gained - lost;
                let mass = choose(n, gained) * choose(n - gained, lost);
                let mass = mass
                    * up.powi(gained as i32)
                    * down.powi(lost as i32)
                    * (1.0 - up - down).powi(rest as i32);
                if paired_difference(gained, lost, n, LEVEL).unwrap().contains(0.2) {
                    covered += mass;
                }
            }
        }
        assert!((0.93..0.99).contains(&covered), "{covered}");
        let none = paired_difference(0, 0, 24, LEVEL).unwrap();
        assert!(none.low < -0.05 && (none.low + none.high).abs() < 1e-15, "{none:?}");
        assert!(paired_difference(3, 3, 5, LEVEL).is_err());
    }

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
    fn nothing_seen_and_all_seen_have_two_sided_ends_in_closed_form() {
        // z² / (n + z²) and its mirror image.
        let z2 = quantile(LEVEL).powi(2);
        for trials in [1, 24, 36, 100] {
            let high = z2 / (trials as f64 + z2);
            let none = proportion(0, trials, LEVEL).unwrap();
            assert_eq!((none.value, none.interval.low), (0.0, 0.0));
            assert!((none.interval.high - high).abs() < 1e-12, "{none:?}");
            let all = proportion(trials, trials, LEVEL).unwrap();
            assert_eq!((all.value, all.interval.high), (1.0, 1.0));
            assert!((all.interval.low + high - 1.0).abs() < 1e-12, "{all:?}");
        }
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
        assert!(proportion(0, 0, LEVEL).is_err());
    }
}
