//! The sweep on a sheet: a row for each category, or lines over numbers, with every run as a dot.

use super::axis::Axis;
use super::colours::{alike, once, split};
use super::{PANELS, column};
use crate::foundation::failure::Status;
use crate::foundation::order;
use crate::plots::arms::{self, Group};
use crate::plots::axes::{Below, End, INDENT, LEVEL, Panel};
use crate::plots::fitting::wrap;
use crate::plots::forest::{self, Entry, Row};
use crate::plots::labels::{self, Naming, joined};
use crate::plots::multiples;
use crate::plots::over_optimisation::REFERENCE;
use crate::plots::scale::{Kind, Scale};
use crate::plots::scene::{Align, Scene};
use crate::plots::series::{Point, Series};
use crate::plots::sheet::Size;
use crate::plots::theme::{BLACK, NORMAL, Pen, SMALL, Shape, pen};
use crate::record::folder::RunFolder;
use crate::record::metric::UTILITY;

pub(super) fn draw(
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
    let alike = alike(&colours, groups, series);
    let sheet = Sheet {
        run,
        axis,
        groups,
        series,
        size,
        colours: &colours,
        alike: &alike,
        places: &places,
        pen_of: &pen_of,
    };
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
    /// Colours whose lines are equal in all panels, by the first of them.
    alike: &'a [Vec<&'a str>],
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
            pens.extend(
                self.colours.iter().enumerate().filter_map(|(i, name)| Some((self.called(name)?, pen(i)))),
            );
        }
        pens.extend(
            self.reference(UTILITY).filter(|_| with_reference).map(|_| (REFERENCE.to_owned(), LEVEL)),
        );
        if pens.is_empty() { 0.0 } else { labels::key(scene, 10.0, width - 10.0, 8.0, &pens) }
    }

    /// What a colour is called: with all that are drawn as it, nothing where it is drawn as another. Categories have rows of their own.
    fn called(&self, colour: &str) -> Option<String> {
        if self.axis.names.is_some() {
            return Some(colour.to_owned());
        }
        self.alike.iter().find(|group| group[0] == colour).map(|group| joined(group))
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
        let columns = self.places.len().min(((width / self.size.narrowest()) as usize).max(1));
        let single = self.colours.len() == 1;
        let names: Vec<String> =
            self.colours.iter().filter(|_| !single).filter_map(|name| self.called(name)).collect();
        let shown = names.iter().map(String::as_str).chain(self.reference(UTILITY).map(|_| REFERENCE));
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
            for (l, line) in self.places.chunks(columns).enumerate() {
                let heads: Vec<Vec<String>> =
                    line.iter().map(|place| wrap(place, cell - 70.0, SMALL, true)).collect();
                let lines = if several { heads.iter().map(Vec::len).max().unwrap_or(0) } else { 0 };
                let upper = top + lines as f64 * (SMALL + 2.0);
                for (c, place) in line.iter().enumerate() {
                    let left = INDENT + 10.0 + c as f64 * cell;
                    let right = if several { left + cell - INDENT - 22.0 } else { width - naming.room() };
                    let panel = Panel { left, top: upper, right, bottom: upper + height, x, y };
                    let last = m + 1 == panels.len();
                    let key = arms::short_key(&self.run.plan.sweep_keys[0]);
                    let below = match several {
                        true => multiples::below(l * columns + c, (columns, self.places.len()), &key),
                        false if last => Below::Title(&key),
                        false => Below::Shared,
                    };
                    let name = if c > 0 { "" } else { title };
                    panel.frame(&mut scene, if several { "" } else { name }, below);
                    if several {
                        let at = (left - INDENT, top - 12.0);
                        scene.bold(at, name, NORMAL, Align::Left, BLACK);
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
                let lowest = (l + 1) * columns >= self.places.len();
                let title = if lowest { multiples::TITLE } else { 0.0 };
                top = upper + height + if several { 50.0 + title } else { 36.0 };
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
            let colour = self.groups.iter().find(|g| g.name == s.name).map(split).unwrap_or_default().0;
            let Some(name) = self.called(&colour) else { continue };
            let pen = (self.pen_of)(&s.name);
            for group in self.groups.iter().filter(|g| g.name == s.name) {
                for (arm, value) in &group.arms {
                    let Some(position) = self.axis.position(value) else { continue };
                    for found in self.runs(metric, arm.arm) {
                        let (radius, shape) = match found {
                            found if found < low => (2.4, Shape::Down),
                            found if found > high => (2.4, Shape::Up),
                            _ => (1.6, Shape::Circle),
                        };
                        scene.shape(panel.place(position, found), radius, pen.ink.at(0.3), shape);
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
                ends.push((panel.place(last.x, last.y), name, pen));
            }
        }
        ends
    }
}

/// Logarithmic where the values are positive and the largest would hide the others.
fn kind_of(values: &[f64]) -> Kind {
    const WIDE: f64 = 30.0;
    let (low, high) = values.iter().fold((f64::INFINITY, 0f64), |(low, high), x| (low.min(*x), high.max(*x)));
    if low > 0.0 && high > WIDE * low { Kind::Log } else { Kind::Linear }
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
