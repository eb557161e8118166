//! What each response gives back of what hacks cost: the recovered share and the loss at the end, a cell for every combination.

use super::figure::Figure;
use super::heatmap::{self, Cell, Grid};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{PALETTE, SILVER};
use crate::foundation::failure::Status;
use crate::record::folder::{ArmInfo, RunFolder};
use crate::record::tables::SummaryRow;

const PANEL: &str = "recovery";
/// Names of the numbers in `summary.csv`.
const RECOVERY: &str = "recovery";
const LOSS: &str = "attributable_loss";

/// What the lines of a cell are.
const HEADING: &str = "Given back of what hacks cost, 95% interval; what they still cost (loss)";

/// One combination.
struct Found {
    row: usize,
    column: usize,
    /// Recovered share, with its interval.
    recovery: Option<Point>,
    /// Attributable loss of the final policy, with its interval.
    loss: Option<Point>,
    /// Why there is no recovered share.
    why: String,
}

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let Some(grid) = Grid::of(run, size.width())? else { return Ok(Vec::new()) };
    let found: Vec<Found> =
        grid.arms.iter().map(|(row, column, arm)| found(run, *row, *column, arm)).collect();
    if found.iter().all(|one| one.recovery.is_none()) {
        let column =
            format!("{RECOVERY} in summary.csv: a response, and the run without one that it is held against");
        return Err(Status::Missing { column });
    }
    let told = |one: &&Found| one.recovery.is_some();
    let in_rows = || (0..grid.rows.len()).flat_map(|row| found.iter().filter(move |one| one.row == row));
    let recovered = in_rows().filter(told);
    let series = grid.rows.iter().enumerate().map(|(row, name)| {
        Series::new(
            PANEL,
            name.as_str(),
            found.iter().filter(|one| one.row == row).filter_map(|one| one.recovery),
        )
    });
    let lost = grid.rows.iter().enumerate().map(|(row, name)| {
        Series::new(LOSS, name.as_str(), found.iter().filter(|one| one.row == row).filter_map(|one| one.loss))
    });
    let called = recovered.chain(in_rows().filter(|one| one.loss.is_some()));
    let called: Vec<String> = called.map(|one| grid.columns[one.column].clone()).collect();
    let series: Vec<Series> = series.chain(lost).collect();
    let cells: Vec<Cell> = found.iter().map(cell).collect();
    Ok(vec![Figure {
        name: "recovery".to_owned(),
        title: title(&grid, &found),
        caption: format!(
            "Share of what E[V] loses without a response that the response gives back: mean over the runs that are damaged without one, with its 95% interval; below it, over all runs, what hacks still cost \
             the final policies, E[V | not hack] − E[V]. The stronger the colour, the more was given back. Without a response there is nothing to give back. Columns: {}.",
            grid.order()
        ),
        columns: ["response", "value", "ci_low", "ci_high"],
        series,
        beside: vec![("response_name", called)],
        scene: heatmap::draw(PANEL, HEADING, &grid.rows, &grid.columns, &cells, size.width()),
    }])
}

fn found(run: &RunFolder, row: usize, column: usize, arm: &ArmInfo) -> Found {
    let point = |found: &SummaryRow| {
        Some(Point { x: column as f64, y: found.estimate?, low: found.ci_low, high: found.ci_high })
    };
    let recovery = run.metric(arm.arm, RECOVERY);
    let why = recovery.map_or_else(String::new, |found| found.method.clone());
    let loss = run.metric(arm.arm, LOSS).and_then(point);
    Found { row, column, recovery: recovery.and_then(point), loss, why }
}

fn cell(found: &Found) -> Cell {
    let mut lines = Vec::new();
    match &found.recovery {
        Some(point) => {
            lines.push(format!("{}%", percent(point.y)));
            lines.extend(
                point.low.zip(point.high).map(|(low, high)| format!("{}–{}", percent(low), percent(high))),
            );
        }
        None if found.why.is_empty() => lines.push("–".to_owned()),
        None => lines.push(found.why.split(':').next().unwrap_or_default().to_owned()),
    }
    lines.extend(found.loss.map(|loss| format!("loss {}", decimals(loss.y))));
    let share = found.recovery.map(|point| point.y.clamp(0.0, 1.0));
    let ink = share.map_or(SILVER.at(0.25), |share| PALETTE[2].at(0.04 + 0.5 * share));
    Cell { row: found.row, column: found.column, ink, lines, point: found.recovery }
}

/// The cell in which least is given back, and the one in which most is.
fn title(grid: &Grid<'_>, found: &[Found]) -> String {
    let told = |one: &Found| {
        let point = one.recovery?;
        let interval = point.low.zip(point.high);
        let interval =
            interval.map_or_else(String::new, |(l, h)| format!(" [{}, {}]", percent(l), percent(h)));
        Some(format!("{}%{interval} ({})", percent(point.y), grid.place(one.row, one.column)))
    };
    let mut ranked: Vec<&Found> = found.iter().filter(|one| one.recovery.is_some()).collect();
    ranked.sort_by(|a, b| {
        let of = |one: &Found| one.recovery.map_or(0.0, |point| point.y);
        of(a).total_cmp(&of(b))
    });
    match (ranked.first().and_then(|one| told(one)), ranked.last().and_then(|one| told(one))) {
        (Some(least), Some(most)) if ranked.len() > 1 => {
            format!("Of what hacks cost, responses give back from {least} to {most}")
        }
        (Some(only), _) => format!("Of what hacks cost, the response gives back {only}"),
        _ => "What responses give back".to_owned(),
    }
}

/// Whole per cent: a cell has no room for more, and no recovery is known to more.
fn percent(share: f64) -> String {
    // Adding 0 takes the sign off a rounded −0.
    format!("{:.0}", (100.0 * share).round() + 0.0).replace('-', "−")
}

/// Two decimals.
fn decimals(loss: f64) -> String {
    format!("{:.2}", (100.0 * loss).round() / 100.0 + 0.0).replace('-', "−")
}
