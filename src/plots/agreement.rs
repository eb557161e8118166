//! What was expected beside what was found: each difference in combined standard errors, with the band of agreement.

use super::axes::{Below, Panel};
use super::fitting::fit;
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Figure, Point, Series};
use super::theme::{BLACK, GREY, HAIR, Ink, NORMAL, PALETTE, SILVER, SMALL, WIDTH};
use crate::foundation::failure::Status;
use crate::foundation::format::figure as short;
use crate::record::folder::RunFolder;
use crate::record::tables::{AGREES, BOUND, CheckRow, DIFFERS};

/// Rows that a figure can hold; of more, those furthest from agreement are shown.
const MAX_ROWS: usize = 48;
/// Ends of the axis, in standard errors; what lies beyond is drawn at the end.
const FAR: f64 = 6.0;
/// Standard errors that count as agreement.
const BAND: f64 = 3.0;
/// Height of a row.
const ROW: f64 = 15.0;
/// Where the axis begins and ends.
const SPAN: (f64, f64) = (330.0, 545.0);

pub(super) fn build(run: &RunFolder) -> Result<Vec<Figure>, Status> {
    let compared = |row: &&CheckRow| {
        matches!(row.verdict.as_str(), AGREES | DIFFERS) && row.arm.is_some() && row.source != BOUND
    };
    let mut rows: Vec<&CheckRow> = run.checks.iter().filter(compared).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let all = rows.len();
    if all > MAX_ROWS {
        let mut furthest: Vec<usize> = (0..all).collect();
        furthest.sort_by(|&a, &b| distance(rows[b]).total_cmp(&distance(rows[a])).then(a.cmp(&b)));
        furthest.truncate(MAX_ROWS);
        furthest.sort_unstable();
        rows = furthest.into_iter().map(|i| rows[i]).collect();
    }
    let one = |(i, row): (usize, &&CheckRow)| {
        let point = Point::new(i as f64, row.standard_errors().unwrap_or(0.0));
        Series::new(row.metric.as_str(), arm_of(run, row), [point])
    };
    let series = rows.iter().enumerate().map(one).collect();
    let rest = if all > rows.len() {
        format!(" Of {all} comparisons the {MAX_ROWS} furthest from agreement are shown.")
    } else {
        String::new()
    };
    Ok(vec![Figure {
        name: "agreement".to_owned(),
        title: "Expected against found".to_owned(),
        caption: format!(
            "Differences between what the runs gave and what a closed form or a publication expects, in combined standard \
             errors. Inside the band of ±3 two numbers agree; rings are numbers that are exact on both sides. \
             Bounds and orders are in the table only.{rest}"
        ),
        columns: ["row", "standard_errors", "ci_low", "ci_high"],
        series,
        scene: draw(run, &rows).ok_or(Status::TooFew { what: "comparisons", have: 0, need: 1 })?,
    }])
}

fn arm_of(run: &RunFolder, row: &CheckRow) -> String {
    row.arm.map_or(String::new(), |arm| run.label(arm))
}

/// How far from agreement: exact numbers that differ are furthest.
fn distance(row: &CheckRow) -> f64 {
    match row.standard_errors() {
        Some(z) => z.abs(),
        None if row.verdict == AGREES => 0.0,
        None => f64::INFINITY,
    }
}

fn draw(run: &RunFolder, rows: &[&CheckRow]) -> Option<Scene> {
    let top = 34.0;
    let bottom = top + rows.len() as f64 * ROW + 6.0;
    let mut scene = Scene::new(WIDTH, bottom + 44.0);
    let (x, y) = (Scale::exact(Kind::Linear, -FAR, FAR)?, Scale::exact(Kind::Linear, 0.0, 1.0)?);
    let panel = Panel { left: SPAN.0, top, right: SPAN.1, bottom, x, y };
    let at = |z: f64| panel.place(z, 0.0).0;
    let corners = [(at(-BAND), top), (at(BAND), top), (at(BAND), bottom), (at(-BAND), bottom)];
    scene.area(corners.to_vec(), PALETTE[2].at(0.12));
    scene.line(vec![(at(0.0), top), (at(0.0), bottom)], SILVER, HAIR);
    panel.horizontal(&mut scene, Below::Title("found − expected, in standard errors"));
    let shared = rows.iter().all(|row| row.metric == rows[0].metric).then(|| rows[0].metric.as_str());
    scene.bold((10.0, 18.0), shared.unwrap_or("number and arm"), NORMAL, Align::Left, BLACK);
    scene.bold((WIDTH - 80.0, 18.0), "expected", NORMAL, Align::Right, BLACK);
    scene.bold((WIDTH - 10.0, 18.0), "found", NORMAL, Align::Right, BLACK);
    for (i, row) in rows.iter().enumerate() {
        let middle = top + (i as f64 + 0.5) * ROW + 3.0;
        let base = middle + 0.36 * SMALL;
        let arm = arm_of(run, row);
        let name = match shared {
            Some(_) => arm,
            None if run.plan.arms.len() > 1 => format!("{}: {arm}", row.metric),
            None => row.metric.clone(),
        };
        scene.text((10.0, base), fit(&name, SPAN.0 - 26.0, SMALL, false), SMALL, Align::Left, GREY);
        let ink: Ink = if row.verdict == AGREES { PALETTE[0] } else { PALETTE[1] };
        let z = row.standard_errors();
        let held = z.unwrap_or(if row.verdict == AGREES { 0.0 } else { FAR }).clamp(-FAR, FAR);
        scene.line(vec![(at(0.0), middle), (at(held), middle)], ink.at(0.5), 1.2);
        scene.dot((at(held), middle), 3.2, ink);
        if z.is_none() {
            scene.dot((at(held), middle), 1.8, super::theme::WHITE);
        }
        let shown = |value: Option<f64>| value.map_or(String::new(), short);
        scene.text((WIDTH - 80.0, base), shown(row.expected), SMALL, Align::Right, GREY);
        scene.text((WIDTH - 10.0, base), shown(row.found), SMALL, Align::Right, ink.text());
    }
    Some(scene)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        assert_eq!(
            [0.5836, 12.3456, -1.25, 123456.0, 0.0].map(short),
            ["0.5836", "12.35", "−1.250", "1.23e5", "0.0000"]
        );
    }
}
