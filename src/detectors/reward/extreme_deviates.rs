//! The arithmetic of the generalised ESD test (Rosner 1983, *Technometrics* 25:165).

use crate::distributions::{Distribution, StudentT};
use crate::foundation::numeric::CompensatedSum;
use crate::foundation::scalar::Positive;

/// Moments of what is left after some removals, the reward removed next, and its deviate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Removal {
    pub mean: f64,
    pub sd: f64,
    pub reward: f64,
    /// Rᵢ; 0 where all that is left is equal.
    pub deviate: f64,
}

/// Removes the most extreme of `ascending` again and again, `most` times (below n); one more entry has the moments left.
pub(super) fn extreme_deviates(ascending: &[f64], most: usize, two_sided: bool) -> Vec<Removal> {
    let (mut low, mut high) = (0, ascending.len());
    let mut total: CompensatedSum = ascending.iter().copied().collect();
    let mut removed = Vec::with_capacity(most);
    for _ in 0..most {
        let Some((&first, &last)) = ascending.get(low).zip(ascending.get(high.saturating_sub(1))) else {
            break;
        };
        let mean = total.value() / (high - low) as f64;
        let reward = if two_sided && mean - first > last - mean {
            low += 1;
            first
        } else {
            high -= 1;
            last
        };
        total.add(-reward);
        removed.push(reward);
    }
    // Squares are added from the inside out: subtracting an outlier's from the sum would leave none of its digits.
    let core = &ascending[low..high];
    let mut n = core.len() as f64;
    let mut mean = total.value() / n;
    let mut squares: f64 = core.iter().map(|x| (x - mean).powi(2)).sum();
    let moments = |n: f64, mean: f64, squares: f64, reward: f64| {
        let sd = (squares / (n - 1.0).max(1.0)).sqrt();
        let deviate = if sd > 0.0 { (reward - mean).abs() / sd } else { 0.0 };
        Removal { mean, sd, reward, deviate }
    };
    let mut all = vec![moments(n, mean, squares, mean)];
    for &reward in removed.iter().rev() {
        n += 1.0;
        let before = reward - mean;
        mean += before / n;
        squares += before * (reward - mean);
        all.push(moments(n, mean, squares, reward));
    }
    all.reverse();
    all
}

/// λ₁ … of a step of `n` rewards (Rosner 1983), as many as have a degree of freedom, at most `count`.
pub(super) fn critical_values(n: usize, count: usize, alpha: f64, two_sided: bool) -> Vec<f64> {
    let sides = if two_sided { 2.0 } else { 1.0 };
    let value = |i: usize| {
        let left = (n - i + 1) as f64;
        let law = StudentT { df: Positive::known(left - 2.0), ..StudentT::default() };
        let t = law.upper_quantile(alpha / (sides * left));
        (left - 1.0) / ((left - 2.0 + t * t) * left).sqrt() * t
    };
    (1..=count.min(n.saturating_sub(2))).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::order::sorted;

    fn fixture(name: &str) -> String {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fixtures");
        std::fs::read_to_string(folder.join(name)).unwrap()
    }

    #[test]
    fn deviates_and_critical_values_are_those_of_rosner() {
        let oracle: serde_json::Value = serde_json::from_str(&fixture("univariate.json")).unwrap();
        for name in ["gesd_rosner_n54", "univariate_n200"] {
            let text = fixture(&format!("{name}.csv"));
            let rewards: Vec<f64> = text.lines().skip(1).map(|x| x.trim().parse().unwrap()).collect();
            let deviates = extreme_deviates(&sorted(&rewards), 10, true);
            let lambda = critical_values(rewards.len(), 10, 0.05, true);
            let expected = |key: &str, i: usize| oracle[name]["gesd"][key][i].as_f64().unwrap();
            for i in 0..10 {
                assert!((deviates[i].deviate - expected("R", i)).abs() < 1e-9, "{name}: R {i}");
                assert!((lambda[i] - expected("lam", i)).abs() < 1e-9, "{name}: lambda {i}");
            }
            // The first step is Grubbs' test.
            let grubbs = &oracle[name]["grubbs"];
            assert!((deviates[0].deviate - grubbs["G"].as_f64().unwrap()).abs() < 1e-9);
            assert!((lambda[0] - grubbs["crit_two_sided_05"].as_f64().unwrap()).abs() < 1e-9);
        }
    }

    #[test]
    fn a_huge_outlier_leaves_the_digits_of_the_rest() {
        let mut rewards: Vec<f64> = (0..50).map(|i| f64::from(i).sin()).collect();
        let plain = extreme_deviates(&sorted(&rewards), 3, true);
        rewards.push(1e120);
        let with = extreme_deviates(&sorted(&rewards), 4, true);
        for (a, b) in plain.iter().take(3).zip(&with[1..]) {
            assert!((a.deviate - b.deviate).abs() < 1e-9 * a.deviate, "{} {}", a.deviate, b.deviate);
        }
    }
}
