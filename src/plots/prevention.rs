//! The leaderboard as a forest: for each scenario and trainer the share of damaged runs where nobody audits, and under the audit of the
//! headline.

use super::PlotError;
use super::figure::Figure;
use super::forest::{self, Entry, Row};
use super::output::{self, Format, Look};
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Point, Series};
use super::theme::{Dash, PALETTE, Pen, Shape};
use crate::foundation::atomic_file;
use crate::record::endpoint::{HarmRow, NONE, PICTURE};
use std::path::{Path, PathBuf};

const ALONE: (&str, Pen) =
    ("nobody audits", Pen { ink: PALETTE[1], dash: Dash::Solid, shape: Shape::Diamond });
const AUDITED: (&str, Pen) =
    ("removed at once", Pen { ink: PALETTE[0], dash: Dash::Dashed, shape: Shape::Circle });

/// Draws the rows into `dir` as SVG, with the CSV that it was drawn from; nothing where no row has a share.
///
/// # Errors
/// A file that cannot be written.
pub fn write(rows: &[HarmRow], dir: &Path) -> Result<Option<PathBuf>, PlotError> {
    let Some(figure) = figure(rows, Look::default()) else { return Ok(None) };
    let fault = |message: String| PlotError::Draw { figure: figure.name.clone(), message };
    let path = |extension: &str| dir.join(format!("{}.{extension}", figure.name));
    let svg = output::bytes(&figure.scene, Format::Svg, Look::default(), &figure.title, &figure.caption)
        .map_err(fault)?;
    let csv = figure.csv().map_err(|error| fault(error.to_string()))?;
    for (extension, bytes) in [("svg", &svg), ("csv", &csv)] {
        let path = path(extension);
        atomic_file::write(&path, bytes).map_err(|source| PlotError::Write { path, source })?;
    }
    Ok(Some(path("svg")))
}

/// The forest before it is written.
pub fn figure(rows: &[HarmRow], look: Look) -> Option<Figure> {
    let mut places: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        let place = (row.scenario.as_str(), row.arm.as_str());
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let mut series = [Series::new("damaged", ALONE.0, []), Series::new("damaged", AUDITED.0, [])];
    let (mut shown, mut names): (Vec<Row>, [Vec<String>; 2]) = (Vec::new(), Default::default());
    for (i, (scenario, arm)) in places.iter().enumerate() {
        let own = |row: &&HarmRow| row.scenario == *scenario && row.arm == *arm;
        let found = [
            rows.iter().filter(own).find(|row| row.role == NONE),
            rows.iter().filter(own).find(|row| row.is_headline()),
        ];
        let name = format!("{} · {arm}", scenario.replace('_', " "));
        let mut entries = Vec::new();
        for (k, (row, (called, pen))) in found.into_iter().zip([ALONE, AUDITED]).enumerate() {
            let point = row.and_then(|row| {
                let share = Point::new(i as f64, row.damaged_rate?);
                Some(Point { low: row.damaged_low, high: row.damaged_high, ..share })
            });
            let Some(point) = point else { continue };
            series[k].points.push(point);
            names[k].push(name.clone());
            entries.push(Entry { pen, series: format!("{name}: {called}"), point, dots: Vec::new() });
        }
        if !entries.is_empty() {
            shown.push(Row { name, entries });
        }
    }
    if shown.is_empty() {
        return None;
    }
    let scale = Scale::exact(Kind::Linear, 0.0, 1.0)?;
    let mut scene = Scene::new(look.size.width(), 0.0);
    let pens = [ALONE, AUDITED].map(|(name, pen)| (name.to_owned(), pen));
    let top = 22.0 + super::labels::key(&mut scene, 10.0, look.size.width() - 10.0, 8.0, &pens);
    scene.height = forest::draw(&mut scene, top, "Share of damaged runs", &shown, scale, None);
    let over = |s: &Series, most: bool| {
        s.points
            .iter()
            .filter(|p| {
                if most {
                    p.low.is_some_and(|low| low >= 0.5)
                } else {
                    p.high.is_some_and(|high| high <= 0.1)
                }
            })
            .count()
    };
    Some(Figure {
        name: PICTURE.to_owned(),
        title: format!(
            "Hacks damage most runs in {} of {} cells where nobody audits; under the audit at most a tenth are damaged in {}",
            over(&series[0], true),
            shown.len(),
            over(&series[1], false)
        ),
        caption: "Share of the runs that hacks damage, with 95% intervals: where nobody audits, and where every reward that enters the k \
                  highest so far is read and what is confirmed is removed before the very update."
            .to_owned(),
        columns: ["row", "damaged", "ci_low", "ci_high"],
        beside: vec![("cell", names.concat())],
        series: series.into(),
        scene,
    })
}
