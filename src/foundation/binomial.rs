//! Tails of the binomial law, for exact intervals.
//!
//! The terms are summed outwards from the mode and divided by their own total, so there is no gamma function to lose
//! digits and no continued fraction to stop too early: statrs' regularised incomplete beta function gives up after
//! 140 terms, which is too few from about 10⁵ trials on.

/// Terms below this share of the largest are left out: they cannot move a tail probability by 1e-15.
const NEGLIGIBLE: f64 = 1e-22;

/// P(B ≤ k) for B ~ Binomial(n, p), to an absolute error of about 1e-14; O(√n) time. `p` is clamped to [0, 1].
pub fn cdf(n: u64, p: f64, k: u64) -> f64 {
    tails(n, p, k).0
}

/// P(B > k) for B ~ Binomial(n, p), summed directly, so that a small one keeps its digits.
pub fn sf(n: u64, p: f64, k: u64) -> f64 {
    tails(n, p, k).1
}

fn tails(n: u64, p: f64, k: u64) -> (f64, f64) {
    if k >= n || p.is_nan() || p <= 0.0 {
        return (1.0, 0.0);
    }
    if p >= 1.0 {
        return (0.0, 1.0);
    }
    let odds = p / (1.0 - p);
    let mode = (((n as f64 + 1.0) * p) as u64).min(n);
    let (mut lower, mut upper) = (0.0, 0.0);
    let mut add = |i: u64, weight: f64| *(if i <= k { &mut lower } else { &mut upper }) += weight;
    add(mode, 1.0);
    let mut weight = 1.0;
    for i in (0..mode).rev() {
        weight *= (i + 1) as f64 / ((n - i) as f64 * odds);
        if weight < NEGLIGIBLE {
            break;
        }
        add(i, weight);
    }
    weight = 1.0;
    for i in mode + 1..=n {
        weight *= (n - i + 1) as f64 * odds / i as f64;
        if weight < NEGLIGIBLE {
            break;
        }
        add(i, weight);
    }
    let total = lower + upper;
    (lower / total, upper / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::function::beta::beta_reg;

    #[test]
    fn agrees_with_the_incomplete_beta_function() {
        for (n, p, k) in [(1, 0.3, 0), (10, 0.5, 4), (200, 0.085, 17), (1000, 0.001, 0), (500, 0.97, 490)] {
            let exact = beta_reg((n - k) as f64, k as f64 + 1.0, 1.0 - p);
            assert!((cdf(n, p, k) - exact).abs() < 1e-12, "{n} {p} {k}: {} {exact}", cdf(n, p, k));
            assert!((cdf(n, p, k) + sf(n, p, k) - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn survives_large_counts_and_the_ends() {
        // Symmetry: P(B ≤ n/2) = ½ + P(B = n/2)/2, and the point mass at the centre is √(2/(πn)) to relative 1/(4n).
        let n = 4_000_000;
        let centre = (2.0 / (std::f64::consts::PI * n as f64)).sqrt();
        assert!((cdf(n, 0.5, n / 2) - 0.5 - centre / 2.0).abs() < 1e-10);
        assert_eq!(cdf(5, 0.0, 0), 1.0);
        assert_eq!(cdf(5, 1.0, 4), 0.0);
        assert_eq!(cdf(5, 1.0, 5), 1.0);
        assert_eq!(cdf(0, 0.5, 0), 1.0);
    }
}
