//! Shares of runs or rollouts with intervals, as points and in words: by Wilson, as in every table of a run.

use super::series::Point;
use crate::foundation::bootstrap::Interval;
use crate::foundation::format::report as number;
use crate::foundation::scalar::OpenProbability;
use crate::foundation::wilson::wilson;

const LEVEL: OpenProbability = OpenProbability::known(0.95);

/// `hits` of `trials` at `x`, with Wilson's 95% interval; nothing without trials.
pub(super) fn share(x: f64, hits: usize, trials: usize) -> Option<Point> {
    let Interval { low, high } = wilson(hits as u64, trials as u64, LEVEL).ok()?;
    Some(Point { x, y: hits as f64 / trials as f64, low: Some(low), high: Some(high) })
}

/// A share in per cent with its interval: `96% [79, 100]`.
pub(super) fn told(point: &Point) -> String {
    match (point.low, point.high) {
        (Some(low), Some(high)) => format!("{}% [{}, {}]", percent(point.y), percent(low), percent(high)),
        _ => format!("{}%", percent(point.y)),
    }
}

/// Whole per cent from ten on, two digits below.
pub(super) fn percent(share: f64) -> String {
    let value = 100.0 * share;
    if value >= 9.95 || value <= 0.0 {
        return number(value.round());
    }
    let unit = 10f64.powf(value.log10().floor() - 1.0);
    number((value / unit).round() * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_with_the_interval_of_the_tables() {
        // 23 of 24, by hand: (23 + z²/2 ± z·√(23/24 + z²/4)) / (24 + z²), z = 1.95996.
        let found = share(3.0, 23, 24).unwrap();
        assert!((found.low.unwrap() - 0.79759).abs() < 1e-4 && (found.high.unwrap() - 0.99258).abs() < 1e-4);
        assert_eq!(told(&found), "96% [80, 99]");
        assert_eq!(told(&share(0.0, 0, 24).unwrap()), "0% [0, 14]");
        assert_eq!(told(&share(0.0, 3, 5109).unwrap()), "0.059% [0.02, 0.17]");
        assert_eq!(share(0.0, 0, 0), None);
    }
}
