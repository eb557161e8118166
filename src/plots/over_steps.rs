//! Lines over the training step, one panel an arm: the layout that several figures share.

use super::axes::Panel;
use super::fitting::wrap;
use super::labels;
use super::merged::{chosen, further};
use super::multiples::{BELOW, TITLE, below};
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, NORMAL, Pen, SMALL};

/// Panels that a figure holds; further arms are in the CSV only.
const MAX_ARMS: usize = 6;
/// Height of a panel, where the sheet has room.
const HEIGHT: f64 = 150.0;

/// One panel for each arm of the series, which are drawn with the pen of their name, those that are equal in every panel once and under all their names;
/// and what is not in the picture. Of many arms the one that
/// `lead` names is among those shown. `None` where there is nothing to draw.
pub(super) fn draw(
    series: &[Series],
    lead: Option<&str>,
    pens: &[(&str, Pen)],
    y_title: &str,
    y: Option<Scale>,
    size: Size,
) -> Option<(Scene, String)> {
    let width = size.width();
    let mut arms: Vec<&str> = Vec::new();
    for s in series {
        if !arms.contains(&s.panel.as_str()) {
            arms.push(&s.panel);
        }
    }
    let lead = arms.iter().position(|arm| Some(*arm) == lead);
    let shown: Vec<&str> = chosen(arms.len(), lead, MAX_ARMS).into_iter().map(|i| arms[i]).collect();
    let rest = further(arms.len() - shown.len());
    let arms = shown;
    let points = || series.iter().flat_map(|s| &s.points);
    let end = points().map(|p| p.x).fold(0.0, f64::max);
    let x = Scale::exact(Kind::Linear, 0.0, end)?;
    let y = y.or_else(|| Scale::over(Kind::Linear, points().flat_map(Point::ys)))?;
    let mut scene = Scene::new(width, 0.0);
    scene.bold((10.0, 18.0), y_title, NORMAL, Align::Left, BLACK);
    let groups = labels::alike_everywhere(series);
    let of = |name: &str| groups.iter().find(|group| group[0] == name);
    let shown: Vec<(String, Pen)> =
        pens.iter().filter_map(|(name, pen)| Some((labels::joined(of(name)?), *pen))).collect();
    let start = 30.0 + labels::key(&mut scene, 10.0, width - 10.0, 28.0, &shown);
    let columns = arms.len().min(((width / size.narrowest()) as usize).max(1));
    let cell = (width - 10.0) / columns.max(1) as f64;
    let head = |arm: &str| wrap(arm, cell - 60.0, SMALL, true);
    let several = arms.len() > 1;
    let heads = if several { arms.iter().map(|arm| head(arm).len()).max().unwrap_or(0) } else { 0 };
    let above = heads as f64 * (SMALL + 2.0) + 6.0;
    let height = size.height(start + TITLE, arms.len().div_ceil(columns), above + BELOW, HEIGHT);
    for (i, arm) in arms.iter().enumerate() {
        let left = 50.0 + (i % columns) as f64 * cell;
        let top = start + above + (i / columns) as f64 * (height + above + BELOW);
        let panel = Panel { left, top, right: left + cell - 64.0, bottom: top + height, x, y };
        panel.frame(&mut scene, "", below(i, (columns, arms.len()), "Training step"));
        for (line, text) in head(arm).iter().rev().enumerate().filter(|_| several) {
            let at = (left, top - 9.0 - line as f64 * (SMALL + 2.0));
            scene.bold(at, text.as_str(), SMALL, Align::Left, BLACK);
        }
        for s in series.iter().filter(|s| s.panel == **arm) {
            let pen = pens.iter().find(|(name, _)| *name == s.name).map(|(_, pen)| *pen);
            if let Some((group, pen)) = of(&s.name).zip(pen) {
                let s = Series { name: labels::joined(group), ..s.clone() };
                panel.band(&mut scene, &s, pen.ink);
                panel.line(&mut scene, &s, pen);
            }
        }
    }
    scene.height = start + arms.len().div_ceil(columns) as f64 * (height + above + BELOW) + TITLE + 4.0;
    Some((scene, rest))
}

#[cfg(test)]
mod tests {
    use super::super::theme::pen;
    use super::*;

    #[test]
    fn what_is_equal_in_every_panel_is_drawn_once_and_named_together() {
        let made = |panel: &str, name: &str, y: f64| {
            Series::new(panel, name, [Point::new(0.0, 0.0), Point::new(9.0, y)])
        };
        let pens = [("sighted", pen(0)), ("confirmed", pen(1)), ("damaged", pen(2))];
        let names = |series: &[Series]| {
            let (scene, _) = draw(series, None, &pens, "", None, Size::Page).unwrap();
            let mut names: Vec<String> = scene.data.iter().map(|data| data.name.clone()).collect();
            names.sort();
            names.dedup();
            names
        };
        let mut series: Vec<Series> = ["a", "b"]
            .iter()
            .flat_map(|panel| {
                [("sighted", 1.0), ("confirmed", 1.0), ("damaged", 2.0)].map(|(n, y)| made(panel, n, y))
            })
            .collect();
        assert_eq!(names(&series), ["damaged", "sighted = confirmed"]);
        series[4] = made("b", "confirmed", 0.5);
        assert_eq!(names(&series), ["confirmed", "damaged", "sighted"]);
    }
}
