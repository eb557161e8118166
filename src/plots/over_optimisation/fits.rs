//! Gao's curves of the gain of true utility, fitted to the runs.

use super::paths::{GRID, Path, first_passage, grid, reached, series_of_arms, trajectories};
use crate::foundation::bootstrap::Interval;
use crate::foundation::format::report as number;
use crate::foundation::gao::{self, Estimated};
use crate::foundation::order;
use crate::plots::series::{Point, Series};
use crate::record::folder::RunFolder;

/// A series with both curves of Gao et al., the better first.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Name of the series.
    pub name: String,
    /// Utility at d = 0, from which gains are counted: the median over the runs.
    pub start: f64,
    /// Its curves.
    pub fits: Vec<Estimated>,
}

/// Gao's curves of the gain of true utility, for each arm that was trained or, where arms are exact solutions, for each series of arms.
/// Intervals are not made of many series unless they are asked for.
pub fn fits(run: &RunFolder, intervals: bool) -> Vec<Fitted> {
    let mut trained: Vec<(String, f64, Vec<Path>)> = Vec::new();
    for arm in &run.plan.arms {
        let paths = trajectories(run, arm.arm, |row| row.utility);
        if !paths.is_empty() {
            let starts: Vec<f64> = paths.iter().filter_map(|path| path.first()).map(|p| p.1).collect();
            trained.push((run.label(arm.arm), order::median(&starts).unwrap_or(0.0), gains(&paths)));
        }
    }
    if trained.is_empty() {
        let known: Vec<f64> = run.replicates.iter().filter_map(|row| row.reference_utility).collect();
        let start = order::median(&known).unwrap_or(0.0);
        let solutions = series_of_arms(run).into_iter();
        trained = solutions.map(|(name, arms)| (name, start, solved(run, &arms))).collect();
    }
    trained
        .into_iter()
        .map(|(name, start, units)| Fitted { name, start, fits: gao::estimates(&units, intervals) })
        .filter(|fitted| !fitted.fits.is_empty())
        .collect()
}

pub(super) fn told(fitted: &Fitted) -> Option<String> {
    let best = fitted.fits.first()?;
    let name = if fitted.name.is_empty() { String::new() } else { format!("{}: ", fitted.name) };
    if !best.holds() {
        return Some(format!("{name}no fit (R² = {})", number(best.fit.r_squared)));
    }
    let within = |interval: Option<Interval>| {
        interval.map_or_else(String::new, |i| format!(" [{}, {}]", number(i.low), number(i.high)))
    };
    let peak = best.peak().map_or_else(
        |why| format!("peak: {why}"),
        |(d, gain)| format!("peak of {} at KL {}{}", number(gain), number(d * d), within(best.peak_kl)),
    );
    Some(format!(
        "{name}{} with α = {}{}, β = {}{}, R² = {}, {peak}",
        best.fit.form.name(),
        number(best.fit.alpha),
        within(best.alpha),
        number(best.fit.beta),
        within(best.beta),
        number(best.fit.r_squared)
    ))
}

/// The fitted curves that hold, where the series has points.
pub(super) fn curves(series: &[Series], fitted: &Fitted) -> Vec<Series> {
    let own = series.iter().find(|s| s.panel == "utility" && s.name == fitted.name);
    let Some(own) = own else { return Vec::new() };
    let start = fitted.start;
    let end = own.points.iter().map(|p| p.x).fold(0.0, f64::max);
    let along = |found: &Estimated| {
        let points =
            (0..=GRID).map(|i| grid(end, i)).map(|kl| Point::new(kl, start + found.fit.at(kl.sqrt())));
        Series::new("utility", format!("{}: fit {}", fitted.name, found.fit.form.name()), points)
    };
    fitted.fits.iter().filter(|found| found.holds()).map(along).collect()
}

/// Each path as (√KL, gain over its start), read at the grid of the curve.
fn gains(paths: &[Path]) -> Vec<Path> {
    let Some(end) = reached(paths) else { return Vec::new() };
    let one = |path: &Path| {
        let start = path.first().map_or(0.0, |p| p.1);
        let at = |i: usize| {
            let kl = grid(end, i);
            Some((kl.sqrt(), first_passage(path, kl)? - start))
        };
        (1..=GRID).filter_map(at).collect()
    };
    paths.iter().map(one).collect()
}

/// The exact solutions of some arms, each replicate with (√KL, gain over the reference).
fn solved(run: &RunFolder, arms: &[usize]) -> Vec<Path> {
    let mut units: Vec<(u64, Path)> = Vec::new();
    for row in run.replicates.iter().filter(|row| arms.contains(&row.arm)) {
        let (Some(kl), Some(utility), Some(start)) = (row.kl, row.utility, row.reference_utility) else {
            continue;
        };
        let point = (kl.max(0.0).sqrt(), utility - start);
        match units.iter_mut().find(|unit| unit.0 == row.replicate) {
            Some(unit) => unit.1.push(point),
            None => units.push((row.replicate, vec![point])),
        }
    }
    units.into_iter().map(|unit| unit.1).collect()
}
