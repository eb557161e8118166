//! Laws against independent references, and what every law must hold for any input.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tailcatch::distributions::DistributionSpec;

fn law(spec: &str) -> DistributionSpec {
    spec.parse().unwrap_or_else(|error| panic!("{spec}: {error}"))
}

fn close(what: &str, got: f64, want: f64, tolerance: f64) {
    let error = (got - want).abs() / want.abs().max(f64::MIN_POSITIVE);
    assert!(got == want || error <= tolerance, "{what}: {got:e} is not {want:e} (off by {error:e})");
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn quantiles_match_the_oracle() {
    let oracle: Value = serde_json::from_str(include_str!("fixtures/distributions.json")).unwrap();
    let probabilities = numbers(&oracle["q"]);
    for (key, spec) in [
        ("t2", "student_t:df=2"),
        ("t3", "student_t:df=3"),
        ("t5", "student_t:df=5"),
        ("pareto1.5_xm1", "pareto:index=1.5"),
        ("lognormal01", "log_normal"),
        ("levy", "levy"),
        ("gpd_0.5_2", "generalized_pareto:xi=0.5,scale=2"),
        ("gpd_-0.2_1", "generalized_pareto:xi=-0.2"),
        ("weibull_0.5", "weibull:shape=0.5"),
        ("cauchy", "student_t:df=1"),
        ("cauchy", "stable:alpha=1"),
        ("levy", "stable:alpha=0.5,beta=1"),
    ] {
        let quantiles = numbers(&oracle[key]);
        assert_eq!(quantiles.len(), probabilities.len());
        for (p, want) in probabilities.iter().zip(quantiles) {
            let got = law(spec).part().quantile(*p);
            // The median of a symmetric law is 0: compare on the scale of the law there.
            if want == 0.0 {
                assert!(got.abs() < 1e-12, "{spec} at {p}: {got:e}");
            } else {
                close(&format!("{spec} at {p}"), got, want, 1e-9);
            }
        }
    }
}

#[test]
fn stable_cdfs_match_the_oracle() {
    let oracle: Value = serde_json::from_str(include_str!("fixtures/distributions.json")).unwrap();
    for (key, spec) in [
        ("stable_S1_cdf_a1.5_b0", "stable:alpha=1.5"),
        ("stable_S1_cdf_a1.8_b0.5", "stable:alpha=1.8,beta=0.5"),
    ] {
        for (x, want) in numbers(&oracle[key]["x"]).iter().zip(numbers(&oracle[key]["cdf"])) {
            close(&format!("{spec} at {x}"), law(spec).part().cdf(*x), want, 1e-9);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spot {
    spec: String,
    x: f64,
    sf: Option<f64>,
    cdf: Option<f64>,
    ln_pdf: Option<f64>,
}

/// 10⁻¹⁰ relative: far tails are exponentials of numbers near 700, whose rounding alone is 10⁻¹³, and the stable
/// references near the centre come from a numerical inversion, not from a closed form.
#[test]
fn spot_values_match_high_precision_references() {
    let spots: Vec<Spot> = serde_json::from_str(include_str!("fixtures/distribution_spots.json")).unwrap();
    assert!(spots.len() > 80);
    for Spot { spec, x, sf, cdf, ln_pdf } in spots {
        let (spec_law, what) = (law(&spec), format!("{spec} at {x:e}"));
        let part = spec_law.part();
        if let Some(want) = sf {
            close(&format!("{what}: sf"), part.sf(x), want, 1e-10);
            let back = part.upper_quantile(part.sf(x));
            // Where the tail is flat around x the way back loses what the tail does not hold.
            close(&format!("{what}: round trip of sf"), part.sf(back), want, 1e-10);
        }
        if let Some(want) = cdf {
            close(&format!("{what}: cdf"), part.cdf(x), want, 1e-10);
        }
        if let Some(want) = ln_pdf {
            close(&format!("{what}: ln_pdf"), part.ln_pdf(x), want, 1e-10);
        }
    }
}

#[test]
fn every_law_is_in_the_schema_and_has_defaults() {
    let schema = serde_json::to_string(&schemars::schema_for!(DistributionSpec)).unwrap();
    for part in DistributionSpec::PARTS {
        assert!(schema.contains(&format!("\"{}\"", part.name)), "{} is not in the schema", part.name);
        if part.name != "mixture" {
            let default: DistributionSpec =
                serde_json::from_value(serde_json::json!({ part.name: {} })).unwrap();
            assert_eq!(default, law(part.name));
        }
    }
}

#[test]
fn bad_parameters_are_refused_by_name_and_bound() {
    for (toml, expected) in [
        ("student_t = { df = 0 }", "0 is not a finite number above 0"),
        ("student_t = { df = -2 }", "-2 is not a finite number above 0"),
        ("student_t = { df = nan }", "NaN is not a finite number above 0"),
        ("normal = { sd = -1 }", "-1 is not a finite number above 0"),
        ("normal = { sd = inf }", "inf is not a finite number above 0"),
        ("laplace = { location = nan }", "NaN is not a finite number"),
        ("stable = { alpha = 2.5 }", "2.5 is not a number above 0 and at most 2"),
        ("stable = { beta = -1.5 }", "-1.5 is not a number from -1 to 1"),
        ("uniform = { low = 1, high = 1 }", "low = 1 is not below high = 1"),
        ("pareto = { alpha = 1.5 }", "unknown field `alpha`"),
        ("mixture = { components = [] }", "at least one component"),
        (
            "mixture = { components = [{ weight = 0, law = { normal = {} } }] }",
            "0 is not a finite number above 0",
        ),
        ("student = {}", "unknown variant `student`"),
    ] {
        let message = toml::from_str::<DistributionSpec>(toml).unwrap_err().to_string();
        assert!(message.contains(expected), "{toml}: {message}");
    }
}

/// Any law with parameters from a wide range, mixtures of two included.
fn any_law() -> impl Strategy<Value = DistributionSpec> {
    let size = || (-6.0..6.0).prop_map(|e: f64| 10f64.powf(e));
    let shape = || (-1.5..1.5).prop_map(|e: f64| 10f64.powf(e));
    let place = || -100.0..100.0;
    let simple = prop_oneof![
        (place(), size()).prop_map(|(m, s)| format!("normal:mean={m},sd={s}")),
        (place(), size()).prop_map(|(m, s)| format!("laplace:location={m},scale={s}")),
        size().prop_map(|s| format!("exponential:scale={s}")),
        (place(), shape()).prop_map(|(m, s)| format!("log_normal:mu={m},sigma={s}")),
        (shape(), size()).prop_map(|(k, s)| format!("weibull:shape={k},scale={s}")),
        (shape(), place(), size()).prop_map(|(d, m, s)| format!("student_t:df={d},location={m},scale={s}")),
        (shape(), size()).prop_map(|(a, s)| format!("pareto:index={a},scale={s}")),
        (place(), size()).prop_map(|(m, s)| format!("levy:location={m},scale={s}")),
        (0.15..2.0, -1.0..1.0, size())
            .prop_map(|(a, b, s): (f64, f64, f64)| format!("stable:alpha={a},beta={b},scale={s}")),
        (-3.0..3.0, size()).prop_map(|(x, s): (f64, f64)| format!("generalized_pareto:xi={x},scale={s}")),
        (place(), size()).prop_map(|(m, s)| format!("uniform:low={m},high={}", m + s)),
    ]
    .prop_map(|spec| law(&spec));
    (simple.clone(), simple, 0.01..0.99, 0..4).prop_map(|(a, b, weight, mixed): (_, _, f64, _)| {
        if mixed > 0 {
            return a;
        }
        let parts = serde_json::json!([{ "weight": weight, "law": a }, { "weight": 1.0 - weight, "law": b }]);
        serde_json::from_value(serde_json::json!({ "mixture": { "components": parts } })).unwrap()
    })
}

/// Any finite number, of any magnitude.
fn any_x() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e3..1e3,
        proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tails_complement_each_other_and_nothing_is_nan(spec in any_law(), x in any_x()) {
        let part = spec.part();
        let (cdf, sf, ln_pdf) = (part.cdf(x), part.sf(x), part.ln_pdf(x));
        prop_assert!((cdf + sf - 1.0).abs() < 1e-9, "{spec} at {x:e}: {cdf} + {sf}");
        prop_assert!((0.0..=1.0).contains(&cdf) && (0.0..=1.0).contains(&sf), "{spec} at {x:e}: {cdf}, {sf}");
        prop_assert!(!ln_pdf.is_nan(), "{spec} at {x:e}: ln_pdf");
    }

    #[test]
    fn quantiles_are_monotone_and_mirror_each_other(spec in any_law(), p in 0.0..1.0f64, q in 0.0..1.0f64) {
        let part = spec.part();
        let (low, high) = (p.min(q), p.max(q));
        let (a, b) = (part.quantile(low), part.quantile(high));
        let slack = 1e-9 * a.abs().max(b.abs()).min(f64::MAX);
        prop_assert!(!a.is_nan() && !b.is_nan(), "{spec}: quantile({low}) = {a}, quantile({high}) = {b}");
        prop_assert!(a <= b + slack || a == b, "{spec}: quantile({low}) = {a:e} > quantile({high}) = {b:e}");
        prop_assert!(part.upper_quantile(high) <= part.upper_quantile(low) + slack.max(0.0));
    }

    #[test]
    fn what_is_displayed_is_parsed(spec in any_law()) {
        let text = spec.to_string();
        if !matches!(spec, DistributionSpec::Mixture(_)) {
            prop_assert_eq!(text.parse::<DistributionSpec>().unwrap(), spec);
        }
    }
}
