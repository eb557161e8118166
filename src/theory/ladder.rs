//! Where to cut a line before integrating a law along it.

use crate::distributions::Distribution;

/// Tail probabilities at whose quantiles a law's density changes its size or its scale.
const LEVELS: [f64; 8] = [1e-300, 1e-100, 1e-40, 1e-17, 1e-9, 1e-4, 0.02, 0.25];

/// The same for the bulk alone, as few as a rule of 15 nodes needs.
const CORE: [f64; 4] = [1e-17, 1e-6, 0.01, 0.5];

/// A law's centre and spread, the ends of its support, and its quantiles from one far tail to the other.
#[derive(Debug)]
pub(super) struct Ladder {
    /// Median.
    pub centre: f64,
    /// Interquartile range.
    pub spread: f64,
    /// Lower and upper end of the support.
    pub support: (f64, f64),
    /// Finite quantiles, ascending.
    pub points: Vec<f64>,
    /// The few of them that hold all but 10⁻¹⁷ on either side.
    pub core: Vec<f64>,
}

impl Ladder {
    pub fn new(law: &dyn Distribution) -> Self {
        let mut points: Vec<f64> = LEVELS.iter().map(|p| law.quantile(*p)).collect();
        points.push(law.quantile(0.5));
        points.extend(LEVELS.iter().rev().map(|p| law.upper_quantile(*p)));
        points.retain(|x| x.is_finite());
        let both = |p: &f64| [law.quantile(*p), law.upper_quantile(*p)];
        let mut core: Vec<f64> = CORE.iter().flat_map(both).filter(|x| x.is_finite()).collect();
        core.sort_unstable_by(f64::total_cmp);
        Self {
            core,
            centre: law.quantile(0.5),
            spread: law.upper_quantile(0.25) - law.quantile(0.25),
            support: (law.quantile(0.0), law.upper_quantile(0.0)),
            points,
        }
    }
}

/// Sorts, clips to an interval, and adds points at growing distances from each (centre, unit), so that no panel is
/// longer than three times its distance from a centre.
pub(super) fn edges(mut points: Vec<f64>, (low, high): (f64, f64), centres: &[(f64, f64)]) -> Vec<f64> {
    points.extend([low, high].iter().filter(|x| x.is_finite()));
    points.retain(|x| *x >= low && *x <= high && x.is_finite());
    let end = |a: f64, b: &f64| if a.abs() > b.abs() { a } else { *b };
    let reach = points.iter().fold(0.0, end).abs();
    for &(centre, unit) in centres {
        let mut distance = 4.0 * unit;
        while distance > 0.0 && distance < 2.0 * reach {
            points.extend([centre - distance, centre + distance]);
            distance *= 4.0;
        }
    }
    points.sort_unstable_by(f64::total_cmp);
    let (first, last) = (low.max(-reach), high.min(reach));
    points.retain(|x| *x >= first && *x <= last);
    points.dedup();
    points
}
