//! What became of each arm of a sweep: final utility and proxy with intervals and every run, along the first key; colour is the second key,
//! and a panel what further keys say.

use super::arms::{self, Group};
use super::axes::{Below, End, INDENT, LEVEL, Panel};
use super::figure::Figure;
use super::fitting::wrap;
use super::forest::{self, Entry, Row};
use super::labels::{self, Naming};
use super::over_optimisation::REFERENCE;
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, Pen, SMALL, pen};
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::metric::{PROXY, SWAP_UTILITY, UTILITY};
use crate::record::tables::ReplicateRow;

const PANELS: [(&str, &str); 3] = [
    (UTILITY, "Final utility E[V]"),
    (PROXY, "Final proxy reward E[U]"),
    (SWAP_UTILITY, "Final utility of the swap twin"),
];
/// Small multiples are at least so wide.
const NARROWEST: f64 = 225.0;
/// What the CSV calls the single runs of a panel.
const RUNS: &str = "runs";

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    if run.plan.arms.len() < 2 || run.plan.sweep_keys.is_empty() {
        return Err(Status::TooFew { what: "arms", have: run.plan.arms.len(), need: 2 });
    }
    let groups = arms::groups(run, 0);
    let axis = Axis::of(run);
    let (mut series, mut categories) = (Vec::new(), Vec::new());
    for (metric, _) in PANELS {
        for group in &groups {
            let points = group.arms.iter().filter_map(|(arm, value)| {
                let row = run.metric(arm.arm, metric)?;
                Some(Point { x: axis.position(value)?, y: row.estimate?, low: row.ci_low, high: row.ci_high })
            });
            series.push(Series::new(metric, group.name.clone(), points));
        }
    }
    series.retain(|s| !s.points.is_empty());
    if series.is_empty() {
        return Err(Status::Missing { column: format!("{UTILITY} or {PROXY} in summary.csv") });
    }
    let scene = draw(run, &axis, &groups, &series, size)?;
    let title = title(run, &axis, &series);
    for (metric, _) in PANELS {
        if !series.iter().any(|s| s.panel == metric) {
            continue;
        }
        for group in &groups {
            let points = group.arms.iter().flat_map(|(arm, value)| {
                let position = axis.position(value);
                let runs = arms::finals(run, arm.arm, column(metric));
                runs.into_iter().filter_map(move |found| Some(Point::new(position?, found)))
            });
            series.push(Series::new(format!("{metric} {RUNS}"), group.name.clone(), points));
        }
    }
    series.retain(|s| !s.points.is_empty());
    for point in series.iter().flat_map(|s| &s.points) {
        categories.push(axis.category(point.x));
    }
    let key = &run.plan.sweep_keys[0];
    let beside = if axis.names.is_some() { vec![("category", categories)] } else { Vec::new() };
    Ok(vec![Figure {
        name: "sweep".to_owned(),
        title,
        caption: format!(
            "Final policies by {key}: estimates with their intervals over the replicates (see the summary for how each is made). \
             Faint dots are single runs; those outside the range of the intervals are in the CSV only."
        ),
        columns: ["value", "estimate", "ci_low", "ci_high"],
        series,
        beside,
        scene,
    }])
}

fn column(metric: &str) -> fn(&ReplicateRow) -> Option<f64> {
    match metric {
        UTILITY => |row| row.utility,
        SWAP_UTILITY => |row| row.swap_utility,
        _ => |row| row.proxy,
    }
}

/// The arm that ends best, and the one that ends worst.
fn title(run: &RunFolder, axis: &Axis, series: &[Series]) -> String {
    let key = arms::short_key(&run.plan.sweep_keys[0]);
    let mut found: Vec<(&Series, &Point)> = series
        .iter()
        .filter(|s| s.panel == UTILITY)
        .flat_map(|s| s.points.iter().map(move |point| (s, point)))
        .collect();
    found.sort_by(|a, b| a.1.y.total_cmp(&b.1.y));
    let told = |(s, p): &(&Series, &Point)| {
        let value = axis.names.as_ref().map_or_else(|| number(p.x), |_| axis.category(p.x));
        let arm = if s.name.is_empty() { value } else { format!("{value}, {}", s.name) };
        match (p.low, p.high) {
            (Some(low), Some(high)) => format!("{} [{}, {}] ({arm})", number(p.y), number(low), number(high)),
            _ => format!("{} ({arm})", number(p.y)),
        }
    };
    match (found.first(), found.last()) {
        (Some(worst), Some(best)) if found.len() > 1 => {
            format!("Final E[V] by {key}, from {} to {}", told(worst), told(best))
        }
        _ => format!("Outcome by {key}"),
    }
}

/// Logarithmic where the values are positive and the largest would hide the others.
fn kind_of(values: &[f64]) -> Kind {
    const WIDE: f64 = 30.0;
    let (low, high) = values.iter().fold((f64::INFINITY, 0f64), |(low, high), x| (low.min(*x), high.max(*x)));
    if low > 0.0 && high > WIDE * low { Kind::Log } else { Kind::Linear }
}

/// The first key's values: on a scale if they are numbers, else by name.
struct Axis {
    names: Option<Vec<String>>,
    raw: Vec<String>,
    kind: Kind,
}

impl Axis {
    fn of(run: &RunFolder) -> Self {
        let (mut raw, mut names): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for arm in &run.plan.arms {
            if let (Some(value), Some(name)) = (arm.values.first(), arm.name(0))
                && !raw.contains(value)
            {
                raw.push(value.clone());
                names.push(arms::readable(name));
            }
        }
        match arms::numbers(run, 0) {
            Some(numbers) => Self { names: None, raw, kind: Kind::of_sweep(&numbers) },
            None => Self { names: Some(names), raw, kind: Kind::Linear },
        }
    }

    fn position(&self, value: &str) -> Option<f64> {
        match self.names {
            Some(_) => self.raw.iter().position(|v| v == value).map(|i| i as f64),
            None => value.replace('_', "").parse().ok(),
        }
    }

    fn category(&self, position: f64) -> String {
        let names = self.names.as_deref().unwrap_or_default();
        names.get(position as usize).cloned().unwrap_or_default()
    }
}

/// Colour and panel of a group.
fn split(group: &Group<'_>) -> (String, String) {
    let (first, rest) =
        group.parts.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    (first.to_owned(), rest.join(", "))
}

/// Each text once, in order.
fn once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

fn draw(
    run: &RunFolder,
    axis: &Axis,
    groups: &[Group<'_>],
    series: &[Series],
    size: Size,
) -> Result<Scene, Status> {
    let colours = once(groups.iter().map(|g| split(g).0));
    let places = once(groups.iter().map(|g| split(g).1));
    let single = colours.len() == 1;
    let pen_of = |name: &str| {
        let (colour, _) = groups.iter().find(|g| g.name == name).map(split).unwrap_or_default();
        if single {
            Pen::plain(pen(0).ink)
        } else {
            pen(colours.iter().position(|c| *c == colour).unwrap_or(0))
        }
    };
    let sheet =
        Sheet { run, axis, groups, series, size, colours: &colours, places: &places, pen_of: &pen_of };
    if axis.names.is_some() { sheet.rows() } else { sheet.lines() }
}

/// All that both layouts need.
struct Sheet<'a> {
    run: &'a RunFolder,
    axis: &'a Axis,
    groups: &'a [Group<'a>],
    series: &'a [Series],
    size: Size,
    colours: &'a [String],
    places: &'a [String],
    pen_of: &'a dyn Fn(&str) -> Pen,
}

impl Sheet<'_> {
    fn nothing() -> Status {
        Status::TooFew { what: "finite points", have: 0, need: 1 }
    }

    fn reference(&self, metric: &str) -> Option<f64> {
        let known = self.run.replicates.iter().filter_map(|r| r.reference_utility);
        order::median(&known.collect::<Vec<_>>()).filter(|_| metric == UTILITY)
    }

    fn panels(&self) -> Vec<(&'static str, &'static str)> {
        PANELS.into_iter().filter(|(panel, _)| self.series.iter().any(|s| s.panel == *panel)).collect()
    }

    fn of(&self, metric: &str, place: &str) -> Vec<&Series> {
        let here = |s: &&Series| {
            let group = self.groups.iter().find(|g| g.name == s.name);
            s.panel == metric && group.is_some_and(|g| split(g).1 == place)
        };
        self.series.iter().filter(here).collect()
    }

    fn scale(&self, metric: &str) -> Option<Scale> {
        let mine = self.series.iter().filter(|s| s.panel == metric);
        let values: Vec<f64> =
            mine.flat_map(|s| s.points.iter().flat_map(Point::ys)).chain(self.reference(metric)).collect();
        Scale::over(kind_of(&values), values)
    }

    /// Names of the colours above the panels; gives where they end.
    fn key(&self, scene: &mut Scene, with_reference: bool) -> f64 {
        let width = scene.width;
        let mut pens: Vec<(String, Pen)> = Vec::new();
        if self.colours.len() > 1 {
            pens.extend(self.colours.iter().enumerate().map(|(i, name)| (name.clone(), pen(i))));
        }
        pens.extend(
            self.reference(UTILITY).filter(|_| with_reference).map(|_| (REFERENCE.to_owned(), LEVEL)),
        );
        if pens.is_empty() { 0.0 } else { labels::key(scene, 10.0, width - 10.0, 8.0, &pens) }
    }

    /// Single runs of a group at one value.
    fn runs(&self, metric: &str, arm: usize) -> Vec<f64> {
        arms::finals(self.run, arm, column(metric)).into_iter().filter(|x| x.is_finite()).collect()
    }

    /// Categories: a row each.
    fn rows(&self) -> Result<Scene, Status> {
        let mut scene = Scene::new(self.size.width(), 0.0);
        let mut top = 22.0 + self.key(&mut scene, false);
        for (metric, title) in self.panels() {
            let scale = self.scale(metric).ok_or(Self::nothing())?;
            for place in self.places {
                let mine = self.of(metric, place);
                let row = |(i, name): (usize, &String)| {
                    let entry = |s: &&Series| {
                        let point = s.points.iter().find(|p| p.x == i as f64)?;
                        let group = self.groups.iter().find(|g| g.name == s.name)?;
                        let (arm, _) =
                            group.arms.iter().find(|(_, v)| self.axis.position(v) == Some(i as f64))?;
                        Some(Entry {
                            pen: (self.pen_of)(&s.name),
                            series: if s.name.is_empty() {
                                name.clone()
                            } else {
                                format!("{name}, {}", s.name)
                            },
                            point: *point,
                            dots: self.runs(metric, arm.arm),
                        })
                    };
                    Row { name: name.clone(), entries: mine.iter().filter_map(entry).collect() }
                };
                let names = self.axis.names.as_deref().unwrap_or_default();
                let rows: Vec<Row> =
                    names.iter().enumerate().map(row).filter(|row| !row.entries.is_empty()).collect();
                if rows.is_empty() {
                    continue;
                }
                let title = if place.is_empty() { title.to_owned() } else { format!("{title}: {place}") };
                let level = self.reference(metric).map(|value| (value, "dashed: reference π₀"));
                top = forest::draw(&mut scene, top, &title, &rows, scale, level) + 8.0;
            }
        }
        scene.height = top;
        Ok(scene)
    }

    /// Numbers: lines over an axis.
    fn lines(&self) -> Result<Scene, Status> {
        let width = self.size.width();
        let x = Scale::over(self.axis.kind, self.series.iter().flat_map(|s| s.points.iter().map(|p| p.x)))
            .ok_or(Self::nothing())?;
        let several = self.places.len() > 1;
        let height = if several { 170.0 } else { 200.0 };
        let columns = self.places.len().min(((width / NARROWEST) as usize).max(1));
        let single = self.colours.len() == 1;
        let names: Vec<&str> = self.colours.iter().map(String::as_str).filter(|_| !single).collect();
        let shown = names.into_iter().chain(self.reference(UTILITY).map(|_| REFERENCE));
        let naming =
            if several { Naming::Above } else { Naming::of(shown.collect::<Vec<_>>(), width, height) };
        let mut scene = Scene::new(width, 0.0);
        let mut top = 30.0;
        if naming == Naming::Above {
            top += self.key(&mut scene, true);
        }
        let cell = (width - if several { 10.0 } else { 0.0 }) / columns as f64;
        let panels = self.panels();
        for (m, (metric, title)) in panels.iter().enumerate() {
            let y = self.scale(metric).ok_or(Self::nothing())?;
            for line in self.places.chunks(columns) {
                let heads: Vec<Vec<String>> =
                    line.iter().map(|place| wrap(place, cell - 70.0, SMALL, true)).collect();
                let lines = if several { heads.iter().map(Vec::len).max().unwrap_or(0) } else { 0 };
                let upper = top + lines as f64 * (SMALL + 2.0);
                for (c, place) in line.iter().enumerate() {
                    let left = INDENT + 10.0 + c as f64 * cell;
                    let right = if several { left + cell - INDENT - 22.0 } else { width - naming.room() };
                    let panel = Panel { left, top: upper, right, bottom: upper + height, x, y };
                    let last = m + 1 == panels.len();
                    let below = if last || several {
                        Below::Title(&self.run.plan.sweep_keys[0])
                    } else {
                        Below::Shared
                    };
                    let name = if c > 0 { "" } else { title };
                    let key = arms::short_key(&self.run.plan.sweep_keys[0]);
                    let fits =
                        super::scene::text_width(&self.run.plan.sweep_keys[0], super::theme::NORMAL, false)
                            < right - left;
                    let below =
                        if matches!(below, Below::Title(_)) && !fits { Below::Title(&key) } else { below };
                    panel.frame(&mut scene, if several { "" } else { name }, below);
                    if several {
                        let at = (left - INDENT, top - 12.0);
                        scene.bold(at, name, super::theme::NORMAL, Align::Left, BLACK);
                        for (i, text) in heads[c].iter().enumerate() {
                            let y = top + 2.0 + i as f64 * (SMALL + 2.0);
                            scene.bold((left, y), text.as_str(), SMALL, Align::Left, BLACK);
                        }
                    }
                    let ends = self.panel(&mut scene, &panel, metric, place);
                    if matches!(naming, Naming::Beside(_)) {
                        labels::at_right(&mut scene, &panel, &ends);
                    }
                }
                top = upper + height + if several { 66.0 } else { 36.0 };
            }
        }
        scene.height = top + if several { 0.0 } else { 22.0 };
        Ok(scene)
    }

    fn panel(&self, scene: &mut Scene, panel: &Panel, metric: &str, place: &str) -> Vec<End> {
        let mut ends: Vec<End> = Vec::new();
        ends.extend(self.reference(metric).map(|level| panel.level(scene, level, REFERENCE)));
        let (low, high) = panel.y.ends();
        for s in self.of(metric, place) {
            let pen = (self.pen_of)(&s.name);
            for group in self.groups.iter().filter(|g| g.name == s.name) {
                for (arm, value) in &group.arms {
                    let Some(position) = self.axis.position(value) else { continue };
                    for found in self.runs(metric, arm.arm).into_iter().filter(|x| (low..=high).contains(x)) {
                        scene.dot(panel.place(position, found), 1.6, pen.ink.at(0.3));
                        let one = Series::new(metric, format!("{} (run)", s.name), []);
                        scene.drawn_from(&one, &[Point::new(position, found)]);
                    }
                }
            }
            panel.line(scene, s, pen);
            panel.whiskers(scene, s, pen);
            if self.colours.len() > 1
                && let Some(last) = s.points.iter().max_by(|a, b| a.x.total_cmp(&b.x))
            {
                ends.push((panel.place(last.x, last.y), s.name.clone(), pen));
            }
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_logarithmic_only_where_values_are_positive_and_far_apart() {
        for (values, kind) in [
            (&[1.0, 40.0][..], Kind::Log),
            (&[1.0, 29.0], Kind::Linear),
            (&[-1.0, 900.0], Kind::Linear),
            (&[0.0, 900.0], Kind::Linear),
            (&[], Kind::Linear),
        ] {
            assert_eq!(kind_of(values), kind, "{values:?}");
        }
    }
}
