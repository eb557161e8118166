//! What every detector does to its input and output: refuse NaN, keep scores finite.

use crate::foundation::failure::Status;
use crate::record::Scores;

/// ±∞ becomes ±f64::MAX: an infinite reward is the most suspicious there is, and a score must be finite.
#[inline]
pub(super) fn finite(x: f64) -> f64 {
    x.clamp(-f64::MAX, f64::MAX)
}

/// The column, if none of its values is NaN.
pub(super) fn without_nan<'a>(column: &'a [f64], reason: &'static str) -> Result<&'a [f64], Status> {
    if column.iter().any(|x| x.is_nan()) { Err(Status::Undefined { reason }) } else { Ok(column) }
}

/// The proxy reward, if none is NaN.
pub(super) fn proxy(batch: &crate::record::Observed) -> Result<&[f64], Status> {
    without_nan(&batch.proxy, "a proxy reward is NaN")
}

/// Scores of values that may be infinite but are not NaN.
pub(super) fn scores(mut values: Vec<f64>) -> Result<Scores, Status> {
    for value in &mut values {
        *value = finite(*value);
    }
    Scores::new(values).map_err(|_| Status::Undefined { reason: "a score is NaN" })
}

/// A number for a sentence: six significant digits at most.
pub(super) fn digits(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || !(1e-3..1e6).contains(&size) {
        let text = format!("{x:.3e}");
        return if x == 0.0 { "0".into() } else { text };
    }
    let decimals = (5 - size.log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// `digits` of a row that may not exist.
pub(super) fn digits_at(column: Option<&[f64]>, row: usize) -> String {
    column.and_then(|values| values.get(row)).map_or_else(|| "absent".into(), |x| digits(*x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinities_become_the_largest_numbers_and_nan_a_status() {
        let made = scores(vec![f64::INFINITY, f64::NEG_INFINITY, 1.0]).unwrap();
        assert_eq!(made.values(), [f64::MAX, -f64::MAX, 1.0]);
        assert!(matches!(scores(vec![f64::NAN]), Err(Status::Undefined { .. })));
    }

    #[test]
    fn numbers_read_well() {
        let written: Vec<String> =
            [0.0, 53.0, -1.25, 0.123_456_789, 123_456.7, 1e9, 2.5e-7].map(digits).into();
        assert_eq!(written, ["0", "53", "-1.25", "0.123457", "123457", "1.000e9", "2.500e-7"]);
    }
}
