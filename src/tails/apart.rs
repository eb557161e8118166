//! Do the largest values stand apart from the rest, as those of a second source would?
//!
//! A generalised Pareto fit to a light bulk with a cluster above it is a precise number for no law at all: heavy where the cluster
//! is a small part of the tail, light where it is most of it. What tells is the gap below the cluster.

use std::f64::consts::PI;

/// Fewest values below the gap that its size is judged by.
const MIN_REST: usize = 20;
/// Probability of finding a gap where there is none, over all places of one sample.
const LEVEL: f64 = 0.01;
/// Least ratio across the gap of the distances from the median. Smaller gaps are grain, not clusters.
const RATIO: f64 = 1.25;

/// The largest values, where they stand apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apart {
    /// How many they are.
    pub count: usize,
    /// The smallest of them.
    pub from: f64,
    /// The largest of the others.
    pub below: f64,
}

/// The lowest gap among the largest `descending` values that the values below it do not explain; `None` where there is none, or
/// too little to judge it by. The index below the gap is estimated from the upper quarter and from the upper twentieth, or from the
/// `k` largest where that is given.
///
/// With y the distance from the median, and ξ Hill's estimate from the k largest with the m largest censored at yₘ₊₁
/// (so that they neither mask nor swamp), m·ln(yₘ/yₘ₊₁)/ξ is standard exponential under a Pareto tail: the F(2, 2(k − m)) law
/// once ξ is estimated (Rényi 1953; Hawkins 1980, *Identification of Outliers*, ch. 4). The level is shared out over m as
/// 1/m². Measured from the median, a Student, log-normal, normal or bounded tail is lighter farther out than where ξ is
/// estimated, so gaps are rarer than said. Equal values, as rounding makes them, are first spread over the space around them.
pub fn apart(descending: &[f64], k: Option<usize>) -> Option<Apart> {
    let n = descending.len();
    let tails = k.map_or_else(|| vec![n / 4, n / 20], |k| vec![k.min(n.saturating_sub(1))]);
    let level = LEVEL / tails.len() as f64;
    tails.into_iter().filter_map(|k| gap(descending, k, level)).max_by_key(|found| found.count)
}

fn gap(descending: &[f64], k: usize, level: f64) -> Option<Apart> {
    let median = *descending.get(descending.len() / 2)?;
    let anchor = descending.get(k)? - median;
    if k <= MIN_REST || !(anchor > 0.0 && descending.first()?.is_finite()) {
        return None;
    }
    let logs: Vec<f64> =
        spread(descending.get(..=k)?).iter().map(|x| (x - median).max(anchor).ln()).collect();
    // Σ of ln y over the values below the m largest.
    let mut below: f64 = logs.get(..k)?.iter().sum();
    let mut found = None;
    for m in 1..=k - MIN_REST {
        below -= logs[m - 1];
        let (rest, count) = ((k - m) as f64, m as f64);
        let gap = logs[m - 1] - logs[m];
        let xi = (below + count * logs[m] - k as f64 * logs[k]) / rest;
        if gap < RATIO.ln() || xi.is_nan() || xi <= 0.0 {
            continue;
        }
        // Σ 1/m² = π²/6.
        let share = 6.0 / (PI * count).powi(2);
        if -rest * (count * gap / xi / rest).ln_1p() <= (level * share).ln() {
            found = Some(Apart { count: m, from: descending[m - 1], below: descending[m] });
        }
    }
    found
}

/// Equal values, evenly over half the way to the nearest other value on either side.
fn spread(descending: &[f64]) -> Vec<f64> {
    let mut out = descending.to_vec();
    let mut start = 0;
    for block in descending.chunk_by(|a, b| a == b) {
        let end = start + block.len();
        let above = start.checked_sub(1).map(|i| descending[i] - block[0]);
        let under = descending.get(end).map(|x| block[0] - x);
        let reach = [above, under].into_iter().flatten().fold(f64::INFINITY, f64::min);
        if block.len() > 1 && reach.is_finite() {
            let step = reach / block.len() as f64;
            for (i, x) in out[start..end].iter_mut().enumerate() {
                *x += 0.5 * reach - (i as f64 + 0.5) * step;
            }
        }
        start = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::order;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn sample(law: &str, n: usize, index: u64) -> Vec<f64> {
        let law: DistributionSpec = law.parse().unwrap();
        let mut values = vec![0.0; n];
        law.part().fill(&mut values, &mut SeedTree::new(5, index).stream(Purpose::Utility, 0));
        values
    }

    fn found(values: &[f64]) -> Option<Apart> {
        apart(&order::descending(values), None)
    }

    /// 100 samples of each law, size and grid: at 1% one is expected; seven or more have probability 1e-4.
    #[test]
    fn one_law_rarely_stands_apart_from_itself() {
        let laws =
            ["normal", "student_t:df=3", "student_t:df=1.5", "log_normal", "exponential", "uniform", "levy"];
        for law in laws {
            for (n, grid) in [(300, 0.0), (2000, 0.0), (2000, 0.1), (6000, 0.01)] {
                let refused = (0..100).filter(|index| {
                    let mut values = sample(law, n, *index);
                    if grid > 0.0 {
                        values.iter_mut().for_each(|x| *x = (*x / grid).round() * grid);
                    }
                    found(&values).is_some()
                });
                let refused = refused.count();
                assert!(refused <= 6, "{law} n {n} grid {grid}: {refused}");
            }
        }
    }

    /// 20 samples of each: all are found.
    #[test]
    fn a_cluster_above_a_light_law_is_found_from_a_thousandth_to_a_fifth() {
        for (law, n) in [("normal", 2000), ("uniform", 1000), ("exponential", 16_000)] {
            for share in [0.001, 0.01, 0.05, 0.2] {
                for index in 0..20 {
                    let mut values = sample(law, n, index);
                    let count = (share * n as f64) as usize;
                    values[..count].iter_mut().for_each(|x| *x += 20.0);
                    let found = found(&values).unwrap_or_else(|| panic!("{law} {share} {index}"));
                    // The largest of the law may count among them, where it stands apart from the next.
                    assert!((count..=count + 2).contains(&found.count), "{law} {share}: {found:?}");
                    assert!(found.from > found.below);
                }
            }
        }
    }

    #[test]
    fn too_little_or_nothing_to_judge_by_is_no_answer() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[1.0; 500]), None);
        assert_eq!(found(&sample("normal", 60, 1)), None);
        let mut infinite = sample("normal", 500, 1);
        infinite[0] = f64::INFINITY;
        assert_eq!(found(&infinite), None);
    }

    #[test]
    fn equal_values_are_spread_and_others_stay() {
        assert_eq!(spread(&[9.0, 4.0, 4.0, 2.0]), [9.0, 4.5, 3.5, 2.0]);
        assert_eq!(spread(&[3.0, 3.0]), [3.0, 3.0]);
    }
}
