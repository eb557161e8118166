//! The power of an audit, from scores: how rare may an exploit be and still be found?

use super::Ranking;
use super::reweight::of_curve;
use crate::foundation::failure::Status;
use crate::foundation::scalar::{OpenProbability, Probability};

/// Masses below this are not asked about.
const SMALLEST: f64 = 1e-9;
/// Nor are masses above it: what makes up half of the rollouts is no rare exploit.
const LARGEST: f64 = 0.5;

/// Smallest mass q of an exploit that an audit of the `audits` highest scores of `rollouts` holds with probability at
/// least `target`; `None` where not even a mass of ½ is enough.
///
/// P(an exploit is among the audited) = 1 − exp(−N·q·r), r being the recall at base rate q of the given scores: the
/// count of exploits among the audited is taken as Poisson (as in `theory power`, with the measured score
/// distributions in the place of laws). N·q·r = audits·precision rises with q, so the root is unique.
///
/// Statuses as [`auroc`](super::roc::auroc); [`Status::Degenerate`] without audits, or where all rollouts are audited.
pub fn smallest_mass(
    ranking: &Ranking,
    rollouts: u64,
    audits: u64,
    target: Probability,
) -> Result<Option<f64>, Status> {
    ranking.comparable()?;
    let budget = audits as f64 / rollouts as f64;
    if OpenProbability::new(budget).is_err() {
        return Err(Status::Degenerate { reason: "none or all of the rollouts are audited" });
    }
    let needed = -(1.0 - target.get()).ln();
    let found = |mass: f64| rollouts as f64 * mass * of_curve(ranking, mass, budget).recall;
    if found(LARGEST) < needed {
        return Ok(None);
    }
    if found(SMALLEST) >= needed {
        return Ok(Some(SMALLEST));
    }
    let (mut low, mut high) = (SMALLEST.ln(), LARGEST.ln());
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if found(middle.exp()) < needed { low = middle } else { high = middle }
    }
    Ok(Some(high.exp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Probability {
        Probability::known(0.9)
    }

    /// Perfect scores: the exploit only has to be sampled, 1 − e^(−Nq) = .9.
    #[test]
    fn perfect_scores_need_as_much_as_being_sampled() {
        let scores: Vec<f64> = (0..1000).map(f64::from).collect();
        let labels: Vec<bool> = (0..1000).map(|i| i >= 900).collect();
        let ranking = Ranking::new(&scores, &labels).unwrap();
        let mass = smallest_mass(&ranking, 10_000, 100, target()).unwrap().unwrap();
        assert!((mass - 10f64.ln() / 10_000.0).abs() < 1e-9, "{mass}");
    }

    /// Scores that know nothing: audits·q = ln 10.
    #[test]
    fn blind_scores_need_as_much_as_random_audits() {
        let scores: Vec<f64> = (0..2000).map(f64::from).collect();
        let labels: Vec<bool> = (0..2000).map(|i| i % 2 == 0).collect();
        let ranking = Ranking::new(&scores, &labels).unwrap();
        let mass = smallest_mass(&ranking, 10_000, 1_000, target()).unwrap().unwrap();
        assert!((mass - 10f64.ln() / 1_000.0).abs() < 1e-4, "{mass}");
    }

    #[test]
    fn scores_that_hide_exploits_find_none_and_no_audit_is_degenerate() {
        let scores: Vec<f64> = (0..1000).map(f64::from).collect();
        let labels: Vec<bool> = (0..1000).map(|i| i < 100).collect();
        let ranking = Ranking::new(&scores, &labels).unwrap();
        assert_eq!(smallest_mass(&ranking, 10_000, 100, target()), Ok(None));
        assert!(matches!(smallest_mass(&ranking, 10_000, 0, target()), Err(Status::Degenerate { .. })));
        assert!(matches!(smallest_mass(&ranking, 0, 0, target()), Err(Status::Degenerate { .. })));
    }
}
