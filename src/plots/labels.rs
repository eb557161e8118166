//! Labels that name series without covering each other.

use super::axes::{End, Panel};
use super::fitting::wrap;
use super::scene::{Align, Scene, text_width};
use super::series::Series;
use super::theme::{self, Pen, SMALL, Tone};

/// From one label to the next.
const APART: f64 = SMALL + 2.5;
/// From a panel to the names beside it, and the sign of a series before its name.
const OFF: f64 = 10.0;
const SIGN: f64 = 12.0;
/// Length of a line in a key, and the gap behind a name.
const DASH: f64 = 24.0;
const GAP: f64 = 16.0;
/// Names beside a panel take at most such a share of the sheet.
const SHARE: f64 = 0.3;

/// Where the names of series stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Naming {
    /// At the right of the panels, in so much room.
    Beside(f64),
    /// In a key above them.
    Above,
}

impl Naming {
    /// Beside the panels where all names fit there, without being cut or covering each other.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str> + Clone, width: f64, height: f64) -> Self {
        let room = room(names.clone());
        let lines = names.into_iter().count() as f64 * APART;
        if room <= SHARE * width && lines <= height { Self::Beside(room) } else { Self::Above }
    }

    /// Room that it takes at the right.
    pub fn room(self) -> f64 {
        match self {
            Self::Beside(room) => room,
            Self::Above => 14.0,
        }
    }
}

/// Moves `wanted` positions as little as needed so that neighbours are `gap` apart and all lie in `[low, high]`.
///
/// Overlapping ones are merged into blocks centred on the mean of what their members wanted (isotonic regression by pooling
/// adjacent violators). Where all cannot fit, the gap shrinks.
pub fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let n = wanted.len();
    if n == 0 {
        return Vec::new();
    }
    let gap = if n > 1 { gap.min((high - low).max(0.0) / (n - 1) as f64) } else { gap };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]).then(a.cmp(&b)));
    // With the gaps taken out the positions need only be ascending.
    let mut blocks: Vec<(f64, usize)> = Vec::with_capacity(n);
    for (rank, &i) in order.iter().enumerate() {
        let mut block = (wanted[i] - rank as f64 * gap, 1);
        while let Some(&(mean, count)) = blocks.last().filter(|previous| previous.0 > block.0) {
            block = (
                (block.0 * block.1 as f64 + mean * count as f64) / (block.1 + count) as f64,
                block.1 + count,
            );
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut placed = vec![0.0; n];
    let flat = blocks.iter().flat_map(|&(mean, count)| std::iter::repeat_n(mean, count));
    for ((rank, &i), mean) in order.iter().enumerate().zip(flat) {
        let last = (high - (n - 1) as f64 * gap).max(low);
        placed[i] = mean.clamp(low, last) + rank as f64 * gap;
    }
    placed
}

/// Names at the right of a panel: each beside the end of its line, moved apart where they would overlap.
pub fn at_right(scene: &mut Scene, panel: &Panel, ends: &[End]) {
    let wanted: Vec<f64> = ends.iter().map(|(at, _, _)| at.1).collect();
    let placed = spread(&wanted, APART, panel.top, panel.bottom);
    for ((at, name, pen), y) in ends.iter().zip(placed) {
        let x = panel.right + OFF;
        let from = at.0.max(panel.left);
        if (y - at.1).abs() > 3.0 || panel.right - from > 6.0 {
            scene.line(vec![(from + 3.0, at.1), (x - 3.0, y)], pen.ink.at(0.45), theme::HAIR);
        }
        let is_series = matches!(pen.ink.tone, Tone::Series(_));
        if is_series {
            scene.shape((x + 3.0, y), 3.0, pen.ink, pen.shape);
        }
        let x = if is_series { x + SIGN } else { x };
        scene.text((x, y + 0.36 * SMALL), name.as_str(), SMALL, Align::Left, pen.ink.text());
    }
}

/// Space that [`at_right`] needs beside a panel.
pub fn room<'a>(names: impl IntoIterator<Item = &'a str>) -> f64 {
    names.into_iter().map(|name| text_width(name, SMALL, false)).fold(0.0, f64::max) + OFF + SIGN + 6.0
}

/// A key of pens from `left` on, wrapped before `right`; gives the height it took.
pub fn key(scene: &mut Scene, left: f64, right: f64, top: f64, names: &[(String, Pen)]) -> f64 {
    let (mut x, mut y) = (left, top + SMALL);
    for (name, pen) in names {
        let lines = wrap(name, right - left - DASH - 6.0, SMALL, false);
        let width = DASH + 6.0 + lines.iter().map(|l| text_width(l, SMALL, false)).fold(0.0, f64::max);
        if x + width > right && x > left {
            x = left;
            y += SMALL + 6.0;
        }
        let middle = y - 0.34 * SMALL;
        match pen.ink.tone {
            Tone::Series(_) => scene.sign((x, middle), DASH, *pen, theme::LINE),
            _ => scene.dashed(vec![(x, middle), (x + DASH, middle)], pen.ink, theme::LINE, pen.dash),
        }
        for (i, line) in lines.iter().enumerate() {
            let at = (x + DASH + 6.0, y + i as f64 * (SMALL + 2.0));
            scene.text(at, line.as_str(), SMALL, Align::Left, pen.ink.text());
        }
        if lines.len() > 1 {
            y += (lines.len() - 1) as f64 * (SMALL + 2.0);
            x = right;
        } else {
            x += width + GAP;
        }
    }
    y - top + 8.0
}

/// Series with the same points and intervals, in the order of the first of each: they are drawn once and named together.
pub fn alike<'a>(series: &[&'a Series]) -> Vec<Vec<&'a Series>> {
    let mut groups: Vec<Vec<&Series>> = Vec::new();
    for one in series {
        let same = |group: &&mut Vec<&Series>| group[0].panel == one.panel && group[0].points == one.points;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

/// Names of series that are equal in every panel, in the order of the first of each: they are drawn once, with one pen.
pub fn alike_everywhere(series: &[Series]) -> Vec<Vec<&str>> {
    let shown = |name: &str| {
        let own = series.iter().filter(|s| s.name == name);
        own.map(|s| (s.panel.as_str(), s.points.as_slice())).collect::<Vec<_>>()
    };
    let mut groups: Vec<Vec<&str>> = Vec::new();
    for s in series {
        let name = s.name.as_str();
        if groups.iter().flatten().any(|other| *other == name) {
            continue;
        }
        match groups.iter_mut().find(|group| shown(group[0]) == shown(name)) {
            Some(group) => group.push(name),
            None => groups.push(vec![name]),
        }
    }
    groups
}

/// The names of series that are drawn as one.
pub fn joined(names: &[&str]) -> String {
    names.join(" = ")
}

#[cfg(test)]
mod tests {
    use super::super::series::Point;
    use super::*;

    #[test]
    fn labels_keep_their_distance_and_their_order() {
        let placed = spread(&[10.0, 11.0, 50.0, 10.5], 4.0, 0.0, 60.0);
        assert_eq!(placed, vec![6.5, 14.5, 50.0, 10.5]);
    }

    #[test]
    fn labels_stay_inside_even_when_they_cannot_fit() {
        for placed in [spread(&[59.0, 60.0], 5.0, 0.0, 60.0), spread(&[0.0; 30], 5.0, 0.0, 60.0)] {
            assert!(placed.iter().all(|y| (-1e-9..=60.0 + 1e-9).contains(y)), "{placed:?}");
        }
    }

    #[test]
    fn names_that_do_not_fit_beside_stand_above() {
        let long = "x".repeat(60);
        assert!(matches!(Naming::of(["a", "b"], 720.0, 200.0), Naming::Beside(_)));
        assert_eq!(Naming::of([long.as_str()], 720.0, 200.0), Naming::Above);
        assert_eq!(Naming::of(vec!["a"; 40], 720.0, 200.0), Naming::Above);
    }

    #[test]
    fn equal_series_are_named_together() {
        let made = |name: &str, y: f64| Series::new("p", name, [Point::new(0.0, 1.0), Point::new(1.0, y)]);
        let series = [made("robust_z", 2.0), made("other", 3.0), made("oracle", 2.0)];
        let groups = alike(&series.iter().collect::<Vec<_>>());
        let names: Vec<String> =
            groups.iter().map(|g| joined(&g.iter().map(|s| s.name.as_str()).collect::<Vec<_>>())).collect();
        assert_eq!(names, ["robust_z = oracle", "other"]);
        // Of other numbers of runs the intervals differ, and so do the series.
        let mut wider = made("wider", 2.0);
        wider.points[1].high = Some(9.0);
        assert_eq!(alike(&[&series[0], &wider]).len(), 2);
    }
}
