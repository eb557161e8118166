//! Tables for people: aligned columns, the last one wrapped and long names cut in their middle so that a line fits the width.

use super::console::Style;
use crate::foundation::format::{columns as columns_of, cut};
pub use crate::foundation::format::{count, table as number, wrapped};

/// Columns a line may take.
pub const WIDTH: usize = 80;

/// A table that is being filled.
#[derive(Debug, Clone)]
pub struct Table {
    head: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
    width: usize,
}

impl Table {
    /// A table with these headings; a heading that starts with `>` is that of a column of numbers, aligned right.
    pub fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|h| h.trim_start_matches('>').to_owned()).collect(),
            right: head.iter().map(|h| h.starts_with('>')).collect(),
            rows: Vec::new(),
            width: WIDTH,
        }
    }

    /// The same, in lines of at most so many columns.
    pub fn within(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text, each line ended.
    pub fn render(&self, style: Style) -> String {
        let columns = self.head.len();
        let width_of = |i: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(i)).map(|c| columns_of(c));
            cells.chain([columns_of(&self.head[i])]).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..columns).map(width_of).collect();
        let is_right = |i: usize| self.right.get(i).copied().unwrap_or(false);
        // What the last column cannot do without: all of a number, a little of a text.
        let needed = widths
            .last()
            .map_or(0, |last| if is_right(columns - 1) { *last } else { (*last).min(NARROWEST) });
        let mut over =
            (widths.iter().rev().skip(1).map(|w| w + GAP).sum::<usize>() + needed).saturating_sub(self.width);
        // Names stay as long as the line lets them; numbers are never cut.
        for least in [NARROWEST, CRAMPED] {
            while over > 0 {
                let named = (0..columns.saturating_sub(1)).filter(|i| !is_right(*i) && widths[*i] > least);
                let Some(widest) = named.max_by_key(|i| widths[*i]) else { break };
                let cut = over.min(widths[widest] - least);
                (widths[widest], over) = (widths[widest] - cut, over - cut);
            }
        }
        let before: usize = widths.iter().rev().skip(1).map(|w| w + GAP).sum();
        if let Some(last) = widths.last_mut() {
            *last = (*last).min(self.width.saturating_sub(before).max(NARROWEST));
        }
        let mut text = String::new();
        text.push_str(&style.bold(self.line(&self.head, &widths)));
        text.push('\n');
        for row in &self.rows {
            let mut rest = wrapped(
                row.get(columns.wrapping_sub(1)).map_or("", String::as_str),
                widths.last().copied().unwrap_or(self.width),
            )
            .into_iter();
            let mut cells: Vec<String> = row.iter().take(columns.saturating_sub(1)).cloned().collect();
            cells.resize(columns.saturating_sub(1), String::new());
            for (cell, width) in cells.iter_mut().zip(&widths) {
                *cell = cut(cell, *width, width.saturating_sub(1) / 2);
            }
            cells.push(rest.next().unwrap_or_default());
            text.push_str(&self.line(&cells, &widths));
            text.push('\n');
            for more in rest {
                text.push_str(&format!("{}{more}\n", " ".repeat(before)));
            }
        }
        text
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (i, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let pad = " ".repeat(width.saturating_sub(columns_of(cell)));
            if i > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            if self.right.get(i).copied().unwrap_or(false) {
                line.push_str(&pad);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&pad);
            }
        }
        line.trim_end().to_owned()
    }
}

const GAP: usize = 2;
const NARROWEST: usize = 14;
/// The least of a name where the line has no room for more.
const CRAMPED: usize = 10;

/// A text in lines of the width, each set in by so many columns.
pub(super) fn indented(text: &str, by: usize) -> String {
    wrapped(text, WIDTH - by).iter().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

/// That rows without something were left out.
pub(super) fn left_out(rows: usize, lacking: &str) -> String {
    match rows {
        1 => format!("1 row without a {lacking} was left out"),
        _ => format!("{} rows without a {lacking} were left out", count(rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_numbers_align() {
        let mut table = Table::new(&["name", ">n", "what"]);
        table.row(["a".to_owned(), "5".to_owned(), "word ".repeat(40)]);
        table.row(["bbbb".to_owned(), "1234".to_owned()]);
        let text = table.render(Style::new(false));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.starts_with("name     n  what\na        5  word"), "{text}");
        assert!(text.ends_with("bbbb  1234\n"), "{text}");
    }

    #[test]
    fn long_names_are_cut_in_their_middle_and_numbers_are_not() {
        let mut table = Table::new(&["arm", ">E[V]", ">damaged"]);
        table.row([format!("begin{}end", "x".repeat(200)), "-1.234".to_owned(), "100%".to_owned()]);
        table.row(["short".to_owned(), "2".to_owned(), "0%".to_owned()]);
        let text = table.render(Style::new(false));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(
            text.contains("beginx") && text.contains("xend ") && text.contains("-1.234     100%"),
            "{text}"
        );
        let mut table = Table::new(&["arm", ">n"]);
        table.row(["步数".repeat(60), "1".to_owned()]);
        table.row(["ab".to_owned(), "2".to_owned()]);
        let text = table.render(Style::new(false));
        assert!(text.lines().all(|line| columns_of(line) <= WIDTH), "{text}");
    }

    #[test]
    fn numbers_keep_four_digits() {
        let shown: Vec<String> = [0.49676, 6.97547, 1234.4, 0.00001, -2.0, 0.0].map(number).to_vec();
        assert_eq!(shown, ["0.4968", "6.975", "1234", "1.000e-5", "-2.000", "0"]);
        assert_eq!(count(1234567), "1,234,567");
    }
}
