//! A scenario with an arm at a budget: its rows, and what may be said of it in a word.

use super::format::{number, percent, percent_interval};
use crate::record::benchmark::{RankingRow, Tables, YARDSTICK};
use crate::record::metric::ORACLE;

/// A share that both words are about.
const HALF: f64 = 0.5;

/// What may be said of the looks of a clock that reads the highest rewards, and what it takes.
pub(super) const VERDICTS: [(&str, &str); 4] = [
    ("mostly in time", "the lower end of the interval is at least 50% and above chance"),
    ("mostly not", "the upper end is at most 50%"),
    ("unresolved", "the interval holds 50%"),
    ("as by chance", "the lower end is at least 50%, but no higher than that of as many looks at random"),
];

/// Detectors of a cell whose every audit was the same, with the numbers that they share.
pub(super) struct Equal<'a> {
    pub row: &'a RankingRow,
    /// Their names, in the order of the table.
    pub names: Vec<&'a str>,
}

impl Equal<'_> {
    /// Whether a detector is one of them.
    pub fn has(&self, detector: &str) -> bool {
        self.names.contains(&detector)
    }

    /// All names.
    pub fn name(&self) -> String {
        self.names.join(" = ")
    }

    /// The first name, and how many others there are.
    pub fn short(&self) -> String {
        match self.names.as_slice() {
            [one] => (*one).to_owned(),
            [first, rest @ ..] => format!("{first} and {} equal", rest.len()),
            [] => String::new(),
        }
    }
}

/// Rows of one scenario and arm at one budget.
pub(super) struct Cell<'a> {
    pub scenario: &'a str,
    pub arm: &'a str,
    pub budget: f64,
    pub rows: Vec<Equal<'a>>,
}

impl<'a> Cell<'a> {
    /// All cells, in the order of the table.
    pub fn all(tables: &'a Tables) -> Vec<Self> {
        let mut cells: Vec<Self> = Vec::new();
        for row in &tables.ranking {
            let same = |cell: &&Self| {
                cell.scenario == row.scenario && cell.arm == row.arm && cell.budget == row.budget
            };
            let known = cells.iter().position(|cell| same(&cell));
            let at = known.unwrap_or_else(|| {
                let (scenario, arm, budget) = (&row.scenario, &row.arm, row.budget);
                cells.push(Self { scenario, arm, budget, rows: Vec::new() });
                cells.len() - 1
            });
            let rows = &mut cells[at].rows;
            match rows.iter_mut().find(|equal| equal.row.group == row.group) {
                Some(equal) => equal.names.push(&row.detector),
                None => rows.push(Equal { row, names: vec![&row.detector] }),
            }
        }
        cells
    }

    /// The row in which a detector stands.
    pub fn of(&self, detector: &str) -> Option<&'a RankingRow> {
        self.rows.iter().find(|equal| equal.has(detector)).map(|equal| equal.row)
    }

    /// The row of the proxy reward itself.
    pub fn top(&self) -> Option<&'a RankingRow> {
        self.of(YARDSTICK)
    }

    /// The control that knows the truth.
    pub fn oracle(&self) -> Option<&'a RankingRow> {
        self.of(ORACLE)
    }

    /// The detector that is in time most often, if it is more often than the yardstick; of equal ones the first.
    pub fn best_other(&self) -> Option<&Equal<'a>> {
        let others = self.rows.iter().filter(|equal| {
            equal.row.supervision != "control"
                && equal.row.caught_in_time > self.top().and_then(|top| top.caught_in_time)
                && !equal.has(YARDSTICK)
        });
        others.fold(None, |best: Option<&Equal<'a>>, equal| match best {
            Some(best) if best.row.caught_in_time >= equal.row.caught_in_time => Some(best),
            _ => Some(equal),
        })
    }

    /// As in a sentence: scenario / arm.
    pub fn name(&self) -> String {
        format!("{} / {}", self.scenario, self.arm)
    }

    /// One of [`VERDICTS`], or in a word why there is no answer.
    pub fn verdict(&self) -> String {
        let Some(row) = self.top() else { return String::new() };
        let (Some(low), Some(high)) = (row.caught_low, row.caught_high) else {
            return row.caught_status.split(':').next().unwrap_or_default().to_owned();
        };
        let [mostly, not, open, chance] = VERDICTS.map(|(name, _)| name.to_owned());
        match () {
            () if low >= HALF && row.chance_in_time.is_some_and(|share| share >= low) => chance,
            () if low >= HALF => mostly,
            () if high <= HALF => not,
            () => open,
        }
    }
}

/// The cells at the first budget of their scenario.
pub(super) fn headline<'a, 'c>(cells: &'c [Cell<'a>]) -> impl Iterator<Item = &'c Cell<'a>> {
    cells.iter().enumerate().filter_map(|(at, cell)| {
        let same = |other: &Cell<'_>| other.scenario == cell.scenario && other.arm == cell.arm;
        (!cells[..at].iter().any(same)).then_some(cell)
    })
}

pub(super) fn caught(row: Option<&RankingRow>) -> String {
    let share = row.and_then(|row| Some((row.caught_in_time?, row)));
    share.map_or_else(|| "–".to_owned(), |(s, row)| percent_interval(s, row.caught_low, row.caught_high))
}

pub(super) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), percent)
}

pub(super) fn difference(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    let points = |x: f64| number((x * 1000.0).round() / 10.0);
    match (value, low, high) {
        (Some(v), Some(low), Some(high)) => format!("{} [{}, {}]", points(v), points(low), points(high)),
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_differences_read_well() {
        assert_eq!(difference(Some(-0.125), Some(-0.3), Some(0.0)), "−12.5 [−30, 0]");
        assert_eq!(difference(None, None, None), "–");
    }
}
