//! E\[V | U ≥ t\]: what selecting on the proxy does to the utility.
//!
//! With k(v) = P(X ≥ t − v | V = v), P(U ≥ t) = ∫ f(v)·k(v) dv and E\[V; U ≥ t\] = ∫ v·f(v)·k(v) dv. Both are integrated
//! from ln f + ln k less its maximum, so that neither need be a number in itself. For independent V and X: X
//! subexponential and V lighter give E\[V | U ≥ t\] → E\[V\], both lighter than exponential give → ∞ (Kwa, Thomas &
//! Garriga-Alonso 2024, arXiv 2407.14503, theorems 5 and 6).

use super::TheoryError;
use super::ladder::{Ladder, edges};
use crate::distributions::Distribution;
use crate::foundation::quadrature::integrate;

/// Utility given that the proxy reaches a threshold.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Conditioned {
    /// P(U ≥ t); 0 where only its logarithm is a number.
    pub probability: f64,
    /// ln P(U ≥ t).
    pub ln_probability: f64,
    /// E\[V | U ≥ t\].
    pub utility: f64,
}

/// For independent V and X, to about 10⁻¹⁰.
///
/// # Errors
/// A threshold that is not finite or that U cannot reach; a utility without a mean, or with a density that cannot be
/// integrated.
pub fn conditioning(
    utility: &dyn Distribution,
    error: &dyn Distribution,
    threshold: f64,
) -> Result<Conditioned, TheoryError> {
    if !threshold.is_finite() {
        return Err(TheoryError::argument("threshold", threshold, "a finite number"));
    }
    let ladder = Ladder::new(error);
    let mut marks: Vec<f64> = ladder.points.iter().map(|x| threshold - x).collect();
    marks.extend([threshold - ladder.support.0, threshold - ladder.support.1]);
    let kernel = Kernel { marks: &marks, centre: Some((threshold - ladder.centre, ladder.spread)) };
    select(utility, |v| error.ln_sf(threshold - v), &kernel)
        .map_err(|e| e.unwrap_or_else(|| unreachable(threshold)))
}

/// For any dependence: `ln_tail(v)` is ln P(X ≥ t − v | V = v), and `marks` are the v at which it has kinks or jumps, or
/// changes its scale.
///
/// # Errors
/// As [`conditioning`].
pub fn conditioning_on_kernel(
    utility: &dyn Distribution,
    ln_tail: impl Fn(f64) -> f64,
    marks: &[f64],
) -> Result<Conditioned, TheoryError> {
    let unreached = || TheoryError::argument("P(U >= t)", 0.0, "a threshold that the proxy can reach");
    select(utility, ln_tail, &Kernel { marks, centre: None }).map_err(|e| e.unwrap_or_else(unreached))
}

fn unreachable(threshold: f64) -> TheoryError {
    TheoryError::argument("threshold", threshold, "a number that V + X can reach")
}

/// Where the chance to be selected changes.
struct Kernel<'a> {
    marks: &'a [f64],
    /// A point around which it changes, and over what distance.
    centre: Option<(f64, f64)>,
}

/// The conditional law's moments; `Err(None)` where nothing is selected.
fn select(
    utility: &dyn Distribution,
    ln_tail: impl Fn(f64) -> f64,
    kernel: &Kernel<'_>,
) -> Result<Conditioned, Option<TheoryError>> {
    let law = |reason: &str| {
        Some(TheoryError::Law { argument: "utility", law: format!("{utility:?}"), reason: reason.into() })
    };
    let mean = utility.mean().ok_or_else(|| {
        law("has no finite mean, so that E[V | U >= t] does not exist: give a law with a tail index above 1")
    })?;
    let ladder = Ladder::new(utility);
    let mut points = ladder.points;
    points.extend(kernel.marks.iter().filter(|x| x.is_finite()));
    // A light utility that has to reach beyond its own quantiles goes this much further at most.
    points.extend(points.iter().copied().reduce(f64::max).map(|last| last + 64.0 * ladder.spread));
    let mut centres = vec![(ladder.centre, ladder.spread)];
    centres.extend(kernel.centre);
    let mut cuts = edges(points, ladder.support, &centres);
    let (Some(&first), Some(&last)) = (cuts.first(), cuts.last()) else { return Err(None) };

    let rough = || law("has a density too steep to be integrated");
    let mass = integrate(&cuts, 1e-11, |v| [utility.ln_pdf(v).exp()]).map_err(|_| rough())?.value[0];
    let whole = (mass + utility.cdf(first) + utility.sf(last) - 1.0).abs() < 1e-9;
    if !whole {
        return Err(rough());
    }

    let ln_weight = |v: f64| {
        let ln_density = utility.ln_pdf(v);
        if ln_density == f64::NEG_INFINITY { ln_density } else { ln_density + ln_tail(v).min(0.0) }
    };
    let peak = bracket_peak(&mut cuts, ln_weight);
    if peak == f64::NEG_INFINITY {
        return Err(None);
    }
    // Far out a density runs out of numbers before its expectation does.
    cuts.truncate(cuts.iter().rposition(|v| ln_weight(*v) > peak - 600.0).map_or(2, |i| (i + 2).max(2)));
    let last = cuts.last().copied().unwrap_or(last);
    // ln f + ln k is rounded to so much.
    let tolerance = 1e-12 + 16.0 * f64::EPSILON * peak.abs();
    let integral = integrate(&cuts, tolerance, |v| {
        let weight = (ln_weight(v) - peak).exp();
        [weight, if weight == 0.0 { 0.0 } else { (v - mean) * weight }]
    });
    let [mut probability, mut excess] =
        integral.map_err(|_| law("cannot be integrated against this chance of being selected"))?.value;
    // Beyond the last point the chance of being selected no longer changes.
    let beyond = (utility.ln_sf(last) + ln_tail(last).min(0.0) - peak).exp();
    if let Some(expectation) = utility.upper_expectation(last).filter(|e| beyond > 0.0 && *e != 0.0) {
        probability += beyond;
        excess += beyond * (expectation / utility.sf(last) - mean);
    }
    let ln_probability = (peak + probability.ln()).min(0.0);
    let answer = Conditioned {
        probability: ln_probability.exp(),
        ln_probability,
        utility: mean + excess / probability,
    };
    if answer.utility.is_finite() && ln_probability.is_finite() { Ok(answer) } else { Err(None) }
}

/// The largest value of `f`, with cuts added around the place where it is, as close as it is sharp.
fn bracket_peak(cuts: &mut Vec<f64>, f: impl Fn(f64) -> f64) -> f64 {
    let between = |pair: &[f64]| [0.02, 0.25, 0.5, 0.75, 0.98].map(|w| pair[0] + w * (pair[1] - pair[0]));
    let samples: Vec<f64> = cuts.windows(2).flat_map(between).collect();
    let values: Vec<f64> = samples.iter().map(|v| f(*v)).collect();
    let finite = |i: &usize| values[*i] < f64::INFINITY;
    let Some(best) = (0..values.len()).filter(finite).max_by(|a, b| values[*a].total_cmp(&values[*b])) else {
        return f64::NEG_INFINITY;
    };
    if values[best] == f64::NEG_INFINITY {
        return values[best];
    }
    // Golden section between the neighbours.
    let (mut low, mut high) = (samples[best.saturating_sub(1)], samples[(best + 1).min(samples.len() - 1)]);
    let (mut at, mut top) = (samples[best], values[best]);
    for _ in 0..80 {
        let probe = if high - at > at - low { at + 0.382 * (high - at) } else { at - 0.382 * (at - low) };
        let value = f(probe);
        let better = value > top && value < f64::INFINITY;
        match (better, probe > at) {
            (true, true) => low = at,
            (true, false) => high = at,
            (false, true) => high = probe,
            (false, false) => low = probe,
        }
        if better {
            (at, top) = (probe, value);
        }
    }
    let (first, last) = (cuts[0], cuts[cuts.len() - 1]);
    for sign in [-1.0, 1.0] {
        let mut distance = 1e-12 * (last - first).min(1e12 * (1.0 + at.abs()));
        while distance < last - first && f(at + sign * distance) > top - 1.0 {
            distance *= 2.0;
        }
        cuts.extend([0.0, 1.0, 3.0, 8.0].map(|k| at + sign * k * distance));
    }
    cuts.retain(|v| *v >= first && *v <= last);
    cuts.sort_unstable_by(f64::total_cmp);
    cuts.dedup();
    top
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::special::{normal_ln_pdf, normal_ln_sf};

    fn law(spec: &str) -> DistributionSpec {
        spec.parse().unwrap()
    }
    fn given(utility: &str, error: &str, threshold: f64) -> Conditioned {
        conditioning(law(utility).part(), law(error).part(), threshold).unwrap()
    }
    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1e-3), "{got:e} is not {want:e}");
    }

    #[test]
    fn two_normals_have_the_ratio_of_mills() {
        for (sd_v, sd_x) in [(1.0, 1.0), (2.0, 1e-3), (1e-3, 2.0), (3.0, 4.0)] {
            for threshold in [-3.0, 0.0, 1.0, 8.0, 80.0, 1e4] {
                let sd = f64::hypot(sd_v, sd_x);
                let z = threshold / sd;
                let got = given(
                    &format!("normal:mean=5,sd={sd_v}"),
                    &format!("normal:mean=-5,sd={sd_x}"),
                    threshold,
                );
                close(got.ln_probability, normal_ln_sf(z), 1e-11);
                let ratio = (normal_ln_pdf(z) - normal_ln_sf(z)).exp();
                close(
                    got.utility,
                    5.0 + sd_v * sd_v / sd * ratio,
                    if threshold < 1e3 { 1e-10 } else { 1e-7 },
                );
            }
        }
    }

    #[test]
    fn two_exponentials_share_alike() {
        for t in [-1.0, 0.5, 3.0, 50.0, 2000.0] {
            let got = given("exponential", "exponential", t);
            let t = f64::max(t, 0.0);
            close(got.ln_probability, t.ln_1p() - t, 1e-11);
            close(got.utility, 0.5 * (t * t + 2.0 * t + 2.0) / (1.0 + t), 1e-10);
        }
    }

    // Reference values: mpmath.
    #[test]
    fn a_heavy_error_leaves_the_utility_where_it_was() {
        for (threshold, want) in HEAVY {
            close(given("normal", "student_t:df=3", threshold).utility, want, 1e-8);
        }
        close(given("normal", "student_t:df=3", 1e6).utility, 3e-6, 1e-5);
        close(given("normal:mean=2", "log_normal:sigma=2", 1e9).utility, 2.0, 1e-6);
        assert!(given("normal", "levy", 1e12).utility.abs() < 1e-11);
    }
    const HEAVY: [(f64, f64); 3] =
        [(2.0, 0.914845986956957), (10.0, 0.304751140717605), (100.0, 0.0300047998735919)];

    #[test]
    fn where_dependence_breaks_the_theorem_the_utility_goes_to_one() {
        for (threshold, want) in DEPENDENT {
            let inside = |v: f64| -> f64 {
                if v.abs() <= 1.0 {
                    normal_ln_sf((threshold - v) / 2.0)
                } else if v >= threshold {
                    0.0
                } else {
                    f64::NEG_INFINITY
                }
            };
            let got = conditioning_on_kernel(law("normal").part(), inside, &[-1.0, 1.0, threshold]).unwrap();
            close(got.utility, want, 1e-10);
        }
    }
    const DEPENDENT: [(f64, f64); 3] =
        [(5.0, 0.3650686439954793), (20.0, 0.7699591226133147), (80.0, 0.9470744997380958)];

    #[test]
    fn no_threshold_leaves_the_prior() {
        for spec in ["normal:mean=3", "student_t:df=3", "weibull:shape=0.5", "uniform", "laplace:location=-2"]
        {
            let got = given(spec, "student_t:df=3", -1e15);
            close(got.utility, law(spec).part().mean().unwrap(), 1e-6);
            assert!((got.probability - 1.0).abs() < 1e-12, "{spec}: {got:?}");
        }
    }

    #[test]
    fn light_tails_share_the_excess_and_a_heavier_utility_takes_it() {
        let mut before = 0.0;
        for threshold in [1.0, 3.0, 10.0, 30.0, 100.0] {
            let got = given("normal", "weibull:shape=2", threshold).utility;
            assert!(got > before && got < threshold, "{got}");
            before = got;
        }
        // The whole excess: E[V | V > t] = t·α/(α − 1), with a correction that vanishes like 1/t.
        close(given("student_t:df=1.5", "normal", 1e9).utility, 3e9, 1e-6);
        close(given("pareto:index=1.01", "exponential", 1e9).utility, 101e9, 1e-5);
    }

    #[test]
    fn what_has_no_answer_says_why() {
        let message =
            |v: &str, x: &str, t: f64| conditioning(law(v).part(), law(x).part(), t).unwrap_err().to_string();
        assert!(message("student_t:df=1", "normal", 1.0).contains("no finite mean"));
        assert!(message("uniform", "uniform", 3.0).contains("can reach"));
        assert!(message("normal", "normal", f64::NAN).contains("finite"));
        assert!(message("generalized_pareto:xi=-5,location=1", "normal", 1.0).contains("too steep"));
    }
}
