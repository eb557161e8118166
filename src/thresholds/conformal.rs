//! p-values of detectors that have no null of their own.

use super::comparable;
use crate::foundation::failure::Status;
use crate::foundation::order::sorted;

/// Conformal p-values (1 + #{calibration ≥ score})/(n + 1) (Vovk, Gammerman & Shafer 2005; Bates et al. 2023,
/// *Annals of Statistics* 51:149).
///
/// Their null: the row is exchangeable with the calibration rows. The smallest possible value is 1/(n + 1).
///
/// # Errors
/// [`Status::Resolution`] of no calibration score, [`Status::Undefined`] of NaN.
pub fn conformal_p_values(calibration: &[f64], scores: &[f64]) -> Result<Vec<f64>, Status> {
    if calibration.is_empty() {
        return Err(Status::Resolution { have: 0, need: 1 });
    }
    comparable(calibration)?;
    comparable(scores)?;
    let ascending = sorted(calibration);
    let n = ascending.len();
    Ok(scores
        .iter()
        .map(|score| {
            let below = ascending.partition_point(|x| x < score);
            (1 + n - below) as f64 / (n + 1) as f64
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_among_the_calibration() {
        let p = conformal_p_values(&[1.0, 2.0, 3.0, 3.0], &[9.0, 3.0, 2.5, 0.0]).unwrap();
        assert_eq!(p, [0.2, 0.6, 0.6, 1.0]);
        assert!(conformal_p_values(&[], &[1.0]).is_err());
        assert!(conformal_p_values(&[1.0], &[f64::NAN]).is_err());
    }
}
