//! What each response made of each setting: the share of damaged runs and E\[V\], a cell for every combination.

use super::arms::{self, readable, short_key};
use super::figure::Figure;
use super::fitting::wrap;
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, GREY, HAIR, PALETTE, SILVER, SMALL, WHITE};
use crate::foundation::failure::Status;
use crate::record::folder::RunFolder;
use crate::record::metric::UTILITY;

/// Rows that a figure can hold.
const MAX_ROWS: usize = 40;
/// Columns that it can hold.
const MAX_COLUMNS: usize = 8;
const ROW: f64 = 42.0;
/// Share of the sheet that the names of the rows take.
const NAMES: f64 = 0.3;
/// Least width of a column that holds its three lines.
const COLUMN: f64 = 62.0;
/// From one line of a cell or a name to the next.
const LINE: f64 = 12.5;

/// One combination.
struct Cell {
    row: usize,
    column: usize,
    /// Share of damaged runs, with its interval.
    damaged: Option<Point>,
    utility: Option<f64>,
}

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
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
    let fitting = ((size.width() * (1.0 - NAMES) - 22.0) / COLUMN) as usize;
    if columns.len() > fitting {
        let what = "columns that fit the sheet; ask for --size page";
        return Err(Status::TooFew { what, have: fitting, need: columns.len() });
    }
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let beside =
        (0..names.len()).flat_map(|row| cells.iter().filter(move |c| c.row == row && c.damaged.is_some()));
    let (called, worth): (Vec<String>, Vec<String>) = beside
        .map(|c| (columns[c.column].clone(), c.utility.map_or(String::new(), |u| u.to_string())))
        .unzip();
    let series = names.iter().enumerate().map(|(row, name)| {
        let own = cells.iter().filter(|cell| cell.row == row).filter_map(|cell| cell.damaged);
        Series::new("damaged", *name, own)
    });
    let order: Vec<String> = columns.iter().enumerate().map(|(i, name)| format!("{i} = {name}")).collect();
    Ok(vec![Figure {
        name: "responses".to_owned(),
        title: title(&columns, &cells),
        caption: format!(
            "Share of the runs that hacks damaged under each response to what the audit confirmed (above, with its 95% interval), \
             and the mean of the final E[V] (below). The stronger the colour, the more were damaged. Columns: {}.",
            order.join("; ")
        ),
        columns: ["response", "damaged", "ci_low", "ci_high"],
        series: series.collect(),
        beside: vec![("response_name", called), ("utility", worth)],
        scene: draw(&names, &columns, &cells, size.width()),
    }])
}

/// The response that leaves most runs damaged, and the one that leaves least.
fn title(columns: &[String], cells: &[Cell]) -> String {
    let told = |cell: &Cell| {
        let point = cell.damaged?;
        let percent = |x: f64| format!("{:.0}", 100.0 * x);
        let interval = match (point.low, point.high) {
            (Some(low), Some(high)) => format!(" [{}, {}]", percent(low), percent(high)),
            _ => String::new(),
        };
        Some(format!("{}: {}%{interval}", columns[cell.column], percent(point.y)))
    };
    let mut found: Vec<&Cell> = cells.iter().filter(|cell| cell.damaged.is_some()).collect();
    found.sort_by(|a, b| {
        b.damaged.map(|p| p.y).partial_cmp(&a.damaged.map(|p| p.y)).unwrap_or(std::cmp::Ordering::Equal)
    });
    match (found.first().and_then(|c| told(c)), found.last().and_then(|c| told(c))) {
        (Some(most), Some(least)) if found.len() > 1 => {
            format!("Damaged runs by response, from {most} to {least}")
        }
        _ => "Damaged runs by response".to_owned(),
    }
}

fn draw(names: &[&str], columns: &[String], cells: &[Cell], full: f64) -> Scene {
    let named = names.iter().any(|name| !name.is_empty());
    let from = if named { NAMES * full } else { 10.0 };
    let width = (full - from - 12.0) / columns.len() as f64;
    let heads: Vec<Vec<String>> = columns.iter().map(|name| wrap(name, width - 8.0, SMALL, false)).collect();
    let lines = heads.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let top = 16.0 + lines * LINE;
    let rows: Vec<Vec<String>> = names.iter().map(|name| wrap(name, from - 20.0, SMALL, false)).collect();
    let heights: Vec<f64> = rows.iter().map(|lines| ROW.max(lines.len() as f64 * LINE + 6.0)).collect();
    let upper = |row: usize| top + heights[..row].iter().sum::<f64>();
    let mut scene = Scene::new(full, top + heights.iter().sum::<f64>() + 12.0);
    let left = |column: usize| from + column as f64 * width;
    for (column, head) in heads.iter().enumerate() {
        for (line, text) in head.iter().enumerate() {
            let y = 14.0 + line as f64 * LINE;
            scene.text((left(column) + width / 2.0, y), text.as_str(), SMALL, Align::Centre, GREY);
        }
    }
    for (row, lines) in rows.iter().enumerate().filter(|_| named) {
        let middle = upper(row) + heights[row] / 2.0 + 0.36 * SMALL;
        let first = middle - LINE / 2.0 * (lines.len() as f64 - 1.0);
        for (line, text) in lines.iter().enumerate() {
            scene.text((10.0, first + LINE * line as f64), text.as_str(), SMALL, Align::Left, GREY);
        }
    }
    for cell in cells {
        let (x, y, height) = (left(cell.column), upper(cell.row), heights[cell.row]);
        let corners =
            vec![(x, y), (x + width - 2.0, y), (x + width - 2.0, y + height - 2.0), (x, y + height - 2.0)];
        let share = cell.damaged.map(|point| point.y);
        scene.area(corners.clone(), share.map_or(SILVER.at(0.25), |share| PALETTE[1].at(0.04 + 0.5 * share)));
        if let Some(point) = cell.damaged {
            // One number stands for the whole cell.
            scene.drawn_from(&Series::new("damaged", names[cell.row], []), &[point; 1]);
        }
        scene.line([&corners[..], &corners[..1]].concat(), WHITE, HAIR);
        let percent = |x: f64| format!("{:.0}", 100.0 * x);
        let mut lines =
            vec![cell.damaged.map_or_else(|| "none".to_owned(), |point| format!("{}%", percent(point.y)))];
        if let Some(Point { low: Some(low), high: Some(high), .. }) = cell.damaged {
            lines.push(format!("{}–{}", percent(low), percent(high)));
        }
        lines.extend(cell.utility.map(|utility| format!("E[V] {}", number(utility))));
        let first = y + height / 2.0 - LINE / 2.0 * (lines.len() as f64 - 1.0) + 0.36 * SMALL - 1.0;
        for (line, text) in lines.into_iter().enumerate() {
            let place = (x + width / 2.0 - 1.0, first + LINE * line as f64);
            scene.text(place, text, SMALL, Align::Centre, BLACK);
        }
    }
    scene
}

/// Two decimals, with a true minus sign.
fn number(x: f64) -> String {
    format!("{x:.2}").replace('-', "−")
}
