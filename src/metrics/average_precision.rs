//! Average precision: the area under the precision–recall curve as a step function.

use super::Ranking;
use crate::foundation::failure::Status;

/// Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over distinct thresholds from the highest down, R recall and P precision; tied scores are one
/// threshold. Not the trapezoid under the curve, which is optimistic (Davis & Goadrich 2006). Chance gives the base
/// rate, so it compares only at equal base rates.
///
/// [`Status::OneClass`] without positives or negatives; [`Status::AllTied`] where all scores are equal.
pub fn average_precision(ranking: &Ranking) -> Result<f64, Status> {
    ranking.comparable()?;
    let mut before = 0;
    let sum = crate::foundation::numeric::sum(ranking.points().iter().map(|point| {
        let gained = point.true_positives - before;
        before = point.true_positives;
        gained as f64 * point.true_positives as f64 / (point.true_positives + point.false_positives) as f64
    }));
    Ok(sum / ranking.positives() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_counted_example_with_a_tie() {
        // + | − + (tie) | + | −: precision 1, 2/3, 3/4 at recall 1/3, 2/3, 1.
        let ranking = Ranking::new(&[9.0, 7.0, 7.0, 5.0, 4.0], &[true, false, true, true, false]).unwrap();
        let expected = (1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0;
        assert!((average_precision(&ranking).unwrap() - expected).abs() < 1e-15);
        let swapped = Ranking::new(&[9.0, 7.0, 7.0, 5.0, 4.0], &[true, true, false, true, false]).unwrap();
        assert_eq!(
            average_precision(&ranking),
            average_precision(&swapped),
            "order within a tie is no knowledge"
        );
    }
}
