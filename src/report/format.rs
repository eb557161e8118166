//! Numbers as a reader wants them.

pub use crate::foundation::format::report as number;

/// An estimate with its interval in brackets, where it has one.
pub fn interval(estimate: f64, low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{} [{}, {}]", number(estimate), number(low), number(high)),
        _ => number(estimate),
    }
}

/// A share in percent; below 1% with as many digits as it needs.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value.abs() >= 1.0 || value == 0.0 {
        format!("{}%", number(value.round()))
    } else {
        format!("{}%", number(value))
    }
}

/// A share with its interval, in percent.
pub fn percent_interval(share: f64, low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => {
            // Below 1% rounded ends would leave the estimate outside.
            let is_small = share > 0.0 && share < 0.01;
            let end = |x: f64| number(if is_small { x * 100.0 } else { (x * 100.0).round() });
            format!("{} [{}, {}]", percent(share), end(low), end(high))
        }
        _ => percent(share),
    }
}

/// An audit budget: a share of the rollouts below 1, a count from 1.
pub fn budget(budget: f64) -> String {
    if budget < 1.0 { percent(budget) } else { format!("{} rollouts", number(budget)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_signed() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.2345, "−1.23"),
            (123456.0, "1.23e5"),
            (2e-4, "2e−4"),
            (99.96, "100"),
            (1234.5, "1234"),
            (f64::INFINITY, "∞"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(percent(1e-4), "0.01%");
        assert_eq!(percent_interval(0.625, Some(0.4777), Some(0.74)), "62% [48, 74]".replace("62", "63"));
        assert_eq!(percent_interval(0.00203, Some(0.0004), Some(0.0091)), "0.203% [0.04, 0.91]");
        assert_eq!(budget(50.0), "50 rollouts");
    }
}
