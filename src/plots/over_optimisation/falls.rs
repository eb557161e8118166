//! How far utility falls from its peak to the end, paired by replicate: what the title says of over-optimisation.

use super::paths::{first_passage, series_of_arms, trajectories};
use crate::foundation::bootstrap::{Estimate, quantile_interval};
use crate::foundation::format::report as number;
use crate::foundation::order;
use crate::foundation::scalar::OpenProbability;
use crate::plots::series::{Point, Series};
use crate::record::folder::RunFolder;

const LEVEL: OpenProbability = OpenProbability::known(0.95);
/// Share of the peak and the end together from which on a loss is told.
const LITTLE: f64 = 0.05;
const MEDIAN: OpenProbability = OpenProbability::known(0.5);

/// From where to where the utility of a series goes after its peak.
pub(super) struct Fall {
    name: String,
    top: Point,
    last: Point,
    /// Median over the replicates of what each loses from the one KL to the other, with its 95% interval by order statistics; nothing
    /// where the peak is the end, and where there are too few replicates.
    loss: Option<Estimate>,
}

/// The fall of each series of utility that has points.
pub(super) fn falls(run: &RunFolder, series: &[Series]) -> Vec<Fall> {
    let utilities = series.iter().filter(|s| s.panel == "utility");
    utilities
        .filter_map(|s| {
            let top = *s.points.iter().max_by(|a, b| a.y.total_cmp(&b.y))?;
            let last = *s.points.iter().max_by(|a, b| a.x.total_cmp(&b.x))?;
            let losses = if top.x < last.x { losses(run, s, top.x, last.x) } else { Vec::new() };
            let loss = quantile_interval(&losses, MEDIAN, LEVEL).ok();
            Some(Fall { name: s.name.clone(), top, last, loss })
        })
        .collect()
}

/// What each replicate that comes to the last KL loses on the way from that of the peak.
fn losses(run: &RunFolder, series: &Series, top: f64, last: f64) -> Vec<f64> {
    let arm = run.plan.arms.iter().find(|arm| run.label(arm.arm) == series.name);
    let paths = arm.map_or_else(Vec::new, |arm| trajectories(run, arm.arm, |row| row.utility));
    if !paths.is_empty() {
        let of = |path: &Vec<(f64, f64)>| Some(first_passage(path, top)? - first_passage(path, last)?);
        return paths.iter().filter_map(of).collect();
    }
    let members = series_of_arms(run).into_iter().find(|(name, _)| *name == series.name);
    let Some((_, arms)) = members else { return Vec::new() };
    let kl = |arm: &usize| {
        let own = run.replicates.iter().filter(|row| row.arm == *arm).filter_map(|row| row.kl);
        order::median(&own.collect::<Vec<_>>()).map(|kl| kl.max(0.0))
    };
    let at = |wanted: f64| arms.iter().copied().find(|arm| kl(arm) == Some(wanted));
    let (Some(peak), Some(end)) = (at(top), at(last)) else { return Vec::new() };
    let of = |arm: usize, replicate: u64| {
        let row = run.replicates.iter().find(|row| row.arm == arm && row.replicate == replicate);
        row.and_then(|row| row.utility)
    };
    let ids = run.replicates.iter().filter(|row| row.arm == peak).map(|row| row.replicate);
    ids.filter_map(|id| Some(of(peak, id)? - of(end, id)?)).collect()
}

/// Where utility turns and what it has lost at the end, for the series whose loss is certainly largest; a loss counts where its interval is above 0
pub(super) fn title(falls: &[Fall]) -> String {
    let of =
        |name: &str| if falls.len() > 1 && !name.is_empty() { format!(" ({name})") } else { String::new() };
    // A loss of next to nothing is no finding, however certain it is.
    let counts = |(fall, loss): &(&Fall, Estimate)| {
        loss.interval.low > 0.0 && loss.value > LITTLE * (fall.top.y.abs() + fall.last.y.abs())
    };
    let clear = falls.iter().filter_map(|fall| Some((fall, fall.loss?))).filter(counts);
    if let Some((fall, loss)) = clear.max_by(|a, b| a.1.interval.low.total_cmp(&b.1.interval.low)) {
        return format!(
            "E[V] peaks at {} at KL {} and has lost {} [{}, {}] at KL {}{}",
            number(fall.top.y),
            number(fall.top.x),
            number(loss.value),
            number(loss.interval.low),
            number(loss.interval.high),
            number(fall.last.x),
            of(&fall.name)
        );
    }
    let told = |p: &Point| match (p.low, p.high) {
        (Some(low), Some(high)) => format!("{} [{}, {}]", number(p.y), number(low), number(high)),
        _ => number(p.y),
    };
    match falls.iter().max_by(|a, b| a.last.y.total_cmp(&b.last.y)) {
        Some(best) => format!(
            "E[V] reaches {} at KL {}{}; no fall is certain",
            told(&best.last),
            number(best.last.x),
            of(&best.name)
        ),
        None => "Over-optimisation: proxy and utility against KL".to_owned(),
    }
}
