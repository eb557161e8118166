//! Precision among the highest-scored rows.

use super::Ranking;
use crate::foundation::failure::Status;

/// Expected share of positives among the `k` highest-scored rows, ties at the edge broken at random.
///
/// Defined with one class too (0 without positives). [`Status::Undefined`] for `k` = 0, [`Status::TooFew`] with fewer
/// than `k` rows.
pub fn precision_at(ranking: &Ranking, k: u64) -> Result<f64, Status> {
    if k == 0 {
        return Err(Status::Undefined { reason: "precision of no rows" });
    }
    let last = ranking.points().partition_point(|p| p.true_positives + p.false_positives < k);
    let Some(edge) = ranking.points().get(last) else {
        let have = (ranking.positives() + ranking.negatives()) as usize;
        return Err(Status::TooFew { what: "rows", have, need: k as usize });
    };
    let (mut hits, mut rows) = (0, 0);
    if let Some(above) = last.checked_sub(1).and_then(|i| ranking.points().get(i)) {
        (hits, rows) = (above.true_positives, above.true_positives + above.false_positives);
    }
    let tied = edge.true_positives + edge.false_positives - rows;
    let expected = (k - rows) as f64 * (edge.true_positives - hits) as f64 / tied as f64;
    Ok((hits as f64 + expected) / k as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_at_the_edge_count_by_expectation() {
        let ranking = Ranking::new(&[9.0, 7.0, 7.0, 7.0], &[true, false, true, false]).unwrap();
        assert_eq!(precision_at(&ranking, 1).unwrap(), 1.0);
        assert!((precision_at(&ranking, 2).unwrap() - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-15);
        assert_eq!(precision_at(&ranking, 4).unwrap(), 0.5);
        assert_eq!(precision_at(&ranking, 5), Err(Status::TooFew { what: "rows", have: 4, need: 5 }));
        assert!(precision_at(&ranking, 0).is_err());
        let all_tied = Ranking::new(&[1.0; 4], &[true, false, false, false]).unwrap();
        assert_eq!(precision_at(&all_tied, 2).unwrap(), 0.25);
        let none = Ranking::new(&[1.0, 2.0], &[false, false]).unwrap();
        assert_eq!(precision_at(&none, 1).unwrap(), 0.0);
    }
}
