//! What every detector does to its input and output: refuse NaN, keep scores finite.

use crate::foundation::failure::Status;
pub(super) use crate::foundation::format::sentence as digits;
use crate::record::{Observed, Scores};
use std::ops::Range;

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
pub(super) fn proxy(batch: &Observed) -> Result<&[f64], Status> {
    without_nan(&batch.proxy, "a proxy reward is NaN")
}

/// Names of columns, as [`needs`](super::Detector::needs) gives them.
pub(super) fn named(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|name| (*name).to_owned()).collect()
}

/// The column of numbers of this name, or the status that says that it is missing.
pub(super) fn numbers<'a>(batch: &'a Observed, name: &str) -> Result<&'a [f64], Status> {
    let column = match name {
        "advantage" => batch.advantage.as_deref(),
        "log_prob" => batch.log_prob.as_deref(),
        "ref_log_prob" => batch.ref_log_prob.as_deref(),
        "length" => batch.length.as_deref(),
        _ => feature_column(batch, name),
    };
    column.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Status {
    Status::Missing { column: name.to_owned() }
}

/// The feature of this name, if it is there and none of its values is NaN.
pub(super) fn feature<'a>(batch: &'a Observed, name: &str) -> Result<&'a [f64], Status> {
    without_nan(numbers(batch, name)?, "a value of the feature is NaN")
}

/// The feature of this name, whatever its values.
pub(super) fn feature_column<'a>(batch: &'a Observed, name: &str) -> Option<&'a [f64]> {
    batch.features.iter().find(|(own, _)| own == name).map(|(_, column)| column.as_slice())
}

/// The column of whole numbers of this name, which a bare list of rewards may lack.
pub(super) fn words<'a>(batch: &'a Observed, name: &str) -> Result<&'a [u64], Status> {
    let column = match name {
        "step" => batch.step.as_slice(),
        "trajectory" => &batch.trajectory,
        "outcome" => &batch.outcome,
        "group" => &batch.group,
        _ => return Err(missing(name)),
    };
    if column.len() == batch.len() { Ok(column) } else { Err(missing(name)) }
}

/// The rows of each step, in order. Rewards without a step column are one step.
pub(super) fn steps(batch: &Observed) -> Vec<Range<usize>> {
    if batch.step.len() != batch.len() {
        return std::iter::once(0..batch.len()).collect();
    }
    let mut start = 0;
    let rows = |step: &[u64]| {
        start += step.len();
        start - step.len()..start
    };
    batch.step.chunk_by(|a, b| a == b).map(rows).collect()
}

/// The rows of the step that `row` belongs to; `None` of a row that is not there.
pub(super) fn step_of(batch: &Observed, row: usize) -> Option<Range<usize>> {
    if row >= batch.len() {
        return None;
    }
    match batch.step.get(row) {
        Some(step) => {
            Some(batch.step.partition_point(|s| s < step)..batch.step.partition_point(|s| s <= step))
        }
        None => Some(0..batch.len()),
    }
}

/// Tells a step's rewards from those of another run at the same step.
pub(super) fn fingerprint(rewards: &[f64]) -> u64 {
    rewards.iter().fold(rewards.len() as u64, |sum, u| sum.rotate_left(1) ^ u.to_bits())
}

/// Share of calibration and newcomer that is at least `value`: (1 + #{calibration ≥ value})/(n + 1).
pub(super) fn rank_p_value(ascending: &[f64], value: f64) -> f64 {
    let below = ascending.partition_point(|x| *x < value);
    (ascending.len() - below + 1) as f64 / (ascending.len() + 1) as f64
}

/// Scores of values that may be infinite but are not NaN.
pub(super) fn scores(mut values: Vec<f64>) -> Result<Scores, Status> {
    for value in &mut values {
        *value = finite(*value);
    }
    Scores::new(values).map_err(|_| Status::Undefined { reason: "a score is NaN" })
}

/// "1 visit", "3 visits".
pub(super) fn counted(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
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
    fn steps_are_cut_where_the_number_changes() {
        let batch = Observed { proxy: vec![0.0; 4], step: vec![3, 3, 5, 8], ..Observed::default() };
        assert_eq!(steps(&batch), [0..2, 2..3, 3..4]);
        assert_eq!(
            (step_of(&batch, 1), step_of(&batch, 3), step_of(&batch, 4)),
            (Some(0..2), Some(3..4), None)
        );
        let bare = Observed { proxy: vec![0.0; 4], ..Observed::default() };
        assert_eq!((steps(&bare), step_of(&bare, 3)), (std::iter::once(0..4).collect(), Some(0..4)));
        assert_eq!(steps(&Observed::default()).into_iter().flatten().count(), 0);
        assert!(matches!(words(&bare, "step"), Err(Status::Missing { .. })));
    }

    #[test]
    fn numbers_read_well() {
        let written: Vec<String> =
            [0.0, 53.0, -1.25, 0.123_456_789, 123_456.7, 1e9, 2.5e-7].map(digits).into();
        assert_eq!(written, ["0", "53", "-1.25", "0.123457", "123457", "1.000e9", "2.500e-7"]);
    }
}
