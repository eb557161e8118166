//! Can this sample carry a tail index at all?

use super::MIN_EXCESSES;
use crate::foundation::failure::Status;

/// Fewest distinct values behind a tail index where values repeat.
const MIN_DISTINCT: usize = 50;

/// Whether every step holds a single row: then each row is a mean over a training step, and the rollouts' tail is
/// not in the file.
///
/// # Errors
/// [`Status::Aggregate`] where two or more rows all have a step of their own.
pub fn check_rows_per_step(step: &[u64]) -> Result<(), Status> {
    let mut sorted = step.to_vec();
    sorted.sort_unstable();
    if sorted.len() >= 2 && sorted.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(Status::Aggregate);
    }
    Ok(())
}

/// Whether the `k` largest of `descending` values are a sample of a continuous upper tail.
///
/// # Errors
/// [`check_continuous`] and [`check_ceiling`], then [`Status::TooFew`] below [`MIN_EXCESSES`].
pub fn check_tail(descending: &[f64], k: usize) -> Result<(), Status> {
    check_continuous(descending)?;
    check_ceiling(descending, k)?;
    let tail = &descending[..k.min(descending.len())];
    check_continuous(tail)?;
    if tail.len() < MIN_EXCESSES {
        return Err(Status::TooFew { what: "excesses", have: tail.len(), need: MIN_EXCESSES });
    }
    Ok(())
}

/// Whether sorted values are more than a ladder: under 50 distinct ones that on average come at least twice each are
/// discrete.
///
/// # Errors
/// [`Status::AllTied`] of two or more equal values, [`Status::Discrete`].
pub fn check_continuous(sorted: &[f64]) -> Result<(), Status> {
    match count_distinct(sorted) {
        1 if sorted.len() > 1 => Err(Status::AllTied),
        distinct if distinct < MIN_DISTINCT && distinct > 0 && sorted.len() >= 2 * distinct => {
            Err(Status::Discrete { distinct })
        }
        _ => Ok(()),
    }
}

/// Whether the largest value is a ceiling: it comes at least three times, and three times as often as the other
/// values of the tail (of the whole sample, where the tail has no value left) do on average.
///
/// # Errors
/// [`Status::Clipped`].
pub fn check_ceiling(descending: &[f64], k: usize) -> Result<(), Status> {
    let Some(&at) = descending.first() else { return Ok(()) };
    let count = descending.iter().take_while(|x| **x == at).count();
    let tail = if k == 0 { descending } else { &descending[..k.min(descending.len())] };
    let others = tail.get(count..).unwrap_or_default();
    let usual = others.len() as f64 / count_distinct(others).max(1) as f64;
    if count >= 3 && count as f64 >= 3.0 * usual {
        return Err(Status::Clipped { at, count });
    }
    Ok(())
}

fn count_distinct(sorted: &[f64]) -> usize {
    if sorted.is_empty() { 0 } else { 1 + sorted.windows(2).filter(|pair| pair[0] != pair[1]).count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smooth(n: usize) -> Vec<f64> {
        (1..=n).map(|i| -(i as f64 / (n + 1) as f64).ln()).collect()
    }

    #[test]
    fn continuous_values_pass_and_few_of_them_do_not() {
        assert_eq!(check_tail(&smooth(1000), 50), Ok(()));
        assert!(matches!(check_tail(&smooth(100), 5), Err(Status::TooFew { have: 5, need: 10, .. })));
        assert!(matches!(check_tail(&[], 0), Err(Status::TooFew { have: 0, .. })));
    }

    #[test]
    fn ladders_and_constants_are_found() {
        let likert: Vec<f64> = (0..500).map(|i| f64::from(5 - i / 100)).collect();
        assert_eq!(check_tail(&likert, 25), Err(Status::Discrete { distinct: 5 }));
        assert_eq!(check_tail(&[2.0; 40], 2), Err(Status::AllTied));
        let binary: Vec<f64> = (0..500).map(|i| f64::from(u8::from(i < 3))).collect();
        assert_eq!(check_tail(&binary, 25), Err(Status::Discrete { distinct: 2 }));
        // coarse rounding only: 20,000 values on a grid of .01
        let mut rounded: Vec<f64> = smooth(20_000).iter().map(|x| (x * 100.0).round() / 100.0).collect();
        rounded.sort_unstable_by(|a, b| b.total_cmp(a));
        assert_eq!(check_tail(&rounded, 1000), Ok(()));
    }

    #[test]
    fn a_ceiling_is_found_whether_it_takes_little_or_all_of_the_tail() {
        for ceiling in [7.0, 4.0, 1.0] {
            let clipped: Vec<f64> = smooth(20_000).iter().map(|x| x.min(ceiling)).collect();
            let count = clipped.iter().filter(|x| **x == ceiling).count();
            for k in [0, 1000] {
                assert_eq!(check_tail(&clipped, k), Err(Status::Clipped { at: ceiling, count }));
            }
        }
    }

    #[test]
    fn one_row_a_step_is_an_aggregate() {
        assert_eq!(check_rows_per_step(&[0, 1, 2, 3]), Err(Status::Aggregate));
        assert_eq!(check_rows_per_step(&[0, 0, 1, 1]), Ok(()));
        assert_eq!(check_rows_per_step(&[7]), Ok(()));
    }
}
