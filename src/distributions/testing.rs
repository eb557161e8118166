//! What every law is put through: its own draws against its own cdf, tails against quantiles, bad input.

use super::{Distribution, DistributionSpec};
use crate::foundation::rng::{Purpose, SeedTree, Stream};

pub(super) fn law(spec: &str) -> DistributionSpec {
    spec.parse().unwrap()
}

fn stream(index: u64) -> Stream {
    SeedTree::new(7, 0).stream(Purpose::Utility, index)
}

pub(super) fn close(got: f64, want: f64, tolerance: f64) {
    let error = if want == 0.0 { got.abs() } else { (got / want - 1.0).abs() };
    assert!(got == want || error <= tolerance, "{got:e} is not {want:e} (off by {error:e})");
}

pub(super) fn draws(law: &dyn Distribution, n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n];
    law.fill(&mut out, &mut stream(1));
    out
}

/// The first three draws of a fixed stream: a change of them is a value-breaking change.
pub(super) fn pinned(spec: &str, expected: [f64; 3]) {
    pinned_law(&law(spec), expected);
}

pub(super) fn pinned_law(law: &DistributionSpec, expected: [f64; 3]) {
    let mut out = [0.0; 3];
    law.part().fill(&mut out, &mut stream(0));
    // Equal up to the last digits, in which the C libraries' exp and ln differ.
    for (got, want) in out.iter().zip(expected) {
        assert!((got - want).abs() <= 1e-13 * want.abs(), "{law}: drew {out:?}");
    }
}

pub(super) fn conforms(spec: &str) {
    conforms_law(&law(spec));
}

pub(super) fn conforms_law(spec: &DistributionSpec) {
    let text = serde_json::to_string(spec).unwrap();
    assert_eq!(serde_json::from_str::<DistributionSpec>(&text).unwrap(), *spec);
    conforms_to(spec.part());
}

pub(super) fn conforms_to(law: &dyn Distribution) {
    kolmogorov_smirnov(law);
    one_by_one_is_fill(law);
    tails_and_quantiles_agree(law);
    density_is_the_slope(law);
    ends_and_bad_input(law);
    moments_match(law);
    tails_have_logarithms_and_expectations(law);
}

/// What lies between two points expects no less than the lower of them and no more than the upper one.
fn tails_have_logarithms_and_expectations(law: &dyn Distribution) {
    let points: Vec<f64> = [0.97, 0.6, 0.3, 0.02, 1e-6, 1e-40].map(|p| law.upper_quantile(p)).into();
    for &x in points.iter().filter(|x| x.is_finite()) {
        let (ln_sf, want) = (law.ln_sf(x), law.sf(x).ln());
        assert!(
            ln_sf == want || (ln_sf - want).abs() <= 1e-13 * (1.0 + want.abs()),
            "{law:?}: ln_sf {ln_sf} at {x:e}, not {want}"
        );
    }
    let Some(mean) = law.mean() else {
        return assert_eq!(law.upper_expectation(points[2]), None, "{law:?}");
    };
    let size = mean.abs() + law.upper_quantile(0.2).abs() + law.quantile(0.2).abs();
    let ends = [f64::MIN, f64::MAX];
    for pair in [&ends[..1], &points, &ends[1..]].concat().windows(2) {
        let (low, high) = (pair[0], pair[1]);
        let share =
            if law.sf(high) < 0.5 { law.sf(low) - law.sf(high) } else { law.cdf(high) - law.cdf(low) };
        let Some((above_low, above_high)) = law.upper_expectation(low).zip(law.upper_expectation(high))
        else {
            panic!("{law:?}: no expectation between {low:e} and {high:e}");
        };
        let (between, margin) = (above_low - above_high, 1e-9 * (size + above_low.abs()));
        assert!(
            between >= share * low - margin && between <= share * high + margin,
            "{law:?}: {between:e} between {low:e} and {high:e}, which hold {share:e}"
        );
    }
}

/// 10⁵ draws against the law's own cdf. √n·D > 2.693 has probability 10⁻⁶ under the law; a sampler or a cdf that
/// is off by .014 anywhere fails with probability above .99 (the empirical cdf there is normal with sd ≤ .0016).
fn kolmogorov_smirnov(law: &dyn Distribution) {
    const N: usize = 100_000;
    let mut x = draws(law, N);
    assert!(x.iter().all(|x| !x.is_nan()), "{law:?}: NaN drawn");
    x.sort_unstable_by(f64::total_cmp);
    // Every fiftieth point: the step between them, 5·10⁻⁴, is added to the bound.
    let distance =
        (0..N).step_by(50).fold(0f64, |d, i| d.max((law.cdf(x[i]) - (i as f64 + 0.5) / N as f64).abs()));
    assert!(distance < 2.693 / (N as f64).sqrt() + 5e-4, "{law:?}: KS distance {distance}");
}

fn one_by_one_is_fill(law: &dyn Distribution) {
    let (mut a, mut b) = (stream(2), stream(2));
    let mut filled = [0.0; 40];
    law.fill(&mut filled, &mut a);
    let single: Vec<f64> = (0..40).map(|_| law.sample(&mut b)).collect();
    assert_eq!(filled.to_vec(), single, "{law:?}");
}

const PROBABILITIES: [f64; 15] =
    [1e-300, 1e-200, 1e-100, 1e-40, 1e-16, 1e-10, 1e-6, 1e-3, 0.02, 0.1, 0.25, 0.4, 0.5, 0.8, 0.97];

/// Moving the quantile by a few parts in 10¹³ must bracket p: the round trip, without asking for more digits than
/// the number x itself can hold.
fn tails_and_quantiles_agree(law: &dyn Distribution) {
    let mut before = (f64::NEG_INFINITY, f64::INFINITY);
    for p in PROBABILITIES {
        let (lower, upper) = (law.quantile(p), law.upper_quantile(p));
        assert!(lower >= before.0 && upper <= before.1, "{law:?}: quantiles not monotone at {p:e}");
        before = (lower, upper);
        for (x, tail, sign) in [(upper, true, 1.0), (lower, false, -1.0)] {
            if x.is_infinite() {
                continue;
            }
            let read = |x: f64| if tail { law.sf(x) } else { law.cdf(x) };
            let nudge = 1e-13 * x.abs() + f64::MIN_POSITIVE;
            let (less, more) = (read(x + sign * nudge), read(x - sign * nudge));
            assert!(
                less <= p * (1.0 + 1e-11) && p <= more * (1.0 + 1e-11),
                "{law:?}: tail {} at {x:e} is {:e}, not {p:e} (between {less:e} and {more:e})",
                if tail { "sf" } else { "cdf" },
                read(x),
            );
        }
        if upper.is_finite() {
            let total = law.cdf(upper) + law.sf(upper);
            assert!((total - 1.0).abs() < 1e-12, "{law:?}: cdf + sf = {total} at {upper:e}");
        }
    }
}

fn density_is_the_slope(law: &dyn Distribution) {
    for p in [0.03, 0.2, 0.45, 0.7, 0.95] {
        let x = law.quantile(p);
        let density = law.ln_pdf(x).exp();
        // A step over which the tail changes by about 10⁻⁵ of itself.
        let h = 1e-5 * p.min(1.0 - p) / density;
        let slope = (law.cdf(x + h) - law.cdf(x - h)) / (2.0 * h);
        assert!(
            (slope / density - 1.0).abs() < 1e-5,
            "{law:?}: density {density:e}, slope {slope:e} at {x:e}"
        );
    }
}

fn ends_and_bad_input(law: &dyn Distribution) {
    assert!(law.quantile(-0.1).is_nan() && law.quantile(1.1).is_nan() && law.quantile(f64::NAN).is_nan());
    assert!(law.upper_quantile(-0.1).is_nan() && law.upper_quantile(1.1).is_nan());
    assert_eq!(law.quantile(0.0), law.upper_quantile(1.0), "{law:?}");
    assert_eq!(law.quantile(1.0), law.upper_quantile(0.0), "{law:?}");
    assert_eq!((law.cdf(f64::INFINITY), law.sf(f64::INFINITY)), (1.0, 0.0), "{law:?}");
    assert_eq!((law.cdf(f64::NEG_INFINITY), law.sf(f64::NEG_INFINITY)), (0.0, 1.0), "{law:?}");
    for x in [0.0, -0.0, 1.0, -1.0, 5e-324, 1e-300, -1e-300, 1e150, -1e150, f64::MAX, f64::MIN] {
        let (cdf, sf, ln_pdf) = (law.cdf(x), law.sf(x), law.ln_pdf(x));
        assert!((0.0..=1.0).contains(&cdf) && (0.0..=1.0).contains(&sf), "{law:?} at {x:e}: {cdf} {sf}");
        assert!(!ln_pdf.is_nan(), "{law:?}: ln_pdf is NaN at {x:e}");
    }
}

/// Six standard errors around the theory, where the fourth moment is there to give one (light and exponential
/// tails, index above 8): fails once in 10⁹ by chance, and surely on an error of 5% in the mean or the variance.
fn moments_match(law: &dyn Distribution) {
    const N: usize = 100_000;
    let tame = law.tail().xi().is_none_or(|xi| xi < 0.125);
    let (Some(mean), Some(variance)) = (law.mean(), law.variance()) else { return };
    let skewed = (law.upper_quantile(1e-4) - law.quantile(0.5)) / variance.sqrt() > 15.0;
    if !tame || skewed {
        return;
    }
    let x = draws(law, N);
    let average = |f: &dyn Fn(f64) -> f64| x.iter().map(|x| f(*x)).sum::<f64>() / N as f64;
    let error = (variance / N as f64).sqrt();
    assert!((average(&|x| x) - mean).abs() < 6.0 * error, "{law:?}: mean {}", average(&|x| x));
    let spread = average(&|x| (x - mean).powi(2));
    let fourth = average(&|x| (x - mean).powi(4));
    let error = ((fourth - variance * variance) / N as f64).sqrt();
    assert!((spread - variance).abs() < 6.0 * error, "{law:?}: variance {spread}");
}
