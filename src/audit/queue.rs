//! The pool: what has been sampled and not been audited, the most suspicious first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Every outcome sampled so far and not yet audited, ranked by its best score so far; ties go to the one sampled first.
///
/// An outcome is one candidate however often it is visited: under fresh error its score varies between visits and the
/// best one counts. Once taken it never comes back. A heap with one entry for each rise of an outcome's best score;
/// entries that a later rise or an audit has made stale are dropped when they surface. A visit costs one comparison,
/// and a push only if it raised the best.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Outcomes in the order of first sampling.
    members: Vec<Member>,
    /// Rank of the score, then the earlier member.
    heap: BinaryHeap<(u64, Reverse<usize>)>,
}

#[derive(Debug)]
struct Member {
    /// Rank of the best score so far; `AUDITED` once taken.
    best: u64,
    /// The visit that had it.
    row: usize,
}

/// Above the rank of every finite score, so that no visit raises it.
const AUDITED: u64 = u64::MAX;

/// What the pool holds of an outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// The visit with the best score, the first of them if several share it.
    pub row: usize,
    /// That score.
    pub score: f64,
}

impl Pool {
    /// Enters a visit: rollout number `row` sampled outcome number `at`, which counts outcomes by first sampling, and
    /// scored `score`, which is finite.
    pub fn visit(&mut self, at: usize, row: usize, score: f64) {
        debug_assert!(score.is_finite() && at <= self.members.len());
        let rank = rank(score);
        match self.members.get_mut(at) {
            Some(member) if rank <= member.best => return,
            Some(member) => *member = Member { best: rank, row },
            None => self.members.push(Member { best: rank, row }),
        }
        self.heap.push((rank, Reverse(at)));
    }

    /// Removes the most suspicious outcome for good; `None` if every outcome sampled so far has been audited.
    pub fn take(&mut self) -> Option<Candidate> {
        while let Some((rank, Reverse(at))) = self.heap.pop() {
            if let Some(member) = self.members.get_mut(at).filter(|member| member.best == rank) {
                member.best = AUDITED;
                return Some(Candidate { row: member.row, score: score(rank) });
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
        let mut pool = Pool::default();
        for (row, (outcome, score)) in
            [(0, 1.0), (1, 2.0), (0, 4.0), (2, 4.0), (1, 4.0), (0, 3.0), (0, 4.0)].into_iter().enumerate()
        {
            pool.visit(outcome, row, score);
        }
        // All have a best of 4, whichever reached it first; outcome 0's came at row 2.
        let rows: Vec<usize> = std::iter::from_fn(|| pool.take()).map(|c| c.row).collect();
        assert_eq!(rows, [2, 4, 3]);
    }

    #[test]
    fn an_audited_outcome_never_comes_back() {
        let mut pool = Pool::default();
        pool.visit(0, 0, 1.0);
        assert_eq!(pool.take(), Some(Candidate { row: 0, score: 1.0 }));
        pool.visit(0, 1, 99.0);
        assert_eq!(pool.take(), None);
        pool.visit(1, 2, -7.0);
        assert_eq!(pool.take(), Some(Candidate { row: 2, score: -7.0 }));
    }
}
