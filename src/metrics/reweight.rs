//! The same scores at other base rates: positives and negatives are scored once and weighted.
//!
//! At base rate ρ a threshold with recall r and false-positive rate f flags the share ρ·r + (1 − ρ)·f, and the share
//! ρ·r/(ρ·r + (1 − ρ)·f) of what it flags is right. Only the mixture changes, not the two score distributions: how
//! hacks look when they are rarer is taken to be how they look here. Source: Elkan 2001, *The foundations of
//! cost-sensitive learning*; Saerens, Latinne & Decaestecker 2002.

use super::Ranking;
use crate::foundation::failure::Status;
use crate::foundation::scalar::OpenProbability;

/// What an audit of the highest scores finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtBudget {
    /// Share of the hacks that is audited.
    pub recall: f64,
    /// Share of the audits that are hacks.
    pub precision: f64,
}

/// Recall and precision of auditing the share `budget` with the highest scores where a share `base_rate` are hacks.
///
/// Rows that tie at the edge are drawn at random, so both are expectations. Statuses as
/// [`auroc`](super::roc::auroc).
pub fn at_budget(
    ranking: &Ranking,
    base_rate: OpenProbability,
    budget: OpenProbability,
) -> Result<AtBudget, Status> {
    ranking.comparable()?;
    Ok(of_curve(ranking, base_rate.get(), budget.get()))
}

/// As [`at_budget`], of a ranking that is known to be comparable.
pub(super) fn of_curve(ranking: &Ranking, base_rate: f64, budget: f64) -> AtBudget {
    let (positives, negatives) = (ranking.positives() as f64, ranking.negatives() as f64);
    let curve = |i: usize| match i.checked_sub(1).and_then(|last| ranking.points().get(last)) {
        Some(p) => (p.true_positives as f64 / positives, p.false_positives as f64 / negatives),
        None => (0.0, 0.0),
    };
    let flagged = |(recall, fpr): (f64, f64)| base_rate * recall + (1.0 - base_rate) * fpr;
    let points = ranking.points();
    let (mut low, mut high) = (0, points.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if flagged(curve(middle + 1)) < budget { low = middle + 1 } else { high = middle }
    }
    let (before, after) = (curve(low), curve((low + 1).min(points.len())));
    let step = flagged(after) - flagged(before);
    let part = if step > 0.0 { ((budget - flagged(before)) / step).clamp(0.0, 1.0) } else { 1.0 };
    let recall = before.0 + part * (after.0 - before.0);
    AtBudget { recall, precision: base_rate * recall / budget }
}

/// Average precision (area under precision against recall, as a step function) where a share `base_rate` are hacks.
///
/// Statuses as [`auroc`](super::roc::auroc).
pub fn average_precision_at(ranking: &Ranking, base_rate: OpenProbability) -> Result<f64, Status> {
    ranking.comparable()?;
    let rate = base_rate.get();
    let (positives, negatives) = (ranking.positives() as f64, ranking.negatives() as f64);
    let (mut area, mut reached) = (0.0, 0.0);
    for point in ranking.points() {
        let recall = point.true_positives as f64 / positives;
        if recall > reached {
            let right = rate * recall;
            area += (recall - reached) * right
                / (right + (1.0 - rate) * point.false_positives as f64 / negatives);
            reached = recall;
        }
    }
    Ok(area)
}

#[cfg(test)]
mod tests {
    use super::super::average_precision::average_precision;
    use super::super::precision_at::precision_at;
    use super::*;

    fn example() -> Ranking {
        // Descending: + | − + (tie) | + | − | −
        Ranking::new(&[9.0, 7.0, 7.0, 5.0, 4.0, 3.0], &[true, false, true, true, false, false]).unwrap()
    }

    fn share(p: f64) -> OpenProbability {
        OpenProbability::known(p)
    }

    #[test]
    fn at_its_own_base_rate_it_is_what_counting_gives() {
        let found = at_budget(&example(), share(0.5), share(1.0 / 6.0)).unwrap();
        assert!((found.recall - 1.0 / 3.0).abs() < 1e-15 && (found.precision - 1.0).abs() < 1e-15);
        // Two audits: the second is one of a tie of a hit and a miss.
        let found = at_budget(&example(), share(0.5), share(2.0 / 6.0)).unwrap();
        assert!((found.recall - 0.5).abs() < 1e-15 && (found.precision - 0.75).abs() < 1e-15);
        let own = average_precision(&example()).unwrap();
        assert!((average_precision_at(&example(), share(0.5)).unwrap() - own).abs() < 1e-15);
    }

    /// 30 copies of each negative make the base rate 3/93, and nothing else changes.
    #[test]
    fn at_another_base_rate_it_is_what_copies_of_the_negatives_give() {
        let (mut scores, mut labels) = (vec![9.0, 7.0, 5.0], vec![true; 3]);
        for score in [7.0, 4.0, 3.0] {
            scores.extend([score; 30]);
            labels.extend([false; 30]);
        }
        let copied = Ranking::new(&scores, &labels).unwrap();
        let rate = share(3.0 / 93.0);
        for audits in [1, 2, 10, 31, 32, 50, 80] {
            let found = at_budget(&example(), rate, share(audits as f64 / 93.0)).unwrap();
            let counted = precision_at(&copied, audits).unwrap();
            assert!((found.precision - counted).abs() < 1e-12, "{audits}: {found:?} {counted}");
            assert!((found.recall - counted * audits as f64 / 3.0).abs() < 1e-12);
        }
        let by_hand = average_precision(&copied).unwrap();
        assert!((average_precision_at(&example(), rate).unwrap() - by_hand).abs() < 1e-12);
        assert_ne!(by_hand, average_precision(&example()).unwrap());
    }

    #[test]
    fn all_ties_are_a_status() {
        let tied = Ranking::new(&[1.0, 1.0], &[true, false]).unwrap();
        assert_eq!(at_budget(&tied, share(0.1), share(0.1)), Err(Status::AllTied));
        assert_eq!(average_precision_at(&tied, share(0.1)), Err(Status::AllTied));
    }
}
