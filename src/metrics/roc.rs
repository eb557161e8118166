//! The receiver operating characteristic: area, partial area, and single points of it.
//!
//! Sources: Hanley & McNeil 1982 (area = P(positive scores higher) + ½ P(tie)); McClish 1989, *Analyzing a portion of
//! the ROC curve* (standardized partial area). None of these depends on the base rate.

use super::Ranking;
use crate::foundation::failure::Status;
use crate::foundation::scalar::Probability;

/// Area under the ROC curve: the chance that a positive outranks a negative, ties counted half. Exact in the counts.
///
/// [`Status::OneClass`] without positives or negatives; [`Status::AllTied`] where all scores are equal (the ½ that a
/// formula would give looks like a finding and is none).
pub fn auroc(ranking: &Ranking) -> Result<f64, Status> {
    ranking.comparable()?;
    let mut doubled: u128 = 0;
    let (mut tp, mut fp) = (0u64, 0u64);
    for point in ranking.points() {
        doubled += u128::from(point.false_positives - fp) * u128::from(tp + point.true_positives);
        (tp, fp) = (point.true_positives, point.false_positives);
    }
    Ok(doubled as f64 / (2.0 * ranking.positives() as f64 * ranking.negatives() as f64))
}

/// Area left of `max_fpr`, the curve interpolated linearly between thresholds, standardized to ½ for chance and 1 for
/// perfection (McClish 1989).
///
/// Statuses as [`auroc`]; [`Status::Undefined`] at `max_fpr` 0.
pub fn partial_auroc(ranking: &Ranking, max_fpr: Probability) -> Result<f64, Status> {
    ranking.comparable()?;
    let limit = max_fpr.get();
    if limit == 0.0 {
        return Err(Status::Undefined { reason: "the area left of a false-positive rate of 0" });
    }
    let (positives, negatives) = (ranking.positives() as f64, ranking.negatives() as f64);
    let (mut area, mut fpr, mut tpr) = (0.0, 0.0, 0.0);
    for point in ranking.points() {
        let next = (point.false_positives as f64 / negatives, point.true_positives as f64 / positives);
        if next.0 > limit {
            let at_limit = tpr + (next.1 - tpr) * (limit - fpr) / (next.0 - fpr);
            area += (limit - fpr) * (tpr + at_limit) / 2.0;
            break;
        }
        area += (next.0 - fpr) * (tpr + next.1) / 2.0;
        (fpr, tpr) = next;
    }
    let chance = limit * limit / 2.0;
    Ok(0.5 * (1.0 + (area - chance) / (limit - chance)))
}

/// Largest recall that a threshold reaches with a false-positive rate of at most `fpr`; 0 where the highest threshold
/// already exceeds it. No interpolation: what one threshold on these data does. With fewer than 1/`fpr` negatives it
/// is the recall before the first false positive.
///
/// Statuses as [`auroc`].
pub fn recall_at_fpr(ranking: &Ranking, fpr: Probability) -> Result<f64, Status> {
    ranking.comparable()?;
    let negatives = ranking.negatives() as f64;
    let within = ranking.points().partition_point(|p| p.false_positives as f64 / negatives <= fpr.get());
    let best = within.checked_sub(1).and_then(|i| ranking.points().get(i));
    Ok(best.map_or(0.0, |p| p.true_positives as f64 / ranking.positives() as f64))
}

/// Smallest false-positive rate of a threshold whose recall is at least `recall`.
///
/// Statuses as [`auroc`].
pub fn fpr_at_recall(ranking: &Ranking, recall: Probability) -> Result<f64, Status> {
    ranking.comparable()?;
    if recall.get() == 0.0 {
        return Ok(0.0);
    }
    let positives = ranking.positives() as f64;
    let first = ranking.points().partition_point(|p| p.true_positives as f64 / positives < recall.get());
    // The lowest threshold reaches every recall.
    let point = ranking.points().get(first);
    Ok(point.map_or(1.0, |p| p.false_positives as f64 / ranking.negatives() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Ranking {
        // Descending: + | − + (tie) | + | − | −
        Ranking::new(&[9.0, 7.0, 7.0, 5.0, 4.0, 3.0], &[true, false, true, true, false, false]).unwrap()
    }

    #[test]
    fn a_hand_counted_curve() {
        // Pairs won: first + beats 3; tied + wins 2 and ties 1; third + beats 2: (3 + 2.5 + 2)/9.
        assert_eq!(auroc(&example()).unwrap(), 7.5 / 9.0);
        let third = Probability::known(1.0 / 3.0);
        assert_eq!(recall_at_fpr(&example(), third).unwrap(), 1.0);
        assert_eq!(recall_at_fpr(&example(), Probability::known(0.1)).unwrap(), 1.0 / 3.0);
        assert_eq!(fpr_at_recall(&example(), Probability::known(0.95)).unwrap(), 1.0 / 3.0);
        assert_eq!(fpr_at_recall(&example(), Probability::known(0.3)).unwrap(), 0.0);
        // Left of 1/3: from (0, 1/3) straight to (1/3, 2/3), the tie's far corner.
        let area: f64 = (1.0 / 3.0) * 0.5;
        let chance = 1.0 / 18.0;
        let expected = 0.5 * (1.0 + (area - chance) / (1.0 / 3.0 - chance));
        assert!((partial_auroc(&example(), third).unwrap() - expected).abs() < 1e-15);
        assert!((partial_auroc(&example(), Probability::known(1.0)).unwrap() - 7.5 / 9.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_to_tell_apart_is_a_status_not_a_half() {
        let tied = Ranking::new(&[1.0, 1.0], &[true, false]).unwrap();
        assert_eq!(auroc(&tied), Err(Status::AllTied));
        let one_class = Ranking::new(&[1.0, 2.0], &[false, false]).unwrap();
        assert_eq!(recall_at_fpr(&one_class, Probability::known(0.1)), Err(Status::OneClass));
        assert!(partial_auroc(&example(), Probability::known(0.0)).is_err());
    }
}
