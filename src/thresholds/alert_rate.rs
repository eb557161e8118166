//! A declared rate of false alarms, read off calibration scores.

use super::{Flags, comparable, proper_rate, resolving};
use crate::foundation::failure::Status;

/// The score that a calibration-like row exceeds with probability at most `rate`: the ⌊(n + 1)·rate⌋-th largest
/// calibration score (the conservative quantile of split conformal prediction, Papadopoulos et al. 2002; Vovk et
/// al. 2005).
///
/// # Errors
/// [`Status::Resolution`] where n + 1 < 1/rate; [`Status::Undefined`] of NaN or a rate outside (0, 1).
pub fn calibrated_threshold(calibration: &[f64], rate: f64) -> Result<f64, Status> {
    let rank = calibrated_rank(calibration, rate)?;
    let mut scores = calibration.to_vec();
    let (_, threshold, _) = scores.select_nth_unstable_by(rank - 1, |a, b| b.total_cmp(a));
    Ok(*threshold)
}

/// ⌊(n + 1)·rate⌋, from 1 to n: which of the largest calibration scores is the threshold.
pub(super) fn calibrated_rank(calibration: &[f64], rate: f64) -> Result<usize, Status> {
    proper_rate(rate)?;
    comparable(calibration)?;
    let n = calibration.len();
    // The margin keeps 10,000 × 1e-4 at 1.
    let rank = ((n + 1) as f64 * rate * (1.0 + 1e-12)) as usize;
    if (1..=n).contains(&rank) {
        Ok(rank)
    } else {
        Err(Status::Resolution { have: n, need: resolving(rate) })
    }
}

/// Flags the scores above the threshold that calibration gives at a nominal false-alarm `rate` a row.
///
/// # Errors
/// As [`calibrated_threshold`].
pub fn alert_rate(calibration: &[f64], scores: &[f64], rate: f64) -> Result<Flags, Status> {
    comparable(scores)?;
    let threshold = calibrated_threshold(calibration, rate)?;
    Ok(Flags::descending(scores, |score| score > threshold, Some(threshold)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_conservative_and_its_resolution_exact() {
        let calibration: Vec<f64> = (1..=99).map(f64::from).collect();
        // 100 × .05: the fifth largest; exceeding it has probability 5/100 for an exchangeable newcomer.
        assert_eq!(calibrated_threshold(&calibration, 0.05), Ok(95.0));
        assert_eq!(calibrated_threshold(&calibration, 0.01), Ok(99.0));
        assert!(matches!(
            calibrated_threshold(&calibration, 0.009),
            Err(Status::Resolution { have: 99, need: 111 })
        ));
        let fine: Vec<f64> = (1..=9999).map(f64::from).collect();
        assert_eq!(calibrated_threshold(&fine, 1e-4), Ok(9999.0));
        assert!(matches!(
            calibrated_threshold(&fine[1..], 1e-4),
            Err(Status::Resolution { have: 9998, need: 9999 })
        ));
    }

    #[test]
    fn flags_are_ranked_and_strictly_above() {
        let calibration: Vec<f64> = (1..=99).map(f64::from).collect();
        let flags = alert_rate(&calibration, &[99.0, 120.0, 5.0, 200.0, 120.0], 0.01).unwrap();
        assert_eq!(flags.rows, [3, 1, 4]);
        assert_eq!(flags.threshold, Some(99.0));
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(calibrated_threshold(&[1.0; 9], f64::NAN).is_err());
        assert!(calibrated_threshold(&[1.0; 9], 1.0).is_err());
        assert!(calibrated_threshold(&[f64::NAN; 9], 0.5).is_err());
        assert!(calibrated_threshold(&[], 0.99).is_err());
    }
}
