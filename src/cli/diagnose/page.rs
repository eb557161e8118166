//! The answer as one page of figures.

use super::super::table::{count, number};
use super::Findings;
use crate::plots::series::Point;
use crate::plots::tail_page::TailPage;
use crate::record::ColumnData;
use crate::tails::{Excess, MIN_EXCESSES, hill_plot, mean_excess, parameter_stability, qq_gpd};

/// Points of a curve.
const POINTS: usize = 240;
/// Thresholds above which the generalised Pareto law is fitted.
const FITS: usize = 40;

/// The page of a sample that has a tail, given in `descending` order.
pub(super) fn of(data: &ColumnData, descending: &[f64], findings: &Findings) -> TailPage {
    let diagnosis = &findings.diagnosis;
    let n = diagnosis.n;
    let reward = data.column.clone().unwrap_or_else(|| "reward".to_owned());
    let point = |x: f64, y: f64, low: f64, high: f64| Point { x, y, low: Some(low), high: Some(high) };
    let hill = hill_plot(descending).map_or(Vec::new(), |plot| {
        let at = |k| plot.at(k).map(|e| point(k as f64, e.xi, e.ci_low, e.ci_high));
        log_spaced(MIN_EXCESSES, plot.xi().len().min(n / 4)).into_iter().filter_map(at).collect()
    });
    // Above the tenth largest the mean is of next to nothing, below the median of the centre.
    let excesses = || mean_excess(descending).filter(|e| (MIN_EXCESSES..=n / 2).contains(&e.k));
    let mut places = log_spaced(1, excesses().count()).into_iter().peekable();
    let shown = |(i, e): (usize, Excess)| {
        places.next_if_eq(&(i + 1)).map(|_| point(e.threshold, e.mean, e.ci_low, e.ci_high))
    };
    let mean_excess = excesses().enumerate().filter_map(shown).collect();
    let by_moments = diagnosis.gpd_pwm.as_ref().and_then(|fit| fit.as_ref().ok());
    let qq = diagnosis.gpd.as_ref().ok().or(by_moments).map_or(Vec::new(), |fit| {
        let points = qq_gpd(descending, fit);
        let at = |i: usize| points.get(i - 1).map(|q| point(q.expected, q.fitted, q.low, q.high));
        log_spaced(1, points.len()).into_iter().filter_map(at).collect()
    });
    let stability: Vec<Point> = parameter_stability(descending, n / 4, FITS)
        .into_iter()
        .filter_map(|p| {
            let fit = p.fit.ok()?;
            Some(point(p.k as f64, fit.xi, fit.ci_low, fit.ci_high))
        })
        .collect();
    let steps = findings.windows.iter().filter_map(|w| {
        let fit = w.gpd.as_ref().ok()?;
        Some(point(0.5 * (w.first as f64 + w.last as f64), fit.xi, fit.ci_low, fit.ci_high))
    });
    let steps: Vec<Point> = steps.collect();
    let windows = match steps.len() {
        0 => String::new(),
        some => format!(" By training step: one fit to the top 5% of each of {some} windows of steps."),
    };
    let fit = if by_moments.is_some() { " by weighted moments" } else { "" };
    let steady = match stability.as_slice() {
        [] => "",
        _ => " The fit's ξ should not depend on k once the threshold is high enough.",
    };
    TailPage {
        title: format!(
            "Tail of `{reward}`: {} values, {} of them above {}",
            count(n),
            count(diagnosis.k),
            number(diagnosis.threshold)
        ),
        caption: format!(
            "Bands and whiskers are 95%, pointwise; dotted lines mark the threshold used. At the dashed lines ξ = ½ and 1 variance and \
             mean become infinite. Hill: a plateau is an index, a slope is none; it cannot show ξ ≤ 0. Mean excess: rising is heavy, \
             flat exponential, falling light. Excesses lie on the diagonal where the generalised Pareto fit{fit} is right, 95% of \
             each rank in the band.{steady}{windows}"
        ),
        reward,
        threshold: diagnosis.threshold,
        k: diagnosis.k,
        hill,
        mean_excess,
        qq,
        stability,
        steps,
    }
}

/// Whole numbers from `first` to `last`, at most about `POINTS` and evenly on a log scale.
fn log_spaced(first: usize, last: usize) -> Vec<usize> {
    if last < first || first == 0 {
        return Vec::new();
    }
    let growth = (last as f64 / first as f64).powf(1.0 / POINTS as f64);
    let mut places: Vec<usize> =
        (0..=POINTS).map(|i| ((first as f64 * growth.powi(i as i32)).round() as usize).min(last)).collect();
    places.dedup();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_reach_both_ends_and_ascend() {
        for (first, last) in [(1, 1), (1, 10), (10, 100_000), (3, 2)] {
            let places = log_spaced(first, last);
            assert!(places.windows(2).all(|p| p[0] < p[1]) && places.len() <= POINTS + 1);
            assert_eq!(
                (places.first(), places.last()),
                if last < first { (None, None) } else { (Some(&first), Some(&last)) }
            );
        }
    }
}
