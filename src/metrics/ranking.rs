//! Scores sorted once, for every measure of ranking.

use crate::foundation::failure::Status;

/// Confusion counts at one threshold: how many rows score at or above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub true_positives: u64,
    pub false_positives: u64,
}

/// Scores with labels, sorted: one point for each distinct score, from the highest down.
///
/// Ties form one threshold, whatever their order in the data, so no measure depends on the order of rows. −0 ties
/// with 0. ±∞ are ordinary ranks.
#[derive(Debug, Clone)]
pub struct Ranking {
    points: Vec<Point>,
    positives: u64,
    negatives: u64,
}

impl Ranking {
    /// Sorts `scores` (higher = more suspicious) with `positive` beside them; O(n log n).
    ///
    /// Fails with [`Status::Undefined`] if the lengths differ or a score is NaN.
    pub fn new(scores: &[f64], positive: &[bool]) -> Result<Self, Status> {
        if scores.len() != positive.len() {
            return Err(Status::Undefined { reason: "scores and labels differ in number" });
        }
        if scores.iter().any(|x| x.is_nan()) {
            return Err(Status::Undefined { reason: "a score is not a number" });
        }
        // Each class is sorted alone as bare integers, which is several times faster than sorting pairs.
        let count = positive.iter().filter(|&&p| p).count();
        let mut hits = Vec::with_capacity(count);
        let mut misses = Vec::with_capacity(scores.len() - count);
        for (&score, &is_positive) in scores.iter().zip(positive) {
            if is_positive { hits.push(descending_key(score)) } else { misses.push(descending_key(score)) }
        }
        hits.sort_unstable();
        misses.sort_unstable();
        let mut points = Vec::new();
        let (mut i, mut j) = (0, 0);
        while let Some(key) = hits.get(i).into_iter().chain(misses.get(j)).min().copied() {
            i += run_length(&hits[i..], key);
            j += run_length(&misses[j..], key);
            points.push(Point { true_positives: i as u64, false_positives: j as u64 });
        }
        Ok(Self { points, positives: hits.len() as u64, negatives: misses.len() as u64 })
    }

    /// Positive rows.
    pub fn positives(&self) -> u64 {
        self.positives
    }

    /// Negative rows.
    pub fn negatives(&self) -> u64 {
        self.negatives
    }

    /// Points from the highest threshold down; the last counts every row.
    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }

    /// Refuses one class ([`Status::OneClass`]) and one value ([`Status::AllTied`]): nothing can be told apart.
    pub(super) fn comparable(&self) -> Result<(), Status> {
        if self.positives == 0 || self.negatives == 0 {
            return Err(Status::OneClass);
        }
        if self.points.len() < 2 {
            return Err(Status::AllTied);
        }
        Ok(())
    }
}

/// An integer that falls as the score rises.
fn descending_key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 0 { !(bits | 1 << 63) } else { bits }
}

fn run_length(ascending: &[u64], key: u64) -> usize {
    ascending.iter().take_while(|&&k| k == key).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fall_as_scores_rise() {
        let rising = [f64::NEG_INFINITY, -2.0, -1e-300, 0.0, 1e-300, 3.0, f64::INFINITY];
        assert!(rising.windows(2).all(|w| descending_key(w[0]) > descending_key(w[1])));
        assert_eq!(descending_key(-0.0), descending_key(0.0));
    }

    #[test]
    fn ties_are_one_threshold() {
        let ranking = Ranking::new(&[1.0, 2.0, 2.0, -0.0, 0.0], &[false, true, false, true, false]).unwrap();
        let counts: Vec<(u64, u64)> =
            ranking.points().iter().map(|p| (p.true_positives, p.false_positives)).collect();
        assert_eq!(counts, [(1, 1), (1, 2), (2, 3)]);
    }

    #[test]
    fn what_cannot_be_ranked_is_a_status() {
        assert!(matches!(Ranking::new(&[1.0], &[]), Err(Status::Undefined { .. })));
        assert!(matches!(Ranking::new(&[f64::NAN], &[true]), Err(Status::Undefined { .. })));
        assert_eq!(Ranking::new(&[1.0, 2.0], &[true, true]).unwrap().comparable(), Err(Status::OneClass));
        assert_eq!(Ranking::new(&[2.0, 2.0], &[true, false]).unwrap().comparable(), Err(Status::AllTied));
        assert_eq!(Ranking::new(&[], &[]).unwrap().comparable(), Err(Status::OneClass));
    }
}
