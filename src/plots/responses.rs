//! What each response made of each setting: the share of damaged runs and E\[V\], a cell for every combination.

use super::figure::Figure;
use super::heatmap::{self, Cell, Grid};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{PALETTE, SILVER};
use crate::foundation::failure::Status;
use crate::record::folder::RunFolder;
use crate::record::metric::UTILITY;

/// What the lines of a cell are.
const HEADING: &str = "Damaged runs, 95% interval; final E[V]";

/// One combination.
struct Found {
    row: usize,
    column: usize,
    /// Share of damaged runs, with its interval.
    damaged: Option<Point>,
    utility: Option<f64>,
}

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let Some(grid) = Grid::of(run, size.width())? else { return Ok(Vec::new()) };
    let of = |&(row, column, arm): &(usize, usize, &crate::record::folder::ArmInfo)| {
        let damaged = run.metric(arm.arm, "damaged").and_then(|found| {
            let point = Point::new(column as f64, found.estimate?);
            Some(Point { low: found.ci_low, high: found.ci_high, ..point })
        });
        let utility = run.metric(arm.arm, UTILITY).and_then(|found| found.estimate);
        Found { row, column, damaged, utility }
    };
    let found: Vec<Found> = grid.arms.iter().map(of).collect();
    let in_rows = (0..grid.rows.len())
        .flat_map(|row| found.iter().filter(move |c| c.row == row && c.damaged.is_some()));
    let (called, worth): (Vec<String>, Vec<String>) = in_rows
        .map(|c| (grid.columns[c.column].clone(), c.utility.map_or(String::new(), |u| u.to_string())))
        .unzip();
    let series = grid.rows.iter().enumerate().map(|(row, name)| {
        let own = found.iter().filter(|one| one.row == row).filter_map(|one| one.damaged);
        Series::new("damaged", name.as_str(), own)
    });
    let series = series.collect();
    let cells: Vec<Cell> = found.iter().map(cell).collect();
    Ok(vec![Figure {
        name: "responses".to_owned(),
        title: title(&grid, &found),
        caption: format!(
            "Share of the runs that hacks damaged under each response to what the audit confirmed (above, with its 95% interval), \
             and the mean of the final E[V] (below). The stronger the colour, the more were damaged. Columns: {}.",
            grid.order()
        ),
        columns: ["response", "damaged", "ci_low", "ci_high"],
        series,
        beside: vec![("response_name", called), ("utility", worth)],
        scene: heatmap::draw("damaged", HEADING, &grid.rows, &grid.columns, &cells, size.width()),
    }])
}

fn cell(found: &Found) -> Cell {
    let percent = |x: f64| format!("{:.0}", 100.0 * x);
    let mut lines =
        vec![found.damaged.map_or_else(|| "none".to_owned(), |point| format!("{}%", percent(point.y)))];
    if let Some(Point { low: Some(low), high: Some(high), .. }) = found.damaged {
        lines.push(format!("{}–{}", percent(low), percent(high)));
    }
    lines.extend(found.utility.map(|utility| format!("E[V] {}", number(utility))));
    let share = found.damaged.map(|point| point.y);
    let ink = share.map_or(SILVER.at(0.25), |share| PALETTE[1].at(0.04 + 0.5 * share));
    Cell { row: found.row, column: found.column, ink, lines, point: found.damaged }
}

/// The combination that leaves most runs damaged, and the one that leaves least.
fn title(grid: &Grid<'_>, found: &[Found]) -> String {
    let told = |one: &Found| {
        let point = one.damaged?;
        let percent = |x: f64| format!("{:.0}", 100.0 * x);
        let interval = match (point.low, point.high) {
            (Some(low), Some(high)) => format!(" [{}, {}]", percent(low), percent(high)),
            _ => String::new(),
        };
        Some(format!("{}%{interval} ({})", percent(point.y), grid.place(one.row, one.column)))
    };
    let mut found: Vec<&Found> = found.iter().filter(|one| one.damaged.is_some()).collect();
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

/// Two decimals, with a true minus sign.
fn number(x: f64) -> String {
    format!("{x:.2}").replace('-', "−")
}
