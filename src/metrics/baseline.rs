//! What chance would have found: the yardstick of an audit.

use crate::foundation::failure::Status;

/// Probability that `audits` distinct rollouts, drawn at random from `population` of which `hacks` are hacks, hold at
/// least one: 1 − C(N−H, A)/C(N, A), the hypergeometric law, exact to rounding in O(min(A, H)) time.
///
/// `audits` beyond the population look at all of it. [`Status::Undefined`] with more hacks than rollouts.
pub fn without_replacement(population: u64, hacks: u64, audits: u64) -> Result<f64, Status> {
    if hacks > population {
        return Err(Status::Undefined { reason: "more hacks than rollouts" });
    }
    let audits = audits.min(population);
    // C(N−H, A)/C(N, A) is symmetric in H and A: the shorter product has min(A, H) factors.
    let (few, many) = if audits < hacks { (audits, hacks) } else { (hacks, audits) };
    if many + few > population {
        return Ok(1.0);
    }
    let ln_miss =
        crate::foundation::numeric::sum((0..few).map(|i| (-(many as f64) / (population - i) as f64).ln_1p()));
    Ok(-ln_miss.exp_m1())
}

/// Probability that `audits` independent draws hold at least one hack, each being one with probability `share`:
/// 1 − (1 − share)^audits. For audits that are spread over a stream too long to list.
///
/// [`Status::Undefined`] unless 0 ≤ `share` ≤ 1.
pub fn with_replacement(share: f64, audits: u64) -> Result<f64, Status> {
    if !(0.0..=1.0).contains(&share) {
        return Err(Status::Undefined { reason: "a share of hacks outside 0 to 1" });
    }
    if audits == 0 {
        return Ok(0.0);
    }
    Ok(-((-share).ln_1p() * audits as f64).exp_m1())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cases_by_counting() {
        // 10 rollouts, 3 hacks, 2 audits: 1 − (7·6)/(10·9).
        assert!((without_replacement(10, 3, 2).unwrap() - 48.0 / 90.0).abs() < 1e-15);
        assert_eq!(without_replacement(10, 3, 2), without_replacement(10, 2, 3), "symmetric");
        assert_eq!(without_replacement(10, 0, 5), Ok(0.0));
        assert_eq!(without_replacement(10, 3, 0), Ok(0.0));
        assert_eq!(without_replacement(10, 3, 8), Ok(1.0), "7 honest rollouts cannot fill 8 audits");
        assert_eq!(without_replacement(10, 3, 99), Ok(1.0));
        assert_eq!(without_replacement(0, 0, 5), Ok(0.0));
        assert!(without_replacement(2, 3, 1).is_err());
        assert!((with_replacement(0.1, 3).unwrap() - 0.271).abs() < 1e-15);
        assert_eq!(with_replacement(1.0, 1), Ok(1.0));
        assert_eq!(with_replacement(1.0, 0), Ok(0.0));
        assert!(with_replacement(f64::NAN, 1).is_err());
    }

    #[test]
    fn rare_hacks_keep_their_digits() {
        // One hack among 1e12: the chance is audits/population exactly.
        let chance = without_replacement(1_000_000_000_000, 1, 7).unwrap();
        assert!((chance / 7e-12 - 1.0).abs() < 1e-14);
        assert!((with_replacement(1e-18, 3).unwrap() / 3e-18 - 1.0).abs() < 1e-14);
    }
}
