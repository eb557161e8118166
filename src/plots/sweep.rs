//! What became of each arm of a sweep: final utility and proxy with intervals, along the first key, coloured by the others.

use super::arms::{self, Group};
use super::axes::{Below, End, INDENT, Panel};
use super::fitting::fit;
use super::labels::{self, Stroke};
use super::over_optimisation::REFERENCE;
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Figure, Point, Series};
use super::theme::{Ink, SMALL, WIDTH, colour};
use crate::foundation::failure::Status;
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::metric::{PROXY, SWAP_UTILITY, UTILITY};

const PANELS: [(&str, &str); 3] = [
    (UTILITY, "Final utility E[V]"),
    (PROXY, "Final proxy reward E[U]"),
    (SWAP_UTILITY, "Final utility of the swap twin, whose tail is truly good"),
];

pub(super) fn build(run: &RunFolder) -> Result<Vec<Figure>, Status> {
    if run.plan.arms.len() < 2 || run.plan.sweep_keys.is_empty() {
        return Err(Status::TooFew { what: "arms", have: run.plan.arms.len(), need: 2 });
    }
    let groups = arms::groups(run, 0);
    let axis = Axis::of(run);
    let mut series = Vec::new();
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
    let scene = draw(run, &axis, &groups, &series)?;
    let key = &run.plan.sweep_keys[0];
    Ok(vec![Figure {
        name: "sweep".to_owned(),
        title: format!("Outcome by {}", arms::short_key(key)),
        caption: format!(
            "Final policies by {key}: estimates with their intervals over the replicates (see the summary for how each is made). \
             Faint dots are single runs; those outside the range of the intervals are not shown."
        ),
        columns: ["value", "estimate", "ci_low", "ci_high"],
        series,
        scene,
    }])
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
        let Some(numbers) = arms::numbers(run, 0) else {
            return Self { names: Some(names), raw, kind: Kind::Linear };
        };
        let (low, high) = numbers.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &x| (l.min(x), h.max(x)));
        let kind = if low > 0.0 && high / low >= 8.0 { Kind::Log } else { Kind::Linear };
        Self { names: None, raw, kind }
    }

    fn position(&self, value: &str) -> Option<f64> {
        match self.names {
            Some(_) => self.raw.iter().position(|v| v == value).map(|i| i as f64),
            None => value.replace('_', "").parse().ok(),
        }
    }
}

fn draw(run: &RunFolder, axis: &Axis, groups: &[Group<'_>], series: &[Series]) -> Result<Scene, Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let x = match &axis.names {
        Some(names) => Scale::exact(Kind::Linear, -0.5, names.len() as f64 - 0.5),
        None => Scale::over(axis.kind, series.iter().flat_map(|s| s.points.iter().map(|p| p.x))),
    }
    .ok_or(nothing.clone())?;
    let single = groups.len() == 1;
    let names: Vec<String> = groups.iter().map(|g| fit(&g.name, 170.0, SMALL, false)).collect();
    let named = axis.names.is_some();
    // Names on a categorical axis have no line whose end could carry a label, so they get a key above.
    let reference =
        order::median(&run.replicates.iter().filter_map(|r| r.reference_utility).collect::<Vec<_>>());
    let shown = names.iter().map(String::as_str).filter(|_| !single && !named);
    let room = labels::room(shown.chain(reference.map(|_| REFERENCE)));
    let panels: Vec<(&str, &str)> =
        PANELS.into_iter().filter(|(panel, _)| series.iter().any(|s| s.panel == *panel)).collect();
    let (height, gap) = (200.0, 36.0);
    let mut scene = Scene::new(WIDTH, 0.0);
    let (mut start, mut overhang) = (30.0, 0.0);
    if named && !single {
        let inks: Vec<(String, Ink, Stroke)> = names
            .iter()
            .enumerate()
            .map(|(i, n)| (n.clone(), colour(i, names.len()), Stroke::Solid))
            .collect();
        start += labels::key(&mut scene, 10.0, WIDTH - 10.0, 8.0, &inks) + 4.0;
    }
    for (i, (metric, title)) in panels.iter().enumerate() {
        let mine: Vec<&Series> = series.iter().filter(|s| s.panel == *metric).collect();
        let reference = reference.filter(|_| *metric == UTILITY);
        let values: Vec<f64> =
            mine.iter().flat_map(|s| s.points.iter().flat_map(Point::ys)).chain(reference).collect();
        let y = Scale::over(kind_of(&values), values).ok_or(nothing.clone())?;
        let top = start + i as f64 * (height + gap);
        let panel = Panel { left: INDENT + 10.0, top, right: WIDTH - room, bottom: top + height, x, y };
        let below = match &axis.names {
            _ if i + 1 < panels.len() => Below::Shared,
            Some(names) => Below::Names(names, &run.plan.sweep_keys[0]),
            None => Below::Title(&run.plan.sweep_keys[0]),
        };
        overhang = axis.names.as_ref().map_or(0.0, |names| panel.overhang(names));
        panel.frame(&mut scene, title, below);
        let mut ends: Vec<End> =
            reference.map(|level| panel.level(&mut scene, level, REFERENCE)).into_iter().collect();
        let slot = if named { (panel.right - panel.left) / axis.raw.len().max(1) as f64 * 0.7 } else { 0.0 };
        for s in mine {
            let index = groups.iter().position(|g| g.name == s.name).unwrap_or(0);
            let ink = colour(index, groups.len());
            let shift =
                (index as f64 + 0.5 - groups.len() as f64 / 2.0) * (slot / groups.len() as f64).min(26.0);
            for (arm, value) in groups.get(index).map_or(&[][..], |g| &g.arms) {
                let Some(position) = axis.position(value) else { continue };
                let column = |row: &crate::record::tables::ReplicateRow| match *metric {
                    UTILITY => row.utility,
                    SWAP_UTILITY => row.swap_utility,
                    _ => row.proxy,
                };
                for value in arms::finals(run, arm.arm, column) {
                    if value.is_finite() && value >= y.ends().0 && value <= y.ends().1 {
                        let (px, py) = panel.place(position, value);
                        scene.dot((px + shift - 7.0, py), 1.6, ink.at(0.3));
                    }
                }
            }
            if !named {
                scene.line(panel.places(&s.points), ink.at(0.55), 1.2);
            }
            panel.whiskers(&mut scene, s, ink, shift);
            if single || named {
                continue;
            }
            if let Some(last) = s.points.iter().max_by(|a, b| a.x.total_cmp(&b.x)) {
                ends.push((panel.place(last.x, last.y), names.get(index).cloned().unwrap_or_default(), ink));
            }
        }
        labels::at_right(&mut scene, &panel, &ends);
    }
    scene.height = start + panels.len() as f64 * (height + gap) + 22.0 + overhang;
    Ok(scene)
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
