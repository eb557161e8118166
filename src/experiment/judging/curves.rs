//! Points of the survival and Hill figures, thinned to what a figure can show.

use crate::foundation::order;
use crate::record::Observed;
use crate::record::tables::{HillBody, SurvivalBody};
use crate::tails;

/// Points a decade of the survival function.
const PER_DECADE: f64 = 24.0;

/// Empirical survival of the proxy, of the reference's rollouts and of the training run's, with the reference's fit.
pub fn survival(reference: &Observed, training: &Observed) -> Vec<SurvivalBody> {
    let fit = tails::diagnose(&reference.proxy, None).ok().and_then(|d| {
        let share = d.k as f64 / d.n as f64;
        d.gpd.ok().map(|fit| (fit, share))
    });
    let mut rows = Vec::new();
    for (series, observed) in [("reference", reference), ("training", training)] {
        let descending = order::descending(&observed.proxy);
        let n = descending.len();
        for rank in log_spaced(n) {
            let proxy = descending[rank];
            let fitted = fit.as_ref().filter(|(fit, _)| series == "reference" && proxy >= fit.threshold);
            rows.push(SurvivalBody {
                series: series.to_owned(),
                proxy,
                // Rank r (from 0) has r values above it; r + ½ keeps the largest on a log axis.
                survival: (rank as f64 + 0.5) / n as f64,
                gpd_fit: fitted.map(|(fit, share)| share * fit.sf(proxy)).filter(|s| *s > 0.0),
            });
        }
    }
    rows
}

/// Hill's estimate against the number of order statistics, from the reference's rollouts: up to a tenth of them, beyond
/// which the estimate is of the centre and not of the tail.
pub fn hill(reference: &Observed) -> Vec<HillBody> {
    let descending = order::descending(&reference.proxy);
    let Ok(plot) = tails::hill_plot(&descending) else { return Vec::new() };
    log_spaced(plot.xi().len().min(descending.len() / 10))
        .filter_map(|place| plot.at(place + 1))
        .map(|e| HillBody { k: e.k, xi: e.xi, ci_low: Some(e.ci_low), ci_high: Some(e.ci_high) })
        .collect()
}

/// Places 0..n, all of the first ones and evenly on a log scale after.
fn log_spaced(n: usize) -> impl Iterator<Item = usize> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let place = next;
        next = (((place + 1) as f64) * 10f64.powf(1.0 / PER_DECADE)).ceil() as usize - 1;
        next = next.max(place + 1);
        (place < n).then_some(place)
    })
}
