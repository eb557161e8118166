//! Small pictures in text: estimates with their intervals on one axis, in the terminal's width.

use crate::foundation::format::{report as number, wrapped};
use std::fmt::Write as _;

/// Columns where the terminal does not say.
pub(super) const UNKNOWN: usize = 80;
/// Columns of a picture, however wide the terminal.
pub(super) const MOST: usize = 100;
/// Largest share of the columns that names take.
const NAMES: usize = 2;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// What it is.
    pub name: String,
    /// The estimate.
    pub value: f64,
    /// Its interval.
    pub ends: Option<(f64, f64)>,
}

/// Columns of the terminal; 80 where there is none.
pub(super) fn columns() -> usize {
    let known = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    asked().or(known).filter(|columns| *columns >= 40).unwrap_or(UNKNOWN).min(MOST)
}

/// Columns that the environment asks for.
pub(super) fn asked() -> Option<usize> {
    std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok())
}

/// A text broken into lines that fit the terminal.
pub(super) fn broken(text: &str) -> String {
    wrapped(text, columns()).join("\n")
}

/// The lines under a title, on an axis that holds all of them; nothing where none has a number.
pub(super) fn intervals(title: &str, lines: &[Line], columns: usize) -> String {
    let values =
        || lines.iter().flat_map(|line| [Some(line.value), line.ends.map(|e| e.0), line.ends.map(|e| e.1)]);
    let finite = || values().flatten().filter(|x| x.is_finite());
    let (low, high) =
        finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low > high {
        return String::new();
    }
    let (low, high) = if low < high { (low, high) } else { (low - 0.5, high + 0.5) };
    let names =
        lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0).min(columns / NAMES - 8);
    let width = columns.saturating_sub(names + 2).max(12);
    let at = |x: f64| {
        ((x - low) / (high - low) * (width - 1) as f64).round().clamp(0.0, (width - 1) as f64) as usize
    };
    let zero = (low < 0.0 && high > 0.0).then(|| at(0.0));
    let mut out = format!("{title}\n");
    for line in lines.iter().filter(|line| line.value.is_finite()) {
        let mut cells = vec![' '; width];
        if let Some(zero) = zero {
            cells[zero] = '│';
        }
        if let Some((from, to)) = line.ends {
            for cell in &mut cells[at(from)..=at(to)] {
                *cell = if *cell == '│' { '┼' } else { '─' };
            }
            cells[at(from)] = '├';
            cells[at(to)] = '┤';
        }
        cells[at(line.value)] = '●';
        let drawn: String = cells.into_iter().collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:names$}  {}", within(&line.name, names), drawn.trim_end());
    }
    let (left, right) = (number(low), number(high));
    let gap = width.saturating_sub(left.chars().count() + right.chars().count());
    let mut axis: Vec<char> = format!("{left}{:gap$}{right}", "").chars().collect();
    if let Some(at) = zero.filter(|at| *at > 0 && axis[at - 1..].starts_with(&[' '; 3])) {
        axis[at] = '0';
    }
    let _ = writeln!(out, "{:names$}  {}", "", axis.into_iter().collect::<String>());
    out
}

/// A name in so many characters: what is too much is left out of its middle, as the names of arms differ at either end.
fn within(name: &str, most: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= most {
        return name.to_owned();
    }
    let (head, tail) = ((most - 1).div_ceil(2), (most - 1) / 2);
    let ends = [&letters[..head], &['…'], &letters[letters.len() - tail..]];
    ends.concat().into_iter().collect()
}

/// Values in order as a line of blocks, each as high as its value on the range of all; of more than fit into the columns, the highest of neighbours.
/// Nothing where they are all one.
pub(super) fn heights(values: &[f64], columns: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let finite = || values.iter().copied().filter(|x| x.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    if low >= high {
        return String::new();
    }
    let one = |part: &[f64]| {
        let highest = part.iter().copied().filter(|x| x.is_finite()).fold(f64::NEG_INFINITY, f64::max);
        if highest < low {
            return ' ';
        }
        let place = (highest - low) / (high - low) * (BLOCKS.len() - 1) as f64;
        BLOCKS[(place.round() as usize).min(BLOCKS.len() - 1)]
    };
    values.chunks(values.len().div_ceil(columns.max(1)).max(1)).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, value: f64, ends: Option<(f64, f64)>) -> Line {
        Line { name: name.to_owned(), value, ends }
    }

    #[test]
    fn estimates_stand_where_they_are_on_their_axis() {
        let drawn = intervals("E[V]", &[line("a", 0.5, Some((-1.0, 1.0))), line("bb", 1.0, None)], 25);
        let expected =
            ["E[V]", "a   ├─────────┼────●────┤", "bb            │         ●", "    −1        0         1"];
        assert_eq!(drawn.lines().collect::<Vec<_>>(), expected, "{drawn}");
        // Zero beside the end of the axis is not written.
        let drawn = intervals("E[V]", &[line("a", -0.1, None), line("bb", 3.0, None)], 25);
        assert!(drawn.ends_with("−0.1                3\n"), "{drawn}");
    }

    #[test]
    fn heights_are_blocks_and_neighbours_share_the_highest() {
        assert_eq!(heights(&[0.0, 7.0, 1.0, f64::NAN], 80), "▁█▂ ");
        assert_eq!(heights(&[0.0, 7.0, 1.0, 3.5, 0.0], 3), "█▅▁");
        assert_eq!(heights(&[2.0, 2.0], 80), "");
        assert_eq!(heights(&[], 80), "");
    }

    #[test]
    fn long_names_leave_room_and_nothing_gives_nothing() {
        let drawn = intervals("t", &[line(&"x".repeat(200), 1.0, None)], 80);
        assert!(drawn.lines().all(|line| line.chars().count() <= 80) && drawn.contains('…'), "{drawn}");
        let ends = [1, 2].map(|i| format!("a{i}{}{i}z", "x".repeat(80)));
        let drawn = intervals("t", &ends.map(|name| line(&name, 1.0, None)), 80);
        assert!(drawn.contains("\na1x") && drawn.contains("1z  ") && drawn.contains("2z  "), "{drawn}");
        assert_eq!(intervals("t", &[], 80), "");
        assert_eq!(intervals("t", &[line("a", f64::NAN, None)], 80), "");
    }
}
