//! A cell for every combination of a setting and a response: the layout that several figures share.

use super::arms::{self, readable, short_key};
use super::fitting::wrap;
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::theme::{BLACK, GREY, HAIR, Ink, SMALL, WHITE};
use crate::foundation::failure::Status;
use crate::record::folder::{ArmInfo, RunFolder};

/// Rows that a figure can hold.
const MAX_ROWS: usize = 40;
/// Columns that it can hold.
const MAX_COLUMNS: usize = 8;
const ROW: f64 = 42.0;
/// Share of the sheet that the names of the rows take.
const NAMES: f64 = 0.3;
/// Least width of a column that holds its lines.
const COLUMN: f64 = 62.0;
/// From one line of a cell or a name to the next.
const LINE: f64 = 12.5;

/// The arms of a sweep over responses, as rows and columns.
pub(super) struct Grid<'a> {
    /// Names of the rows: the values of the other keys.
    pub rows: Vec<String>,
    /// Names of the columns: the responses.
    pub columns: Vec<String>,
    /// Row, column and arm.
    pub arms: Vec<(usize, usize, &'a ArmInfo)>,
}

impl<'a> Grid<'a> {
    /// The arms of the run on a sheet so wide; nothing where no response is swept.
    pub fn of(run: &'a RunFolder, width: f64) -> Result<Option<Self>, Status> {
        let keys = &run.plan.sweep_keys;
        let Some(along) = keys.iter().position(|key| key.starts_with("audit.response")) else {
            return Ok(None);
        };
        let groups = arms::groups(run, along);
        let mut columns: Vec<String> = Vec::new();
        let mut placed = Vec::new();
        for (row, group) in groups.iter().enumerate() {
            for (arm, value) in &group.arms {
                let name = arm.name(along).map_or_else(|| (*value).to_owned(), readable);
                let is_number = name.parse::<f64>().is_ok();
                let name = if is_number { format!("{} {name}", short_key(&keys[along])) } else { name };
                let column = columns.iter().position(|known| *known == name).unwrap_or_else(|| {
                    columns.push(name);
                    columns.len() - 1
                });
                placed.push((row, column, *arm));
            }
        }
        if columns.len() < 2 || columns.len() > MAX_COLUMNS || groups.len() > MAX_ROWS {
            let what = if columns.len() < 2 { "responses" } else { "rows and columns that fit the page" };
            return Err(Status::TooFew { what, have: columns.len().min(groups.len()), need: 2 });
        }
        let fitting = ((width * (1.0 - NAMES) - 22.0) / COLUMN) as usize;
        if columns.len() > fitting {
            let what = "columns that fit the sheet; ask for --size page";
            return Err(Status::TooFew { what, have: fitting, need: columns.len() });
        }
        Ok(Some(Self { rows: groups.into_iter().map(|group| group.name).collect(), columns, arms: placed }))
    }

    /// A combination in words: the row, where rows have names, and the column.
    pub fn place(&self, row: usize, column: usize) -> String {
        match self.rows[row].as_str() {
            "" => self.columns[column].clone(),
            name => format!("{name}, {}", self.columns[column]),
        }
    }

    /// The columns by number, for a caption.
    pub fn order(&self) -> String {
        let named = self.columns.iter().enumerate().map(|(i, name)| format!("{i} = {name}"));
        named.collect::<Vec<_>>().join("; ")
    }
}

/// What stands in a cell.
pub(super) struct Cell {
    /// Its row.
    pub row: usize,
    /// Its column.
    pub column: usize,
    /// Its colour.
    pub ink: Ink,
    /// Its lines; each is broken where it does not fit.
    pub lines: Vec<String>,
    /// The number that it stands for.
    pub point: Option<Point>,
}

/// Draws the cells under what their lines are, and the names of the columns, and beside those of the rows.
pub(super) fn draw(
    panel: &str,
    heading: &str,
    names: &[String],
    columns: &[String],
    cells: &[Cell],
    full: f64,
) -> Scene {
    let named = names.iter().any(|name| !name.is_empty());
    let from = if named { NAMES * full } else { 10.0 };
    let width = (full - from - 12.0) / columns.len() as f64;
    let heads: Vec<Vec<String>> = columns.iter().map(|name| wrap(name, width - 8.0, SMALL, false)).collect();
    let lines = heads.iter().map(Vec::len).max().unwrap_or(1) as f64;
    let headings = wrap(heading, full - 20.0, SMALL, true);
    let above = 6.0 + headings.len() as f64 * LINE;
    let top = above + 16.0 + lines * LINE;
    let rows: Vec<Vec<String>> = names.iter().map(|name| wrap(name, from - 20.0, SMALL, false)).collect();
    let told = |cell: &Cell| -> Vec<String> {
        cell.lines.iter().flat_map(|line| wrap(line, width - 6.0, SMALL, false)).collect()
    };
    let tallest =
        |row: usize| cells.iter().filter(|c| c.row == row).map(|c| told(c).len()).max().unwrap_or(1);
    let heights: Vec<f64> = rows
        .iter()
        .enumerate()
        .map(|(row, lines)| ROW.max(lines.len().max(tallest(row)) as f64 * LINE + 6.0))
        .collect();
    let upper = |row: usize| top + heights[..row].iter().sum::<f64>();
    let mut scene = Scene::new(full, top + heights.iter().sum::<f64>() + 12.0);
    for (i, text) in headings.iter().enumerate() {
        scene.bold((10.0, 14.0 + i as f64 * LINE), text.as_str(), SMALL, Align::Left, BLACK);
    }
    let left = |column: usize| from + column as f64 * width;
    for (column, head) in heads.iter().enumerate() {
        for (line, text) in head.iter().enumerate() {
            let y = above + 14.0 + line as f64 * LINE;
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
        scene.area(corners.clone(), cell.ink);
        if let Some(point) = cell.point {
            // One number stands for the whole cell.
            scene.drawn_from(&Series::new(panel, names[cell.row].as_str(), []), &[point; 1]);
        }
        scene.line([&corners[..], &corners[..1]].concat(), WHITE, HAIR);
        let lines = told(cell);
        let first = y + height / 2.0 - LINE / 2.0 * (lines.len() as f64 - 1.0) + 0.36 * SMALL - 1.0;
        for (line, text) in lines.into_iter().enumerate() {
            let place = (x + width / 2.0 - 1.0, first + LINE * line as f64);
            scene.text(place, text, SMALL, Align::Centre, BLACK);
        }
    }
    scene
}
