//! What the estimators of KL from samples say beside the exact KL (Schulman 2020, *Approximating KL divergence*).

use super::figure::Figure;
use super::over_steps;
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, Dash, PALETTE, Pen, Shape};
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::tables::StepRow;
use std::collections::BTreeMap;

type Column = fn(&StepRow) -> Option<f64>;

const EXACT: &str = "exact";
const COLUMNS: [(&str, Column); 4] =
    [(EXACT, |row| row.kl), ("k1", |row| row.kl_k1), ("k2", |row| row.kl_k2), ("k3", |row| row.kl_k3)];
const PENS: [(&str, Pen); 4] = [
    (EXACT, Pen { ink: BLACK, dash: Dash::Solid, shape: Shape::Circle }),
    ("k1", Pen { ink: PALETTE[0], dash: Dash::Dashed, shape: Shape::Square }),
    ("k2", Pen { ink: PALETTE[1], dash: Dash::DashDot, shape: Shape::Up }),
    ("k3", Pen { ink: PALETTE[2], dash: Dash::Dotted, shape: Shape::Diamond }),
];

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let mut series = Vec::new();
    for arm in &run.plan.arms {
        for (name, column) in COLUMNS {
            let mut at: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
            for row in run.steps.iter().filter(|row| row.arm == arm.arm) {
                if let Some(value) = column(row) {
                    at.entry(row.step).or_default().push(value);
                }
            }
            let points = at.iter().filter_map(|(step, values)| Point::quartiles(*step as f64, values));
            series.push(Series::new(run.label(arm.arm), name, points));
        }
    }
    series.retain(|s| s.points.len() > 1);
    if !series.iter().any(|s| s.name != EXACT) || !series.iter().any(|s| s.name == EXACT) {
        return Err(Status::Missing { column: "kl and kl_k1 in steps.csv".to_owned() });
    }
    let (scene, rest) = over_steps::draw(&series, None, &PENS, "KL(π‖π₀) (nats)", None, size)
        .ok_or(Status::TooFew { what: "training steps", have: 1, need: 2 })?;
    Ok(vec![Figure {
        name: "kl_estimators".to_owned(),
        title: title(&series),
        caption: format!(
            "The exact KL and what the estimators k1, k2 and k3 make of the samples of a step: median over the runs, quartiles as bands. A rare outcome of \
             great weight is in the exact KL from the first and in the samples only once it is drawn.{rest}"
        ),
        columns: ["step", "kl_nats", "q25", "q75"],
        series,
        beside: Vec::new(),
        scene,
    }])
}

/// How far k1 is off in the median step, beside the exact value.
fn title(series: &[Series]) -> String {
    let mut off: Vec<f64> = Vec::new();
    for exact in series.iter().filter(|s| s.name == EXACT) {
        let k1 = series.iter().find(|s| s.name == "k1" && s.panel == exact.panel);
        let at = |step: f64| k1.and_then(|s| s.points.iter().find(|p| p.x == step)).map(|p| p.y);
        off.extend(exact.points.iter().filter_map(|p| Some((at(p.x)? - p.y).abs())));
    }
    let at = |level: f64| order::quantile(&off, level);
    match (at(0.5), at(0.25), at(0.75)) {
        (Some(median), Some(low), Some(high)) => format!(
            "k1 is {} nats off the exact KL in the median step, {} to {} in half of the steps",
            number(median),
            number(low),
            number(high)
        ),
        _ => "Estimators of KL beside the exact KL".to_owned(),
    }
}
