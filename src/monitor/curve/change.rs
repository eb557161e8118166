//! Where the level of a series changes at once: by more than its changes elsewhere let expect.

use crate::foundation::order::{MAD_TO_SD, median};
use serde::Serialize;

/// Robust deviations from the usual change, from which on a change is named.
const NAMED: f64 = 5.0;
/// Fewest means of a side, and the part of a series that a side is.
const LEAST: usize = 4;
const PART: usize = 20;
/// Least change, in standard deviations from one mean to the next: smaller ones are not worth a name.
const WORTH: f64 = 1.0;

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// The first step of the new level.
    pub step: u64,
    /// Median of the steps before.
    pub before: f64,
    /// Median of the steps from it on.
    pub after: f64,
}

/// The steps at which the median of the next twentieth of the series differs from that of the last by 5 robust deviations more than it
/// usually does. A steady trend is the usual difference, and so are slow swings.
pub fn changes(steps: &[u64], values: &[f64]) -> Vec<Change> {
    let n = values.len().min(steps.len());
    let width = (n / PART).max(LEAST);
    if n < 6 * width {
        return Vec::new();
    }
    // One far mean is no level.
    let level = |from: usize| median(values.get(from..from + width).unwrap_or_default()).unwrap_or(0.0);
    let differences: Vec<f64> = (width..=n - width).map(|at| level(at) - level(at - width)).collect();
    let usual = median(&differences).unwrap_or(0.0);
    let away: Vec<f64> = differences.iter().map(|d| (d - usual).abs()).collect();
    let one: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    let noise = MAD_TO_SD * median(&one).unwrap_or(0.0) / std::f64::consts::SQRT_2;
    let scale = MAD_TO_SD * median(&away).unwrap_or(0.0);
    let bar = (NAMED * scale).max(WORTH * noise);
    let mut found: Vec<usize> = (0..away.len()).filter(|i| away[*i] > bar).collect();
    // The largest of each stretch.
    found.sort_unstable_by(|a, b| away[*b].total_cmp(&away[*a]).then(a.cmp(b)));
    let mut kept: Vec<usize> = Vec::new();
    for at in found {
        if kept.iter().all(|known| known.abs_diff(at) > 2 * width) {
            kept.push(at);
        }
    }
    kept.sort_unstable();
    kept.into_iter()
        .filter_map(|i| {
            let at = i + width;
            Some(Change { step: *steps.get(at)?, before: level(at - width), after: level(at) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::series::Series;
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn noisy(seed: u64, level: impl Fn(u64) -> f64) -> Series {
        let mut rng = SeedTree::new(seed, 0).stream(Purpose::Bootstrap, 1);
        let mut normal = || (0..12).map(|_| rng.open_unit()).sum::<f64>() - 6.0;
        let values = (0..200).map(|step| level(step) + 0.1 * normal()).collect();
        Series { name: String::new(), steps: (0..200).collect(), values }
    }

    fn of(series: &Series) -> Vec<Change> {
        changes(&series.steps, &series.values)
    }

    /// 100 series each: flat, rising, saturating. Five in a hundred may be named.
    #[test]
    fn noise_and_honest_learning_are_rarely_named() {
        type Level = fn(u64) -> f64;
        let levels: [Level; 3] = [|_| 0.0, |t| 0.01 * t as f64, |t| 0.5 * (1.0 - (-(t as f64) / 60.0).exp())];
        for (i, level) in levels.iter().enumerate() {
            let named = (0..100).filter(|seed| !of(&noisy(*seed, level)).is_empty()).count();
            assert!(named <= 5, "{i}: {named}");
        }
    }

    #[test]
    fn a_jump_is_named_with_its_step() {
        let found = of(&noisy(3, |t| if t >= 120 { 1.0 } else { 0.0 }));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].step.abs_diff(120) <= 2 && (found[0].after - found[0].before - 1.0).abs() < 0.2);
        assert!(changes(&[1, 2], &[1.0, 2.0]).is_empty());
        let mut spike = noisy(4, |_| 0.0);
        spike.values[120] = 50.0;
        assert_eq!(of(&spike), [], "one far mean is no level");
    }
}
