//! Labels that name series without covering each other.

use super::axes::{End, Panel};
use super::scene::{Align, Scene, text_width};
use super::theme::{self, Ink};

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
    let placed = spread(&wanted, theme::SMALL + 2.5, panel.top, panel.bottom);
    for ((at, name, ink), y) in ends.iter().zip(placed) {
        let x = panel.right + 10.0;
        let from = at.0.max(panel.left);
        if (y - at.1).abs() > 3.0 || panel.right - from > 6.0 {
            scene.line(vec![(from + 3.0, at.1), (x - 3.0, y)], ink.at(0.45), theme::HAIR);
        }
        scene.text((x, y + 0.36 * theme::SMALL), name.as_str(), theme::SMALL, Align::Left, ink.text());
    }
}

/// Space that [`at_right`] needs beside a panel.
pub fn room<'a>(names: impl IntoIterator<Item = &'a str>) -> f64 {
    names.into_iter().map(|name| text_width(name, theme::SMALL, false)).fold(0.0, f64::max) + 18.0
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// In one.
    Solid,
    /// In dashes.
    Dashed,
    /// In dots.
    Dotted,
}

/// A key of colours from `left` on, wrapped before `right`; gives the height it took.
pub fn key(scene: &mut Scene, left: f64, right: f64, top: f64, names: &[(String, Ink, Stroke)]) -> f64 {
    let (mut x, mut y) = (left, top + theme::SMALL);
    for (name, ink, stroke) in names {
        let width = 26.0 + text_width(name, theme::SMALL, false) + 16.0;
        if x + width > right && x > left {
            x = left;
            y += theme::SMALL + 6.0;
        }
        let middle = y - 0.34 * theme::SMALL;
        let line = [(x, middle), (x + 20.0, middle)];
        match stroke {
            Stroke::Solid => scene.line(line.to_vec(), *ink, theme::LINE),
            Stroke::Dashed => scene.dashed(&line, *ink, theme::LINE, 5.0, 3.5),
            Stroke::Dotted => scene.dashed(&line, *ink, 1.4, 1.6, 3.0),
        }
        scene.text((x + 26.0, y), name.as_str(), theme::SMALL, Align::Left, ink.text());
        x += width;
    }
    y - top + 8.0
}

#[cfg(test)]
mod tests {
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
}
