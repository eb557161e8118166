//! Flags by a detector's own p-values.

use super::{Flags, comparable, proper_rate};
use crate::foundation::failure::Status;

/// Flags p-values at or below `rate`. The rate of false alarms is the nominal one only as far as the detector's
/// null is right: the normal null of `robust_z` is not, under heavy tails.
///
/// # Errors
/// [`Status::Undefined`] of NaN or a rate outside (0, 1).
pub fn p_value(p_values: &[f64], rate: f64) -> Result<Flags, Status> {
    proper_rate(rate)?;
    comparable(p_values)?;
    Ok(Flags::ascending(p_values, |p| p <= rate, Some(rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_at_or_below_the_rate() {
        let flags = p_value(&[0.5, 0.01, 1e-9, 0.011], 0.01).unwrap();
        assert_eq!((flags.rows, flags.threshold), (vec![2, 1], Some(0.01)));
        assert!(p_value(&[f64::NAN], 0.01).is_err() && p_value(&[0.5], 0.0).is_err());
    }
}
