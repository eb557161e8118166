//! What each response made of each setting: the share of damaged runs and E\[V\], a cell for every combination.

use super::arms::{self, readable, short_key};
use super::axes::INDENT;
use super::fitting::wrap;
use super::scene::{Align, Scene};
use super::series::{Figure, Point, Series};
use super::theme::{BLACK, GREY, HAIR, PALETTE, SILVER, SMALL, WHITE, WIDTH};
use crate::foundation::failure::Status;
use crate::record::folder::RunFolder;
use crate::record::metric::UTILITY;

/// Rows that a figure can hold.
const MAX_ROWS: usize = 40;
/// Columns that it can hold.
const MAX_COLUMNS: usize = 8;
const ROW: f64 = 39.0;
/// Width of the names of the rows.
const NAMES: f64 = 236.0;

/// One combination.
struct Cell {
    row: usize,
    column: usize,
    /// Share of damaged runs, with its interval.
    damaged: Option<Point>,
    utility: Option<f64>,
}

pub(super) fn build(run: &RunFolder) -> Result<Vec<Figure>, Status> {
    let keys = &run.plan.sweep_keys;
    let Some(along) = keys.iter().position(|key| key.starts_with("audit.response")) else {
        return Ok(Vec::new());
    };
    let groups = arms::groups(run, along);
    let mut columns: Vec<String> = Vec::new();
    let mut cells = Vec::new();
    for (row, group) in groups.iter().enumerate() {
        for (arm, value) in &group.arms {
            let name = arm.name(along).map_or_else(|| (*value).to_owned(), readable);
            let name = if name.parse::<f64>().is_ok() {
                format!("{} {name}", short_key(&keys[along]))
            } else {
                name
            };
            let column = columns.iter().position(|known| *known == name).unwrap_or_else(|| {
                columns.push(name);
                columns.len() - 1
            });
            let damaged = run.metric(arm.arm, "damaged").and_then(|found| {
                let point = Point::new(column as f64, found.estimate?);
                Some(Point { low: found.ci_low, high: found.ci_high, ..point })
            });
            let utility = run.metric(arm.arm, UTILITY).and_then(|found| found.estimate);
            cells.push(Cell { row, column, damaged, utility });
        }
    }
    if columns.len() < 2 || columns.len() > MAX_COLUMNS || groups.len() > MAX_ROWS {
        let what = if columns.len() < 2 { "responses" } else { "rows and columns that fit the page" };
        return Err(Status::TooFew { what, have: columns.len().min(groups.len()), need: 2 });
    }
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let series = names.iter().enumerate().map(|(row, name)| {
        let own = cells.iter().filter(|cell| cell.row == row).filter_map(|cell| cell.damaged);
        Series::new("damaged", *name, own)
    });
    let order: Vec<String> = columns.iter().enumerate().map(|(i, name)| format!("{i} = {name}")).collect();
    Ok(vec![Figure {
        name: "responses".to_owned(),
        title: "Damaged runs by response".to_owned(),
        caption: format!(
            "Share of the runs that hacks damaged under each response to what the audit confirmed (above, with its 95% interval), \
             and the mean of the final E[V] (below). The darker, the more were damaged. Columns: {}.",
            order.join("; ")
        ),
        columns: ["response", "damaged", "ci_low", "ci_high"],
        series: series.collect(),
        scene: draw(&names, &columns, &cells),
    }])
}

fn draw(names: &[&str], columns: &[String], cells: &[Cell]) -> Scene {
    let width = (WIDTH - NAMES - INDENT / 2.0) / columns.len() as f64;
    let heads: Vec<Vec<String>> = columns.iter().map(|name| wrap(name, width - 8.0, SMALL)).collect();
    let lines = heads.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let top = 16.0 + lines * (SMALL + 3.0);
    let mut scene = Scene::new(WIDTH, top + names.len() as f64 * ROW + 12.0);
    let left = |column: usize| NAMES + column as f64 * width;
    for (column, head) in heads.iter().enumerate() {
        for (line, text) in head.iter().enumerate() {
            let y = 14.0 + line as f64 * (SMALL + 3.0);
            scene.text((left(column) + width / 2.0, y), text.as_str(), SMALL, Align::Centre, GREY);
        }
    }
    for (row, name) in names.iter().enumerate() {
        let lines = wrap(name, NAMES - 20.0, SMALL);
        let first = top + (row as f64 + 0.5) * ROW + 0.36 * SMALL - 5.5 * (lines.len() as f64 - 1.0);
        for (line, text) in lines.into_iter().enumerate() {
            scene.text((10.0, first + 11.0 * line as f64), text, SMALL, Align::Left, GREY);
        }
    }
    for cell in cells {
        let (x, y) = (left(cell.column), top + cell.row as f64 * ROW);
        let corners =
            vec![(x, y), (x + width - 2.0, y), (x + width - 2.0, y + ROW - 2.0), (x, y + ROW - 2.0)];
        let share = cell.damaged.map(|point| point.y);
        scene
            .area(corners.clone(), share.map_or(SILVER.at(0.25), |share| PALETTE[1].at(0.06 + 0.74 * share)));
        scene.line([&corners[..], &corners[..1]].concat(), WHITE, HAIR);
        let ink = if share.is_some_and(|share| share > 0.7) { WHITE } else { BLACK };
        let percent = |x: f64| format!("{:.0}", 100.0 * x);
        let mut lines =
            vec![cell.damaged.map_or_else(|| "none".to_owned(), |point| format!("{}%", percent(point.y)))];
        if let Some(Point { low: Some(low), high: Some(high), .. }) = cell.damaged {
            lines.push(format!("{}–{}", percent(low), percent(high)));
        }
        lines.extend(cell.utility.map(|utility| format!("E[V] {}", number(utility))));
        for (line, text) in lines.into_iter().enumerate() {
            let place = (x + width / 2.0 - 1.0, y + 11.0 + 11.0 * line as f64);
            scene.text(place, text, SMALL, Align::Centre, ink);
        }
    }
    scene
}

/// Two decimals, with a true minus sign.
fn number(x: f64) -> String {
    format!("{x:.2}").replace('-', "−")
}
