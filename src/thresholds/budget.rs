//! A number of audits, spent on the largest scores.

use super::{Flags, comparable};
use crate::foundation::failure::Status;

/// Flags the `audits` largest scores (all, where there are fewer); equal scores in row order. The threshold is the
/// lowest flagged score.
///
/// # Errors
/// [`Status::Undefined`] of NaN.
pub fn budget(scores: &[f64], audits: usize) -> Result<Flags, Status> {
    comparable(scores)?;
    let order = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
    let mut rows: Vec<usize> = (0..scores.len()).collect();
    if audits < rows.len() {
        rows.select_nth_unstable_by(audits, order);
        rows.truncate(audits);
    }
    rows.sort_unstable_by(order);
    let threshold = rows.last().map(|&row| scores[row]);
    Ok(Flags { rows, threshold })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_ties_in_row_order() {
        let scores = [1.0, 7.0, 3.0, 7.0, 3.0];
        let picked = |audits| budget(&scores, audits).unwrap();
        assert_eq!(picked(3).rows, [1, 3, 2]);
        assert_eq!(picked(3).threshold, Some(3.0));
        assert_eq!(picked(9).rows, [1, 3, 2, 4, 0]);
        assert_eq!((picked(0).rows, picked(0).threshold), (vec![], None));
        assert!(budget(&[f64::NAN], 1).is_err());
    }
}
