//! Rewards by step with the listed rollouts, drawn as SVG.

use crate::monitor::reading::{Level, ListEntry};
use crate::plots::scale::{Kind, Scale};
use std::fmt::Write as _;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 28.0;
const MARGIN: f64 = 10.0;
/// About so many rewards are named on the vertical axis.
const TICKS: usize = 5;
/// Most points of a line; longer logs are drawn by stretches of steps.
const POINTS: usize = 800;

/// The picture; `None` of fewer than two steps, or of rewards without a span that can be drawn. Of rewards of a few values the
/// `mean` of a step is drawn, which says how many pass, where its median is one of them.
pub(super) fn svg(levels: &[Level], list: &[ListEntry], mean: bool) -> Option<String> {
    let centre = |level: &Level| if mean { level.mean } else { level.median };
    let (first, last) = (levels.first()?.step as f64, levels.last()?.step as f64);
    let rewards = levels.iter().flat_map(|level| [centre(level), level.highest]);
    let rewards = rewards.chain(list.iter().map(|entry| entry.reward));
    let (low, high) =
        rewards.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let span = high - low;
    if last <= first || !(span > 0.0 && span.is_finite()) {
        return None;
    }
    let x = |step: f64| LEFT + (step - first) / (last - first) * (WIDTH - LEFT - MARGIN);
    let y = |reward: f64| HEIGHT - BOTTOM - (reward - low) / span * (HEIGHT - BOTTOM - MARGIN);
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\"><title>Rewards by step</title>\
         <desc>{} and highest reward of each step, with the listed rollouts.</desc>",
        if mean { "Mean" } else { "Median" }
    );
    let known = || levels.iter().filter(|level| level.reference);
    if let (Some(from), Some(to)) = (known().next(), known().next_back()) {
        let (from, to) = (x(from.step as f64), x(to.step as f64));
        let _ = write!(
            out,
            "<rect class=\"reference\" x=\"{from:.1}\" y=\"{MARGIN}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            (to - from).max(1.0),
            HEIGHT - BOTTOM - MARGIN
        );
    }
    let ticks = Scale::exact(Kind::Linear, low, high).map(|scale| scale.ticks(TICKS)).unwrap_or_default();
    for (reward, label) in ticks.into_iter().filter_map(|tick| Some((tick.value, tick.label?))) {
        let at = y(reward);
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            WIDTH - MARGIN,
            LEFT - 6.0,
            at + 4.0
        );
    }
    for (step, anchor) in [(first, "start"), (last, "end")] {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">step {step}</text>",
            x(step),
            HEIGHT - 8.0
        );
    }
    let stretch = levels.len().div_ceil(POINTS).max(1);
    let highest = |own: &[Level]| own.iter().map(|level| level.highest).fold(f64::NEG_INFINITY, f64::max);
    let middle = |own: &[Level]| own.iter().map(centre).sum::<f64>() / own.len().max(1) as f64;
    type Of<'a> = &'a dyn Fn(&[Level]) -> f64;
    for (class, of) in [("highest", &highest as Of<'_>), ("centre", &middle)] {
        let _ = write!(out, "<polyline class=\"{class}\" points=\"");
        for own in levels.chunks(stretch) {
            let step = own.first().map_or(first, |level| level.step as f64);
            let _ = write!(out, "{:.1},{:.1} ", x(step), y(of(own)));
        }
        out.push_str("\"/>");
    }
    // The reference may be another log, whose steps are no steps of this one.
    for entry in list.iter().filter(|entry| (first..=last).contains(&(entry.step as f64))) {
        let class = if entry.apart { "listed apart" } else { "listed" };
        let _ = write!(
            out,
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"/>",
            x(entry.step as f64),
            y(entry.reward)
        );
    }
    out.push_str("</svg>");
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_names_round_rewards() {
        let level = |step: u64| Level {
            step,
            rollouts: 8,
            median: -0.0704,
            mean: 0.0,
            highest: 21.4,
            above: (0, 0),
            above_middle: 0,
            far: 0,
            below: 0,
            tied: 0,
            at_highest: 0,
            mode: None,
            different: 0,
            reference: step < 3,
        };
        let drawn = svg(&[level(1), level(2), level(3)], &[], false).unwrap();
        let named = drawn.split("text-anchor=\"end\">").skip(1).map(|rest| rest.split('<').next().unwrap());
        assert_eq!(named.collect::<Vec<_>>(), ["0", "5", "10", "15", "20", "step 3"], "{drawn}");
    }
}
