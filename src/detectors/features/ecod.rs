//! How far out in the tails of its columns a row lies (Li, Zhao, Hu, Botta, Ionescu & Chen 2022, *IEEE TKDE*).

use super::columns::{Columns, names, needs};
use crate::detectors::input::{digits, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::radix;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which tails count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tails {
    /// In each column the one that the row lies farther out in, as in the authors' code.
    #[default]
    Both,
    /// The largest of three sums over columns, as in the paper: all left tails, all right tails, in each column the
    /// tail that its skewness points to.
    Skew,
}

/// The score is s = Σ −ln P over the columns, P the share of calibration rows at least as far out in the column's tail.
///
/// A value beyond all of calibration counts as half a row. Columns are taken one by one: rows that are odd only
/// in the combination of their values are not seen. With `tails = "both"` neither units nor signs matter.
///
/// Refuses with [`Status::Missing`] or [`Status::NotFinite`] by name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ecod {
    /// Feature columns, `proxy`, `length` or `log_ratio`; none: every feature column.
    #[serde(deserialize_with = "names")]
    pub columns: Vec<String>,
    /// Which tails count.
    pub tails: Tails,
}

impl Detector for Ecod {
    fn access(&self) -> Access {
        Access::Features
    }
    fn needs(&self) -> Vec<String> {
        needs(&self.columns)
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match Shares::of(self, calibration) {
            Ok(shares) => Fitted::Ready(Box::new(shares)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

/// The distribution of one column in calibration.
struct Steps {
    /// Distinct values, ascending.
    values: Vec<f64>,
    /// `upto[i]` rows lie below `values[i]`; the last entry is all of them.
    upto: Vec<u32>,
    /// Whether its skewness points to the right, where that is asked for.
    rightward: bool,
}

/// Bits of a row's number beside its sorting key; a batch is walked through in pieces of so many rows.
const ROW_BITS: u32 = 24;

/// A number whose unsigned order is that of the finite numbers, zeros of either sign being equal.
fn key(x: f64) -> u64 {
    let bits = (x + 0.0).to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | (1 << 63))
}

/// The number of a key.
fn number(key: u64) -> f64 {
    f64::from_bits(key ^ (((!key as i64 >> 63) as u64) | (1 << 63)))
}

impl Steps {
    fn of(column: &[f64], tails: Tails) -> Self {
        let mut keys: Vec<u64> = column.iter().map(|x| key(*x)).collect();
        radix::sort(&mut keys, 0);
        let mut upto = Vec::with_capacity(keys.len() + 1);
        let mut values = Vec::with_capacity(keys.len());
        for (seen, value) in keys.into_iter().map(number).enumerate() {
            if values.last() != Some(&value) {
                upto.push(seen as u32);
                values.push(value);
            }
        }
        upto.push(column.len() as u32);
        Self { values, upto, rightward: tails == Tails::Skew && skewness(column) >= 0.0 }
    }

    /// How many calibration rows are at most `x`, and how many at least, where `at` of its distinct values lie below.
    fn counts(&self, at: usize, x: f64) -> (u32, u32) {
        let equal = usize::from(self.values.get(at) == Some(&x));
        (self.upto[at + equal], self.upto[self.values.len()] - self.upto[at])
    }

    /// Calls `each` with the number of every row and its counts.
    ///
    /// The rows are sorted and walked through beside the calibration's values: looking each one up costs three times as much.
    fn walk(&self, column: &[f64], mut each: impl FnMut(usize, u32, u32)) {
        let mut order: Vec<u64> = Vec::new();
        for (piece, values) in column.chunks(1 << ROW_BITS).enumerate() {
            // The row's number takes the place of the key's last bits: values alike but for these stand in any order.
            let rows = (1u64 << ROW_BITS) - 1;
            order.clear();
            order.extend(values.iter().enumerate().map(|(row, x)| (key(*x) & !rows) | row as u64));
            radix::sort(&mut order, ROW_BITS);
            let mut at = 0;
            for entry in &order {
                let row = (entry & rows) as usize;
                let x = values[row];
                at = self.below(at, x);
                let (left, right) = self.counts(at, x);
                each((piece << ROW_BITS) + row, left, right);
            }
        }
    }

    /// How many distinct values lie below `x`, sought from a place near by.
    fn below(&self, near: usize, x: f64) -> usize {
        const STEPS: usize = 16;
        let below = |value: &f64| *value < x;
        let (before, after) = self.values.split_at(near);
        if before.last().is_some_and(|last| !below(last)) {
            return before.partition_point(below);
        }
        match after.iter().take(STEPS).position(|value| !below(value)) {
            Some(steps) => near + steps,
            None => near + after.partition_point(below),
        }
    }
}

/// Sign and rough size of the third moment.
fn skewness(column: &[f64]) -> f64 {
    let n = column.len() as f64;
    let mean = column.iter().sum::<f64>() / n;
    let scale = column.iter().map(|x| (x - mean).abs()).fold(0.0, f64::max);
    column.iter().map(|x| ((x - mean) / scale).powi(3)).sum()
}

struct Shares {
    columns: Columns,
    tails: Tails,
    steps: Vec<Steps>,
    /// −ln(k/n), and of half a row at 0.
    surprise: Vec<f64>,
}

impl Shares {
    fn of(settings: &Ecod, calibration: &Observed) -> Result<Self, Status> {
        let (columns, cells) = Columns::fit(&settings.columns, calibration)?;
        let rows = calibration.len();
        let surprise = (0..=rows).map(|k| -((k as f64).max(0.5) / rows as f64).ln()).collect();
        let steps = cells.iter().map(|column| Steps::of(column, settings.tails)).collect();
        Ok(Self { columns, tails: settings.tails, steps, surprise })
    }

    fn surprise(&self, count: u32) -> f64 {
        self.surprise[count as usize]
    }
}

impl Scorer for Shares {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let cells = self.columns.read(batch)?;
        let columns = self.steps.iter().zip(&cells);
        let mut sums = vec![0.0; batch.len()];
        match self.tails {
            Tails::Both => {
                for (steps, column) in columns {
                    steps.walk(column, |row, left, right| sums[row] += self.surprise(left.min(right)));
                }
            }
            Tails::Skew => {
                let mut all = vec![[0.0; 3]; batch.len()];
                for (steps, column) in columns {
                    steps.walk(column, |row, left, right| {
                        let (left, right) = (self.surprise(left), self.surprise(right));
                        let pointed = if steps.rightward { right } else { left };
                        for (sum, part) in all[row].iter_mut().zip([left, right, pointed]) {
                            *sum += part;
                        }
                    });
                }
                for (sum, three) in sums.iter_mut().zip(&all) {
                    *sum = three.iter().copied().fold(0.0, f64::max);
                }
            }
        }
        scores(sums)
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let Some(values) = self.columns.row(batch, row) else { return "absent".into() };
        let mut sums = [0.0; 4];
        let parts: Vec<[f64; 4]> = self
            .steps
            .iter()
            .zip(&values)
            .map(|(steps, value)| {
                let (left, right) = steps.counts(steps.below(0, *value), *value);
                let (left, right) = (self.surprise(left), self.surprise(right));
                let parts = [left, right, if steps.rightward { right } else { left }, left.max(right)];
                sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
                parts
            })
            .collect();
        let (which, tail) = match self.tails {
            Tails::Both => (3, "the farther tails"),
            Tails::Skew if sums[0] >= sums[1].max(sums[2]) => (0, "the left tails"),
            Tails::Skew if sums[1] >= sums[2] => (1, "the right tails"),
            Tails::Skew => (2, "the tails that skewness points to"),
        };
        let parts: Vec<f64> = parts.iter().map(|part| part[which]).collect();
        format!(
            "-ln P sums to {} over {tail} of {} columns ({} calibration rollouts), of which {}{}",
            digits(sums[which]),
            parts.len(),
            self.surprise.len() - 1,
            self.columns.strongest(&parts, &values),
            self.columns.note(batch, row),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(column: &[f64], point: f64) -> (u32, u32) {
        let steps = Steps::of(column, Tails::Both);
        steps.counts(steps.below(0, point), point)
    }

    #[test]
    fn shares_count_ties_on_both_sides() {
        let column = [3.0, 1.0, 2.0, 2.0, 2.0, 7.0];
        for (point, want) in [
            (0.0, (0, 6)),
            (1.0, (1, 6)),
            (1.5, (1, 5)),
            (2.0, (4, 5)),
            (3.0, (5, 2)),
            (7.0, (6, 1)),
            (8.0, (6, 0)),
        ] {
            assert_eq!(counts(&column, point), want, "{point}");
        }
        // Zeros of either sign are one value.
        assert_eq!(counts(&[-0.0, 0.0, 1.0], 0.0), (2, 3));
    }

    #[test]
    fn a_walk_agrees_with_counting() {
        for n in 1..70usize {
            let column: Vec<f64> = (0..n).map(|i| ((i * 37) % 23) as f64 - 9.0).collect();
            // In no order; some differ in their last bits only, in which the sort does not look.
            let points: Vec<f64> = (0..96)
                .map(|i| f64::from((i * 41) % 97) * 0.5 - 12.0)
                .flat_map(|x| [x.next_up(), x, x.next_down()])
                .collect();
            let steps = Steps::of(&column, Tails::Both);
            let mut seen = 0;
            steps.walk(&points, |row, left, right| {
                let x = points[row];
                let want = (
                    column.iter().filter(|c| **c <= x).count() as u32,
                    column.iter().filter(|c| **c >= x).count() as u32,
                );
                assert_eq!((left, right), want, "{n} {x}");
                assert_eq!(counts(&column, x), want);
                seen += 1;
            });
            assert_eq!(seen, points.len());
        }
    }

    #[test]
    fn keys_keep_the_order_of_numbers() {
        let ascending = [f64::MIN, -1.5, -f64::MIN_POSITIVE, 0.0, 5e-324, 1.0, f64::MAX];
        assert!(ascending.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
        assert!(ascending.iter().all(|x| number(key(*x)) == *x));
        assert_eq!(key(-0.0), key(0.0));
    }

    #[test]
    fn the_papers_sums_follow_the_skewness() {
        // Column a leans to the right, b to the left; the row is low in a and high in b.
        let a: Vec<f64> = (0..100).map(|i| f64::from(i) * f64::from(i)).collect();
        let b: Vec<f64> = a.iter().map(|x| -x).collect();
        let features = |a: Vec<f64>, b: Vec<f64>| Observed {
            proxy: vec![0.0; a.len()],
            features: vec![("a".into(), a), ("b".into(), b)],
            ..Observed::default()
        };
        let made = |tails| {
            let settings = Ecod { tails, ..Ecod::default() };
            let mut shares = Shares::of(&settings, &features(a.clone(), b.clone())).ok().unwrap();
            shares.score(&features(vec![-1.0], vec![1.0])).unwrap().values()[0]
        };
        let (far, near) = (200f64.ln(), 0.0);
        assert!((made(Tails::Both) - 2.0 * far).abs() < 1e-12);
        // Left: far in a, near in b. Right: near, far. Skewness: near, near.
        assert!((made(Tails::Skew) - (far + near)).abs() < 1e-12);
    }
}
