//! What was expected beside what was found: each difference in combined standard errors, with the band of agreement.

use super::axes::{Below, Panel};
use super::figure::Figure;
use super::fitting::wrap;
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, GREY, HAIR, Ink, NORMAL, PALETTE, Pen, SILVER, SMALL, Shape, WHITE};
use crate::foundation::failure::Status;
use crate::foundation::format::{figure as short, report as number};
use crate::record::folder::RunFolder;
use crate::record::tables::{AGREES, CheckRow, DIFFERS};

/// Rows that a figure can hold; of more, those furthest from agreement are shown.
const MAX_ROWS: usize = 48;
/// Ends of the axis, in standard errors; what lies beyond is drawn at the end.
const FAR: f64 = 6.0;
/// Standard errors that count as agreement.
const BAND: f64 = 3.0;
/// Height of a line, and of what a row has beside its lines.
const LINE: f64 = 13.5;
const AROUND: f64 = 3.0;
/// Width of a column of numbers.
const NUMBER: f64 = 66.0;

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let compared = |row: &&CheckRow| {
        matches!(row.verdict.as_str(), AGREES | DIFFERS) && row.arm.is_some() && !row.is_bound()
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
        title: title(run),
        caption: format!(
            "Differences between what the runs gave and what a closed form or a publication expects, in combined standard \
             errors. Inside the band of ±3 two numbers agree; rings are numbers that are exact on both sides. \
             Bounds and orders are in the table only.{rest}"
        ),
        columns: ["row", "standard_errors", "ci_low", "ci_high"],
        series,
        beside: vec![
            ("expected", column(&rows, |row| cell(row.expected))),
            ("expected_error", column(&rows, |row| cell(row.expected_error))),
            ("found", column(&rows, |row| cell(row.found))),
            ("found_error", column(&rows, |row| cell(row.found_error))),
            ("verdict", column(&rows, |row| row.verdict.clone())),
            ("source", column(&rows, |row| row.source.clone())),
        ],
        scene: draw(run, &rows, size.width()).ok_or(Status::TooFew {
            what: "comparisons",
            have: 0,
            need: 1,
        })?,
    }])
}

fn column(rows: &[&CheckRow], of: impl Fn(&CheckRow) -> String) -> Vec<String> {
    rows.iter().map(|row| of(row)).collect()
}

fn cell(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
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

/// How many of the numbers agree.
fn title(run: &RunFolder) -> String {
    let of = |verdict: &str| run.checks.iter().filter(|row| row.verdict == verdict).count();
    let (agree, differ) = (of(AGREES), of(DIFFERS));
    let apart = run.checks.iter().filter_map(CheckRow::standard_errors).map(f64::abs);
    let furthest = apart.max_by(f64::total_cmp).map_or_else(String::new, |errors| {
        format!("; the furthest is {} standard errors off", number(errors))
    });
    format!("Expected against found: {agree} of {} numbers agree{furthest}", agree + differ)
}

fn draw(run: &RunFolder, rows: &[&CheckRow], width: f64) -> Option<Scene> {
    let shared = rows.iter().all(|row| row.metric == rows[0].metric).then(|| rows[0].metric.as_str());
    let (from, to) = (0.44 * width, width - 2.0 * NUMBER - 26.0);
    let name = |row: &CheckRow| {
        let arm = arm_of(run, row);
        match shared {
            Some(_) => arm,
            None if run.plan.arms.len() > 1 => format!("{}: {arm}", row.metric),
            None => row.metric.clone(),
        }
    };
    let names: Vec<Vec<String>> =
        rows.iter().map(|row| wrap(&name(row), from - 22.0, SMALL, false)).collect();
    let heads = wrap(shared.unwrap_or("number and arm"), from - 22.0, NORMAL, true);
    let top = 18.0 + heads.len() as f64 * (NORMAL + 3.0);
    let height = |lines: &Vec<String>| lines.len() as f64 * LINE + AROUND;
    let bottom = top + names.iter().map(height).sum::<f64>() + 6.0;
    let mut scene = Scene::new(width, bottom + 44.0);
    let (x, y) = (Scale::exact(Kind::Linear, -FAR, FAR)?, Scale::exact(Kind::Linear, 0.0, 1.0)?);
    let panel = Panel { left: from, top, right: to, bottom, x, y };
    let at = |z: f64| panel.place(z, 0.0).0;
    let corners = [(at(-BAND), top), (at(BAND), top), (at(BAND), bottom), (at(-BAND), bottom)];
    scene.area(corners.to_vec(), PALETTE[2].at(0.12));
    scene.line(vec![(at(0.0), top), (at(0.0), bottom)], SILVER, HAIR);
    let unit = if to - from > 160.0 { "found − expected, in standard errors" } else { "difference (s.e.)" };
    panel.horizontal(&mut scene, Below::Title(unit));
    for (i, head) in heads.iter().enumerate() {
        let place = (10.0, 18.0 + i as f64 * (NORMAL + 3.0));
        scene.bold(place, head.as_str(), NORMAL, Align::Left, BLACK);
    }
    let (expected, found) = (width - NUMBER - 14.0, width - 10.0);
    scene.bold((expected, top - NORMAL), "expected", NORMAL, Align::Right, BLACK);
    scene.bold((found, top - NORMAL), "found", NORMAL, Align::Right, BLACK);
    let mut upper = top + 3.0;
    for (row, lines) in rows.iter().zip(&names) {
        let middle = upper + height(lines) / 2.0;
        for (i, line) in lines.iter().enumerate() {
            let base = upper + (i as f64 + 0.5) * LINE + AROUND / 2.0 + 0.36 * SMALL;
            scene.text((10.0, base), line.as_str(), SMALL, Align::Left, GREY);
        }
        upper += height(lines);
        let agrees = row.verdict == AGREES;
        let pen = if agrees {
            Pen::plain(PALETTE[0])
        } else {
            Pen { shape: Shape::Diamond, ..Pen::plain(PALETTE[1]) }
        };
        let ink: Ink = pen.ink;
        let z = row.standard_errors();
        let held = z.unwrap_or(if agrees { 0.0 } else { FAR }).clamp(-FAR, FAR);
        scene.line(vec![(at(0.0), middle), (at(held), middle)], ink.at(0.5), 1.2);
        scene.shape((at(held), middle), 3.4, ink, pen.shape);
        if z.is_none() {
            scene.dot((at(held), middle), 1.8, WHITE);
        }
        let base = middle + 0.36 * SMALL;
        let shown = |value: Option<f64>| value.map_or(String::new(), short);
        scene.text((expected, base), shown(row.expected), SMALL, Align::Right, GREY);
        scene.text((found, base), shown(row.found), SMALL, Align::Right, ink.text());
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
