//! The online audit: what it may never do, on random runs.

use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use tailcatch::audit::{Allocation, Auditor, Budget, History, Pick};
use tailcatch::record::Observed;

/// Rollouts of a run: steps ascending, few outcomes, scores with ties.
#[derive(Debug, Clone)]
struct Run {
    observed: Observed,
    scores: Vec<f64>,
    steps: u64,
}

fn runs() -> impl Strategy<Value = Run> {
    let row = (0u64..12, -3i8..4);
    let batch = prop::collection::vec(row, 1..9);
    prop::collection::vec(batch, 1..15).prop_map(|batches| {
        let mut observed = Observed::default();
        let mut scores = Vec::new();
        for (step, batch) in batches.iter().enumerate() {
            for &(outcome, score) in batch {
                observed.step.push(step as u64);
                observed.outcome.push(outcome);
                scores.push(f64::from(score));
            }
        }
        Run { observed, scores, steps: batches.len() as u64 }
    })
}

fn budgets() -> impl Strategy<Value = Budget> {
    prop_oneof![(0.01..0.9f64), (1u32..30).prop_map(f64::from)].prop_map(|b| Budget::new(b).unwrap())
}

fn is_hack(run: &Run, row: usize) -> bool {
    run.observed.outcome[row].is_multiple_of(5)
}

fn picks(run: &Run, budget: Budget) -> Vec<Pick> {
    let history = History::new(&run.observed).unwrap();
    history.replay(&run.scores, budget, run.steps, |row| is_hack(run, row)).unwrap().picks
}

fn first_rows(run: &Run, rows: usize) -> Run {
    let mut head = run.clone();
    head.observed.step.truncate(rows);
    head.observed.outcome.truncate(rows);
    head.scores.truncate(rows);
    head
}

/// The rule written out: at each step sort all that is known, take the best.
fn by_definition(run: &Run, budget: Budget) -> Vec<(usize, u64)> {
    let allocation = Allocation::new(budget, run.steps);
    let mut audited = HashSet::new();
    let mut made = Vec::new();
    for step in 0..run.steps {
        let rows = run.observed.step.partition_point(|&s| s <= step);
        let mut best: HashMap<u64, (f64, usize, usize)> = HashMap::new();
        for row in 0..rows {
            let entry = best.entry(run.observed.outcome[row]).or_insert((run.scores[row], row, row));
            if run.scores[row] > entry.0 {
                *entry = (run.scores[row], entry.1, row);
            }
        }
        let mut order: Vec<_> = best.into_iter().filter(|(outcome, _)| !audited.contains(outcome)).collect();
        order.sort_by(|(_, a), (_, b)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let credit = allocation.due(step + 1, rows as u64) as usize - made.len();
        for (outcome, (_, _, row)) in order.into_iter().take(credit) {
            audited.insert(outcome);
            made.push((row, step));
        }
    }
    made
}

proptest! {
    #[test]
    fn the_queue_does_what_the_definition_says(run in runs(), budget in budgets()) {
        let fast: Vec<(usize, u64)> = picks(&run, budget).iter().map(|p| (p.row, p.step)).collect();
        prop_assert_eq!(fast, by_definition(&run, budget));
    }

    #[test]
    fn later_steps_never_change_earlier_picks(run in runs(), budget in budgets(), cut in 0u64..15) {
        let head = first_rows(&run, run.observed.step.partition_point(|&s| s < cut));
        let whole: Vec<Pick> = picks(&run, budget).into_iter().filter(|p| p.step < cut).collect();
        prop_assert_eq!(picks(&head, budget), whole);
    }

    #[test]
    fn no_prefix_overspends_and_no_outcome_is_audited_twice(run in runs(), budget in budgets()) {
        let made = picks(&run, budget);
        for step in 0..run.steps {
            let rollouts = run.observed.step.partition_point(|&s| s <= step) as f64;
            let spent = made.iter().filter(|p| p.step <= step).count() as f64;
            let allowed = match budget.get() {
                fraction if fraction < 1.0 => fraction * rollouts,
                count => count * (step + 1) as f64 / run.steps as f64,
            };
            prop_assert!(spent <= allowed + 1e-9, "{spent} of {allowed} at step {step}");
        }
        let outcomes: HashSet<u64> = made.iter().map(|p| run.observed.outcome[p.row]).collect();
        prop_assert_eq!(outcomes.len(), made.len());
        for pick in &made {
            prop_assert!(run.observed.step[pick.row] <= pick.step, "a pick looked ahead");
            prop_assert!(pick.score >= pick.threshold);
            prop_assert_eq!(pick.confirmed, is_hack(&run, pick.row));
        }
    }

    /// Holds where the larger budget never gives less credit at any single step, as multiples of the number of steps
    /// do; it fails in general, because a larger fraction may have spent its credit just before a better outcome came.
    #[test]
    fn more_credit_at_every_step_finds_a_superset(run in runs(), few in 1u64..3, more in 0u64..3) {
        let at = |credit: u64| {
            let budget = Budget::new((credit * run.steps) as f64).unwrap();
            let made = picks(&run, budget);
            made.iter().map(|p| (run.observed.outcome[p.row], p.step)).collect::<Vec<_>>()
        };
        let (small, large) = (at(few), at(few + more));
        for (outcome, step) in small {
            let sooner = large.iter().any(|&(o, s)| o == outcome && s <= step);
            prop_assert!(sooner, "outcome {outcome}, audited at step {step}");
        }
    }

    #[test]
    fn online_and_replayed_audits_are_the_same(run in runs(), budget in budgets()) {
        let mut auditor = Auditor::new(budget, run.steps);
        let mut made = Vec::new();
        for step in 0..run.steps {
            let from = run.observed.step.partition_point(|&s| s < step);
            let to = run.observed.step.partition_point(|&s| s <= step);
            let batch = (&run.observed.outcome[from..to], &run.scores[from..to]);
            made.extend_from_slice(auditor.step(step, batch.0, batch.1, |row| is_hack(&run, row)).unwrap());
        }
        prop_assert_eq!(&made, &picks(&run, budget));
        let trail = auditor.finish();
        prop_assert_eq!(trail.audits(), made.len() as u64);
        prop_assert_eq!(trail.true_positives, made.iter().filter(|p| p.confirmed).count() as u64);
        prop_assert_eq!(trail.first_catch, made.iter().find(|p| p.confirmed).map(|p| p.step));
    }
}
