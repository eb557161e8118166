//! Holds what the runs gave against what theory or a publication expects.
//!
//! The rule: two numbers agree where |a − b| ≤ 3·√(s₁² + s₂²), both standard errors stated. Where s₁ comes from few replicates
//! the 3 is widened to the quantile of Student's t that is as rare as 3 for a normal (3.36 for 24 replicates): two
//! equal numbers then differ by chance once in 370 comparisons. A share is held against a closed form with the error that the expected share itself has,
//! √(p(1 − p)/n) (the score test), so that 0 of n has one too. A quantile of whole steps is known to half a step at best. A
//! sum that is exact on both sides has no error; rounding is allowed for.

use super::closed_forms::{self, Prediction};
use super::estimates::LEVEL;
use super::quantities::{Quantity, Sample};
use super::weighted::Kind;
use crate::config::{Arm, Expectation, Expected, Loaded, Published};
use crate::distributions::{Distribution as _, Normal, StudentT};
use crate::foundation::bootstrap::quantile_interval;
use crate::foundation::numeric::{mean, variance};
use crate::foundation::order::{median, ranks};
use crate::foundation::scalar::Positive;
use crate::record::tables::{AGREES, BOUND, CheckBody, DIFFERS, LOWER_BOUND, ROUNDING};

/// Standard errors that still count as agreement.
const ERRORS: f64 = 3.0;
/// Half of a 95% interval, in standard errors.
const HALF_WIDTH: f64 = 1.959_963_984_540_054;

/// The numbers of one arm.
#[derive(Debug, Clone)]
pub struct ArmNumbers<'a> {
    pub arm: &'a Arm,
    pub quantities: Vec<Quantity>,
}

impl ArmNumbers<'_> {
    fn sample(&self, metric: &str) -> Option<&Sample> {
        self.quantities.iter().find(|q| q.metric == metric).map(|q| &q.sample)
    }
}

/// One row a number that was expected, in the order of the config, with its arm where it is of one.
pub fn check(loaded: &Loaded, arms: &[ArmNumbers<'_>]) -> Vec<(Option<usize>, CheckBody)> {
    let mut rows = Vec::new();
    for expectation in &loaded.document.expect {
        let covered: Vec<&ArmNumbers<'_>> = arms.iter().filter(|a| expectation.covers(a.arm)).collect();
        match &expectation.value {
            Expected::Ordered { by, at_most } => {
                rows.push((None, ordered(expectation, by, at_most.get(), &covered)));
            }
            _ => rows
                .extend(covered.iter().map(|numbers| (Some(numbers.arm.index), one(expectation, numbers)))),
        }
    }
    rows
}

/// What the runs gave, with its standard error; what stands in its place where there is none.
#[derive(Debug, Clone, Copy)]
struct Found {
    value: f64,
    error: f64,
    /// Errors that still count as agreement.
    errors: f64,
    replicates: usize,
    method: &'static str,
}

fn found(sample: &Sample, expected_share: Option<f64>) -> Result<Found, String> {
    match sample {
        Sample::Mean(values) => match (mean(values), variance(values)) {
            (Some(value), Some(spread)) if value.is_finite() => Ok(Found {
                value,
                error: (spread / values.len() as f64).sqrt(),
                errors: widened(values.len()),
                replicates: values.len(),
                method: "mean over replicates",
            }),
            _ => Err(format!("insufficient: {} replicates, 2 needed", values.len())),
        },
        Sample::Fraction { trials: 0, .. } => Err("insufficient: no run was asked".to_owned()),
        Sample::Fraction { hits, trials } => {
            let n = *trials as f64;
            // Without an expected share, the Wilson centre keeps the error above 0.
            let p = expected_share.unwrap_or((*hits as f64 + 2.0) / (n + 4.0));
            Ok(Found {
                value: *hits as f64 / n,
                error: (p * (1.0 - p) / n).sqrt(),
                errors: ERRORS,
                replicates: *trials as usize,
                method: "share of replicates",
            })
        }
        Sample::Quantile { p, values } => match quantile_interval(values, *p, LEVEL) {
            Ok(e) if e.value.is_finite() && e.interval.high.is_finite() && e.interval.low.is_finite() => {
                Ok(Found {
                    value: e.value,
                    error: ((e.interval.high - e.interval.low) / (2.0 * HALF_WIDTH)).max(resolution(values)),
                    errors: ERRORS,
                    replicates: e.n,
                    method: "quantile over replicates",
                })
            }
            Ok(_) => Err("insufficient: too many runs never came to it".to_owned()),
            Err(status) => Err(status.to_string()),
        },
        Sample::Weighted(runs) => match (runs.value(), runs.error()) {
            (Some(value), Some(error)) => Ok(Found {
                value,
                error,
                errors: if runs.kind == Kind::Mean { widened(runs.runs.len()) } else { ERRORS },
                replicates: runs.runs.len(),
                method: runs.method(),
            }),
            _ => Err(format!("insufficient: {} sighted runs, 2 needed", runs.runs.len())),
        },
        Sample::Survival(_) => Err("undefined: a censored median has no standard error".to_owned()),
    }
}

/// 3, or what is as rare for a mean of so few replicates.
fn widened(replicates: usize) -> f64 {
    let rare = Normal::default().sf(ERRORS);
    let df = Positive::new(replicates as f64 - 1.0).ok();
    df.map_or(ERRORS, |df| StudentT { df, ..StudentT::default() }.upper_quantile(rare))
}

/// Half a step where all values are whole.
fn resolution(values: &[f64]) -> f64 {
    if values.iter().all(|v| v.is_infinite() || v.fract() == 0.0) { 0.5 } else { 0.0 }
}

/// What a check compares with.
#[derive(Debug, Clone)]
struct Target {
    value: f64,
    error: f64,
    /// Standard deviation of one run, where theory knows it.
    spread: f64,
    source: String,
}

fn target(expectation: &Expectation, numbers: &ArmNumbers<'_>) -> Result<Target, String> {
    match &expectation.value {
        Expected::ClosedForm => {
            let predicted = closed_forms::predict(&numbers.arm.document, &expectation.metric)?;
            let Prediction { value, spread, source } = predicted;
            Ok(Target { value, error: 0.0, spread, source: source.to_owned() })
        }
        Expected::Published(published) => {
            let value = published.estimate.get();
            let error = published_error(published, numbers.sample(&expectation.metric));
            Ok(Target { value, error, spread: 0.0, source: published.source.clone() })
        }
        Expected::AtMost(bound) => {
            Ok(Target { value: bound.get(), error: 0.0, spread: 0.0, source: BOUND.to_owned() })
        }
        Expected::AtLeast(bound) => {
            Ok(Target { value: bound.get(), error: 0.0, spread: 0.0, source: LOWER_BOUND.to_owned() })
        }
        Expected::Ordered { .. } => Err("undefined: an order is one check over all arms".to_owned()),
    }
}

/// As published, or what the stated number of replicates would have with our spread.
fn published_error(published: &Published, sample: Option<&Sample>) -> f64 {
    if let Some(error) = published.standard_error {
        return error.get();
    }
    let replicates = published.replicates.map_or(1.0, |n| n.get() as f64);
    match sample {
        Some(Sample::Mean(values)) => (variance(values).unwrap_or(0.0) / replicates).sqrt(),
        Some(Sample::Fraction { .. }) => {
            let p = published.estimate.get().clamp(0.0, 1.0);
            (p * (1.0 - p) / replicates).sqrt()
        }
        Some(sample) => {
            found(sample, None).map_or(0.0, |f| f.error * (f.replicates as f64 / replicates).sqrt())
        }
        None => 0.0,
    }
}

fn one(expectation: &Expectation, numbers: &ArmNumbers<'_>) -> CheckBody {
    let mut row = blank(expectation);
    let target = match target(expectation, numbers) {
        Ok(target) => target,
        Err(status) => return CheckBody { verdict: status, ..row },
    };
    row.source.clone_from(&target.source);
    row.expected = Some(target.value);
    row.expected_error = Some(target.error);
    let Some(sample) = numbers.sample(&expectation.metric) else {
        let verdict = format!("missing: no run of this arm gives {}", expectation.metric);
        return CheckBody { verdict, ..row };
    };
    let exact = matches!(expectation.value, Expected::ClosedForm).then_some(target.value);
    let found = match found(sample, exact.filter(|p| (0.0..=1.0).contains(p))) {
        Ok(found) => found,
        Err(status) => return CheckBody { verdict: status, ..row },
    };
    // A count that was 0 in every run has no spread of its own, but one is to be expected.
    let expected_error = target.spread / (found.replicates as f64).sqrt();
    let found = Found { error: found.error.max(expected_error), ..found };
    row.found = Some(found.value);
    row.found_error = Some(found.error);
    row.replicates = found.replicates;
    match expectation.value {
        Expected::AtMost(_) => {
            row.allowed = Some(target.value);
            row.verdict = within(&found, target.value);
            row.method = format!("{}; its size is at most the bound", found.method);
        }
        Expected::AtLeast(_) => {
            row.allowed = Some(target.value);
            row.verdict = above(&found, target.value);
            row.method = format!("{}; above the bound by {:.2} standard errors", found.method, found.errors);
        }
        _ => {
            let slack = slack(&found, &target);
            row.allowed = Some(slack);
            row.verdict =
                if (found.value - target.value).abs() <= slack { AGREES } else { DIFFERS }.to_owned();
            row.method = format!("{}; within {:.2} combined standard errors", found.method, found.errors);
        }
    }
    row
}

/// Largest difference that counts as agreement.
fn slack(found: &Found, target: &Target) -> f64 {
    let rounding = ROUNDING * target.value.abs().max(ROUNDING);
    found.errors * found.error.hypot(target.error) + rounding
}

/// Verdict of a bound: a number too uncertain to tell is neither.
fn within(found: &Found, bound: f64) -> String {
    let reach = found.errors * found.error;
    if found.value.abs() > bound {
        DIFFERS.to_owned()
    } else if reach > bound {
        format!("insufficient: {ERRORS} standard errors are {reach:.2e}, more than the bound")
    } else {
        AGREES.to_owned()
    }
}

/// Verdict of a lower bound: a number that lies above it by less than its error is neither.
fn above(found: &Found, bound: f64) -> String {
    let reach = found.errors * found.error;
    if found.value < bound {
        DIFFERS.to_owned()
    } else if found.value - reach < bound {
        format!(
            "insufficient: {:.2} standard errors are {reach:.2e}, and reach below the bound",
            found.errors
        )
    } else {
        AGREES.to_owned()
    }
}

fn ordered(expectation: &Expectation, by: &str, at_most: f64, arms: &[&ArmNumbers<'_>]) -> CheckBody {
    let centre = |numbers: &ArmNumbers<'_>, metric: &str| match numbers.sample(metric)? {
        Sample::Mean(values) => mean(values),
        Sample::Quantile { values, .. } => median(values),
        Sample::Fraction { hits, trials } => (*trials > 0).then(|| *hits as f64 / *trials as f64),
        Sample::Weighted(runs) => runs.value(),
        Sample::Survival(_) => None,
    };
    let pairs: Vec<(f64, f64)> = arms
        .iter()
        .filter_map(|a| Some((centre(a, by)?, centre(a, &expectation.metric)?)))
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect();
    let mut row = blank(expectation);
    row.expected = Some(at_most);
    row.replicates = pairs.len();
    row.source = format!("ordered by {by}");
    row.method = format!("Spearman rank correlation over {} arms; at most the stated one", pairs.len());
    match spearman(&pairs) {
        None => row.verdict = format!("insufficient: {} arms with both numbers, 3 needed", pairs.len()),
        Some(correlation) => {
            row.found = Some(correlation);
            row.allowed = Some(at_most);
            row.verdict = if correlation <= at_most { AGREES } else { DIFFERS }.to_owned();
        }
    }
    row
}

/// Rank correlation, ties sharing ranks; `None` below three pairs or without spread.
fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let (xs, ys): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (xs, ys) = (ranks(&xs), ranks(&ys));
    let centre = (pairs.len() as f64 + 1.0) / 2.0;
    let product =
        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| (x - centre) * (y - centre)).sum() };
    let spread = (product(&xs, &xs) * product(&ys, &ys)).sqrt();
    (spread > 0.0).then(|| product(&xs, &ys) / spread)
}

fn blank(expectation: &Expectation) -> CheckBody {
    CheckBody {
        metric: expectation.metric.clone(),
        found: None,
        found_error: None,
        expected: None,
        expected_error: None,
        allowed: None,
        verdict: String::new(),
        replicates: 0,
        source: String::new(),
        method: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_correlation_is_one_for_any_rising_curve() {
        let rising: Vec<(f64, f64)> = (0..9).map(|i| (f64::from(i), f64::from(i).exp())).collect();
        assert!((spearman(&rising).unwrap() - 1.0).abs() < 1e-12);
        let swapped = [(1.0, 3.0), (2.0, 1.0), (3.0, 2.0)];
        assert!((spearman(&swapped).unwrap() + 0.5).abs() < 1e-12);
        assert_eq!(spearman(&[(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)]), None);
    }

    fn measured(value: f64, error: f64) -> Found {
        Found { value, error, errors: ERRORS, replicates: 100, method: "" }
    }

    #[test]
    fn numbers_agree_up_to_three_combined_errors_and_no_further() {
        // √(0.03² + 0.04²) = 0.05.
        let target = Target { value: 1.0, error: 0.04, spread: 0.0, source: String::new() };
        let slack = slack(&measured(1.0, 0.03), &target);
        assert!(slack > 0.149 && slack < 0.151, "{slack}");
        let exact = Target { error: 0.0, ..target };
        assert!(super::slack(&measured(1.0, 0.0), &exact) < 1.1e-6);
    }

    #[test]
    fn few_replicates_widen_the_rule() {
        // scipy: t.isf(norm.sf(3), n − 1).
        for (n, quantile) in [(2, 235.8014974), (8, 4.529973679), (24, 3.361320420), (10_000, 3.000750248)] {
            assert!((widened(n) / quantile - 1.0f64).abs() < 1e-7, "{n}: {}", widened(n));
        }
        assert_eq!(widened(1), ERRORS);
    }

    #[test]
    fn a_bound_is_kept_broken_or_out_of_sight() {
        assert_eq!(within(&measured(-0.04, 0.01), 0.05), AGREES);
        assert_eq!(within(&measured(0.051, 0.01), 0.05), DIFFERS);
        assert!(within(&measured(0.01, 0.02), 0.05).starts_with("insufficient"));
    }

    #[test]
    fn a_lower_bound_is_cleared_missed_or_within_reach() {
        assert_eq!(above(&measured(0.09, 0.01), 0.05), AGREES);
        assert_eq!(above(&measured(-0.01, 0.01), -0.05), AGREES);
        assert_eq!(above(&measured(0.049, 0.0), 0.05), DIFFERS);
        assert!(above(&measured(0.07, 0.01), 0.05).starts_with("insufficient"));
    }

    #[test]
    fn quantiles_of_steps_are_known_to_half_a_step() {
        let steps = Sample::Quantile { p: HALF, values: vec![3.0; 40] };
        assert_eq!(found(&steps, None).unwrap().error, 0.5);
        let exact = Sample::Quantile { p: HALF, values: vec![3.25; 40] };
        assert_eq!(found(&exact, None).unwrap().error, 0.0);
    }
    const HALF: crate::foundation::scalar::OpenProbability =
        crate::foundation::scalar::OpenProbability::known(0.5);

    #[test]
    fn a_share_of_none_still_has_an_error() {
        let none = Sample::Fraction { hits: 0, trials: 100 };
        assert!(found(&none, None).unwrap().error > 0.0);
        assert!((found(&none, Some(0.01)).unwrap().error - 0.0099f64.sqrt() / 10.0).abs() < 1e-12);
        assert!(found(&Sample::Fraction { hits: 0, trials: 0 }, None).is_err());
        assert!(found(&Sample::Mean(vec![1.0]), None).is_err());
    }
}
