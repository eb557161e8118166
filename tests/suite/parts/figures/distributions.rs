//! A law by its upper tail, beside the normal.

use super::{chart, curve, spec};
use serde_json::{Value, json};
use tailcatch::distributions::DistributionSpec;
use tailcatch::plots::chart::{Chart, Curve};
use tailcatch::plots::scale::Kind;

/// Probabilities below this are not shown.
const LEAST: f64 = 1e-6;
/// Interquartile range of N(0, 1).
const IQR: f64 = 1.349;

pub fn figure(name: &str) -> Chart {
    let mut curves = vec![tail(name)];
    if name != "normal" {
        curves.push(tail("normal"));
    }
    chart(
        format!("Upper tail of {name}"),
        "P(X > x) with the settings by default, beside the normal law: x counts from the median, in units in which the interquartile \
         range is that of N(0, 1). A power law is a straight line here.",
        ("x above the median, standardised", Kind::Log),
        ("P(X > x)", Kind::Log),
        curves,
    )
}

fn tail(name: &str) -> Curve {
    let settings = match name {
        // One value in fifty is of a far wider law.
        "mixture" => json!({ "components": [
            { "weight": 0.98, "law": { "normal": {} } },
            { "weight": 0.02, "law": { "normal": { "sd": 20 } } },
        ] }),
        _ => Value::Null,
    };
    let spec: DistributionSpec = spec(name, settings);
    let law = spec.part();
    let (median, unit) = (law.quantile(0.5), (law.quantile(0.75) - law.quantile(0.25)) / IQR);
    let at = |i: usize| 10f64.powf(-1.0 + i as f64 / 20.0);
    let points = (0..=80).map(|i| (at(i), law.sf(median + unit * at(i))));
    curve(name, points.take_while(|(_, p)| *p >= LEAST))
}
