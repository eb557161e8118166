//! A figure before it is written: what it says, its data, and its picture.

use super::scene::Scene;
use super::series::Series;

/// A figure before it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// File name without extension.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// How to read it: what lines, bands and marks are.
    pub caption: String,
    /// Names of the CSV's columns after `panel` and `series`: x, y, and the ends of the interval, with units.
    pub columns: [&'static str; 4],
    /// The data.
    pub series: Vec<Series>,
    /// Further columns of the CSV: a name and one cell for each point, in order; points without a cell have an empty one.
    pub beside: Vec<(&'static str, Vec<String>)>,
    /// The picture.
    pub scene: Scene,
}

impl Figure {
    /// The CSV: one row a point, an empty cell for an end that does not exist.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let [x, y, low, high] = self.columns;
        let further = self.beside.iter().map(|(name, _)| *name);
        writer.write_record(["panel", "series", x, y, low, high].into_iter().chain(further))?;
        let points = self.series.iter().flat_map(|s| s.points.iter().map(move |point| (s, point)));
        for (i, (series, point)) in points.enumerate() {
            let cell = |value: Option<f64>| value.map_or(String::new(), |v| v.to_string());
            let numbers = [Some(point.x), Some(point.y), point.low, point.high].map(cell);
            let names = [series.panel.clone(), series.name.clone()];
            let further = self.beside.iter().map(|(_, cells)| cells.get(i).cloned().unwrap_or_default());
            writer.write_record(names.into_iter().chain(numbers).chain(further))?;
        }
        writer.into_inner().map_err(|e| e.into_error().into())
    }
}
