//! Marks at one place, each seen: what another would cover is a larger ring around it, with a wider and paler whisker behind.

use super::axes::Panel;
use super::scene::{Place, Scene};
use super::series::Series;
use super::theme::{self, Pen};

/// Marks closer than this, in units, cover each other.
const NEAR: f64 = 6.0;
/// Radius of a mark, how much larger the ring around it is, and the width of a ring's line.
const RADIUS: f64 = 3.4;
const LARGER: f64 = 2.4;
const RING: f64 = 1.5;
/// Rings around a mark that are drawn apart: more would leave the panel.
const MOST: usize = 3;
/// Width of a whisker, how much wider one behind it is, and how pale.
const WHISKER: f64 = 1.5;
const WIDER: f64 = 3.0;
const PALE: f64 = 0.35;

/// How many rings lie within each mark at these places, the later ones over the earlier.
fn depths(places: &[Place]) -> Vec<usize> {
    let mut depths = vec![0; places.len()];
    for at in (0..places.len()).rev() {
        let near = |other: &usize| {
            let (a, b) = (places[at], places[*other]);
            (a.0 - b.0).hypot(a.1 - b.1) < NEAR
        };
        let within = (at + 1..places.len()).filter(near).map(|other| depths[other] + 1);
        depths[at] = within.max().unwrap_or(0).min(MOST);
    }
    depths
}

/// Series as lines, with a mark and a whisker for every point, in their order.
pub(super) fn draw(scene: &mut Scene, panel: &Panel, series: &[(Series, Pen)]) {
    for (s, pen) in series.iter().filter(|(s, _)| s.points.len() > 1) {
        scene.dashed(panel.places(&s.points), pen.ink, theme::LINE, pen.dash);
        scene.drawn_from(s, &s.points);
    }
    let points: Vec<(&Series, usize, Pen)> =
        series.iter().flat_map(|(s, pen)| (0..s.points.len()).map(move |i| (s, i, *pen))).collect();
    let places: Vec<Place> =
        points.iter().map(|(s, i, _)| panel.place(s.points[*i].x, s.points[*i].y)).collect();
    let depths = depths(&places);
    for ((s, i, pen), depth) in points.iter().zip(&depths) {
        let point = s.points[*i];
        let Some((low, high)) = point.low.zip(point.high) else { continue };
        let (ink, width) = match depth {
            0 => (pen.ink, WHISKER),
            _ => (pen.ink.at(PALE), WHISKER + WIDER * *depth as f64),
        };
        scene.line(vec![panel.place(point.x, low), panel.place(point.x, high)], ink, width);
    }
    for (((s, i, pen), depth), at) in points.iter().zip(&depths).zip(places) {
        let radius = RADIUS + LARGER * *depth as f64;
        if *depth == 0 {
            scene.shape(at, radius + 1.0, theme::WHITE, pen.shape);
            scene.shape(at, radius, pen.ink, pen.shape);
            scene.drawn_from(s, &s.points[*i..=*i]);
        } else {
            scene.shape(at, radius, pen.ink, pen.shape);
            scene.drawn_from(s, &s.points[*i..=*i]);
            scene.shape(at, radius - RING, theme::WHITE, pen.shape);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scale::{Kind, Scale};
    use super::super::scene::Mark;
    use super::super::series::Point;
    use super::super::theme::{Tone, pen};
    use super::*;

    #[test]
    fn what_is_behind_is_larger_by_one_ring_each() {
        assert_eq!(depths(&[(0.0, 0.0), (1.0, 0.0), (50.0, 0.0), (0.0, 2.0)]), [2, 1, 0, 0]);
        // What does not touch shares a ring.
        assert_eq!(depths(&[(0.0, 0.0), (5.0, 0.0), (-5.0, 0.0)]), [1, 0, 0]);
        assert_eq!(depths(&[]), Vec::<usize>::new());
    }

    #[test]
    fn no_mark_is_covered_by_those_drawn_after_it() {
        let scale = || Scale::exact(Kind::Linear, 0.0, 1.0).unwrap();
        let panel = Panel { left: 0.0, top: 0.0, right: 100.0, bottom: 100.0, x: scale(), y: scale() };
        let point = Point { x: 0.5, y: 0.5, low: Some(0.4), high: Some(0.6) };
        let series: Vec<(Series, Pen)> =
            (0..4).map(|i| (Series::new("p", format!("audit {i}"), [point]), pen(i))).collect();
        let mut scene = Scene::new(100.0, 100.0);
        draw(&mut scene, &panel, &series);
        let radius = |tone: Tone| {
            scene.marks.iter().find_map(|mark| match mark {
                Mark::Dot { radius, ink, .. } if ink.tone == tone => Some(*radius),
                _ => None,
            })
        };
        let radii: Vec<f64> = (0..4).map(|i| radius(Tone::Series(i)).unwrap()).collect();
        assert!(radii.windows(2).all(|pair| pair[0] >= pair[1] + RING), "{radii:?}");
        let named: Vec<&str> = scene.data.iter().map(|data| data.name.as_str()).collect();
        assert_eq!(named, ["audit 0", "audit 1", "audit 2", "audit 3"]);
        let widths = scene.marks.iter().filter_map(|mark| match mark {
            Mark::Line { width, .. } => Some(*width),
            _ => None,
        });
        let widths: Vec<f64> = widths.collect();
        assert!(widths.len() == 4 && widths.windows(2).all(|pair| pair[0] > pair[1]), "{widths:?}");
    }
}
