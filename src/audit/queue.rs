//! The pool: what has been sampled and not been audited, the most suspicious first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Every outcome sampled so far and not yet audited, ranked by its best score so far; ties go to the one sampled first.
///
/// An outcome is one candidate however often it is visited: under fresh error its score varies between visits and the
/// best one counts. Once taken it never comes back. A heap with one entry for each rise of an outcome's best score;
/// entries that a later rise or an audit has made stale are dropped when they surface. A visit costs one hash lookup,
/// and a push only if it raised the best.
#[derive(Debug, Default)]
pub struct Pool {
    /// Position in `members` of each outcome seen: the order of first sampling.
    index: HashMap<u64, usize, BuildHasherDefault<OutcomeHasher>>,
    members: Vec<Member>,
    /// Rank of the score, then the earlier member, then the row of that score.
    heap: BinaryHeap<(u64, Reverse<usize>, usize)>,
}

#[derive(Debug)]
struct Member {
    /// Rank of the best score so far; `AUDITED` once taken.
    best: u64,
}

/// Above the rank of every finite score, so that no visit raises it.
const AUDITED: u64 = u64::MAX;

/// What the pool holds of an outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The visit with the best score, the first of them if several share it.
    pub row: usize,
    /// That score.
    pub score: f64,
}

impl Pool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a visit: rollout number `row` sampled `outcome` and scored `score`, which must be finite.
    pub fn visit(&mut self, outcome: u64, row: usize, score: f64) {
        debug_assert!(score.is_finite());
        let rank = rank(score);
        let next = self.members.len();
        let at = *self.index.entry(outcome).or_insert(next);
        match self.members.get_mut(at) {
            Some(member) if rank <= member.best => return,
            Some(member) => member.best = rank,
            None => self.members.push(Member { best: rank }),
        }
        self.heap.push((rank, Reverse(at), row));
    }

    /// Removes the most suspicious outcome for good; `None` if every outcome sampled so far has been audited.
    pub fn take(&mut self) -> Option<Candidate> {
        while let Some((rank, Reverse(at), row)) = self.heap.pop() {
            if let Some(member) = self.members.get_mut(at).filter(|member| member.best == rank) {
                member.best = AUDITED;
                return Some(Candidate { row, score: score(rank) });
            }
        }
        None
    }
}

/// An integer that rises with the score; −0 and 0 share theirs.
fn rank(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The score of a rank.
fn score(rank: u64) -> f64 {
    f64::from_bits(if rank >> 63 == 1 { rank & !(1 << 63) } else { !rank })
}

/// Multiply and fold: outcome numbers are small integers or hashes already, and no adversary picks them.
#[derive(Debug, Default)]
struct OutcomeHasher(u64);

impl Hasher for OutcomeHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_keep_order_and_value() {
        let rising = [f64::MIN, -1.5, -1e-310, 0.0, 5e-324, 2.0, f64::MAX];
        assert!(rising.windows(2).all(|w| rank(w[0]) < rank(w[1])));
        assert!(rising.iter().all(|&x| score(rank(x)) == x && rank(x) < AUDITED));
        assert_eq!(rank(-0.0), rank(0.0));
    }

    #[test]
    fn the_best_visit_counts_and_ties_go_to_the_first_sampled() {
        let mut pool = Pool::new();
        for (row, (outcome, score)) in
            [(5, 1.0), (3, 2.0), (5, 4.0), (8, 4.0), (3, 4.0), (5, 3.0), (5, 4.0)].into_iter().enumerate()
        {
            pool.visit(outcome, row, score);
        }
        // 5 was sampled first, then 3, then 8; all have a best of 4, and 5's came at row 2.
        let rows: Vec<usize> = std::iter::from_fn(|| pool.take()).map(|c| c.row).collect();
        assert_eq!(rows, [2, 4, 3]);
    }

    #[test]
    fn an_audited_outcome_never_comes_back() {
        let mut pool = Pool::new();
        pool.visit(1, 0, 1.0);
        assert_eq!(pool.take(), Some(Candidate { row: 0, score: 1.0 }));
        pool.visit(1, 1, 99.0);
        assert_eq!(pool.take(), None);
        pool.visit(2, 2, -7.0);
        assert_eq!(pool.take(), Some(Candidate { row: 2, score: -7.0 }));
    }
}
