//! The search along the profile of [`super::gpd_profile`]: its highest point, and where it has lost 1.92.

use super::gpd_profile::{Point, Profile};
use crate::foundation::root::root;

/// 95% quantile of χ² with one degree of freedom.
pub(super) const CHI2_95: f64 = 3.841_458_820_694_124;
/// Above this many excesses the first look at the profile goes through a sample of them.
const THIN_ABOVE: usize = 2048;
/// Size of that sample.
const THINNED: usize = 1024;
/// Step of the first look, in v.
const STEP: f64 = 0.5;
/// How close √deviance must come to √χ² at an end of the interval.
const GAP_TOLERANCE: f64 = 1e-7;

/// The highest local maximum of the profile and its place, if there is one.
///
/// The likelihood has no global one, as it grows without bound below ξ = −1: the estimate is the local maximum (Smith
/// 1985, *Biometrika* 72:67), even where the edge ξ = −1 is higher.
pub(super) fn maximum(profile: &Profile) -> Option<(f64, Point)> {
    let mut found = Vec::new();
    if profile.len() > THIN_ABOVE {
        let thinned = profile.thinned(profile.len() / THINNED);
        for v in stationary(&thinned) {
            // One standard error of the sample's ξ, as a step in v.
            let (here, next) = (thinned.at(v).xi, thinned.at(v + 1e-3).xi);
            let step = (1.0 + here) / (THINNED as f64).sqrt() / ((next - here) / 1e-3);
            found.extend(bracket(profile, v, step.clamp(1e-3, 1.0)).map(|(a, b)| refine(profile, a, b)));
        }
    }
    if found.is_empty() {
        found = stationary(profile);
    }
    found
        .into_iter()
        .map(|v| (v, profile.at(v)))
        .max_by(|x, y| x.1.mean_ln_likelihood.total_cmp(&y.1.mean_ln_likelihood))
}

/// The local maximum next to `v`, found by steps that start with `step`.
pub(super) fn maximum_near(profile: &Profile, v: f64, step: f64) -> Option<(f64, Point)> {
    let (a, b) = bracket(profile, v, step)?;
    let v = refine(profile, a, b);
    Some((v, profile.at(v)))
}

/// v and the score there.
type End = (f64, f64);

/// All local maxima of the profile that the first look can tell apart.
fn stationary(profile: &Profile) -> Vec<f64> {
    let (low, high) = profile.ends();
    let steps = ((high - low) / STEP).ceil().max(1.0) as usize;
    let grid = (0..=steps).map(|i| if i == steps { high } else { low + STEP * i as f64 });
    let ends: Vec<End> = grid.map(|v| (v, profile.at(v).score)).collect();
    ends.windows(2)
        .filter(|pair| pair[0].1 > 0.0 && pair[1].1 <= 0.0)
        .map(|pair| refine(profile, pair[0], pair[1]))
        .collect()
}

fn refine(profile: &Profile, a: End, b: End) -> f64 {
    root(|v| profile.at(v).score, a, b, 1e-9)
}

/// Two points around the zero of the score that is next to `v`, found by growing steps.
fn bracket(profile: &Profile, v: f64, mut step: f64) -> Option<(End, End)> {
    let (low, high) = profile.ends();
    let mut here = (v, profile.at(v).score);
    let upwards = here.1 > 0.0;
    while here.0 > low && here.0 < high {
        let v = if upwards { here.0 + step } else { here.0 - step }.clamp(low, high);
        let next = (v, profile.at(v).score);
        if (next.1 > 0.0) != upwards {
            return Some(if upwards { (here, next) } else { (next, here) });
        }
        here = next;
        step *= 2.0;
    }
    None
}

/// The ξ on both sides of the maximum at v where twice the log-likelihood has fallen by the 95% quantile of χ²; −1
/// where it has not before the edge of the model.
pub(super) fn interval(profile: &Profile, v: f64, best: Point) -> (f64, f64) {
    let k = profile.len() as f64;
    let gap = |v: f64| {
        let point = profile.at(v);
        let deviance = 2.0 * k * (best.mean_ln_likelihood - point.mean_ln_likelihood);
        (deviance.max(0.0).sqrt() - CHI2_95.sqrt(), point.xi)
    };
    // The likelihood may fall slowly above its last possible stationary point.
    let (low, beyond) = (profile.ends().0, profile.ends().1 + 10.0);
    (crossing(gap, v, low).unwrap_or(-1.0), crossing(gap, v, beyond).unwrap_or_else(|| profile.at(beyond).xi))
}

/// ξ at which `gap` (√deviance − √χ², and ξ) crosses 0, going from the maximum at v towards `limit`; `None` if it
/// does not before it.
///
/// √deviance is nearly linear in v: the line through the maximum says how far to go, and regula falsi (Illinois)
/// closes in within two or three steps.
fn crossing(gap: impl Fn(f64) -> (f64, f64), v: f64, limit: f64) -> Option<f64> {
    let target = CHI2_95.sqrt();
    let direction = (limit - v).signum();
    let (mut inside, mut reach) = ((v, -target), 0.05);
    let mut outside = loop {
        let next = if reach < (limit - v).abs() { v + direction * reach } else { limit };
        let (value, xi) = gap(next);
        if value.abs() < GAP_TOLERANCE {
            return Some(xi);
        }
        if value > 0.0 {
            break (next, value);
        }
        if next == limit {
            return None;
        }
        inside = (next, value);
        reach *= (1.01 * target / (value + target)).clamp(1.2, 20.0);
    };
    let mut last = None;
    for _ in 0..60 {
        let next = outside.0 - outside.1 * (outside.0 - inside.0) / (outside.1 - inside.1);
        let (value, xi) = gap(next);
        if value.abs() < GAP_TOLERANCE || next == inside.0 || next == outside.0 {
            return Some(xi);
        }
        if value > 0.0 {
            outside = (next, value);
            if last == Some(true) {
                inside.1 *= 0.5;
            }
        } else {
            inside = (next, value);
            if last == Some(false) {
                outside.1 *= 0.5;
            }
        }
        last = Some(value > 0.0);
    }
    Some(gap(outside.0).1)
}
