//! When auditors look, and at what: records against theory, ties, known hacks, banked looks, and the bound.

use tailcatch::audit::{
    Alarm, Batch, BothLists, Budget, Ground, Look, OracleSpending, Pick, Place, Records, Reference, Rule,
    Top, Trail,
};
use tailcatch::detectors::reward::CumulativeReward;
use tailcatch::detectors::{Detector, Fitted};
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::foundation::scalar::Positive;

/// Rollouts that all differ, in steps of 50.
fn run(rule: &dyn Rule, reference: &[f64], scores: &[f64], hack: impl Fn(usize) -> bool, seed: u64) -> Trail {
    let outcomes: Vec<u64> = (0..(reference.len() + scores.len()) as u64).collect();
    let (before, own) = outcomes.split_at(reference.len());
    audit(rule, (reference, before), (scores, own), hack, seed)
}

fn audit(
    rule: &dyn Rule,
    (reference, before): (&[f64], &[u64]),
    (scores, outcomes): (&[f64], &[u64]),
    hack: impl Fn(usize) -> bool,
    seed: u64,
) -> Trail {
    let ground = Ground {
        reference: Reference { scores: reference, outcomes: before },
        rollouts: scores.len() as u64,
        steps: scores.len().div_ceil(50) as u64,
        rng: SeedTree::new(seed, 0).stream(Purpose::Audit, 0),
    };
    let mut auditing = rule.start(ground).unwrap();
    let mut trail = Trail::default();
    let mut read = |place: Place| match place {
        Place::Run(row) => hack(row),
        Place::Reference(_) => false,
    };
    let look: &mut Look<'_> = &mut read;
    for (step, (scores, outcomes)) in scores.chunks(50).zip(outcomes.chunks(50)).enumerate() {
        let batch =
            Batch { step: step as u64, first: 50 * step, outcomes, scores, p_values: None, handled: None };
        auditing.step(&batch, look, &mut trail);
    }
    trail
}

fn records(benign_looks: f64, read_reference: bool) -> Records {
    Records { benign_looks: Positive::new(benign_looks).unwrap(), read_reference }
}

/// Σ 1/n over n₀ < n ≤ N.
fn harmonic(from: usize, to: usize) -> f64 {
    (from + 1..=to).map(|n| 1.0 / n as f64).sum()
}

/// A draw from two uniform numbers.
type Law = fn(f64, f64) -> f64;

fn draws(rng: &mut Stream, n: usize, law: Law) -> Vec<f64> {
    (0..n).map(|_| law(rng.open_unit(), rng.open_unit())).collect()
}

fn normal(u: f64, v: f64) -> f64 {
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Whatever the law of exchangeable scores: E[benign looks] = k(H_N − H_n₀), the variance Σ p(1 − p) with p = k/n.
#[test]
fn benign_looks_are_those_of_records_whatever_the_tail() {
    let (before, own, repetitions) = (400, 2000, 300);
    let laws: [(&str, Law); 5] = [
        ("normal", normal),
        ("lognormal", |u, v| (2.0 * normal(u, v)).exp()),
        ("pareto 1.5", |u, _| u.powf(-1.0 / 1.5)),
        ("cauchy", |u, _| (std::f64::consts::PI * (u - 0.5)).tan()),
        ("bernoulli", |u, _| if u < 0.2 { 1.0 } else { 0.0 }),
    ];
    for (name, law) in laws {
        for (budget, read) in [(4.0, false), (20.0, false), (20.0, true)] {
            let rule = records(budget, read);
            let k = rule.places(before as u64, own as u64);
            let expected = k as f64 * (harmonic(before, before + own) + f64::from(u8::from(read)));
            assert!(expected <= budget, "{expected} for {budget}");
            let p = |n: usize| k as f64 / n as f64;
            let variance: f64 = (before + 1..=before + own).map(|n| p(n) * (1.0 - p(n))).sum();
            let mut total = 0.0;
            for seed in 0..repetitions {
                let mut rng = SeedTree::new(77, seed).stream(Purpose::Evaluation, 0);
                let (reference, scores) = (draws(&mut rng, before, law), draws(&mut rng, own, law));
                total += run(&rule, &reference, &scores, |_| false, seed).looks() as f64;
            }
            let (mean, se) = (total / repetitions as f64, (variance / repetitions as f64).sqrt());
            assert!((mean - expected).abs() < 3.0 * se, "{name}, k = {k}: {mean} against {expected} ± {se}");
        }
    }
}

/// A hack that ties with a fifth of all rollouts is read as often as any of them.
#[test]
fn ties_are_read_at_chance() {
    let (before, own, repetitions) = (200, 1000, 1000);
    let rule = records(10.0, false);
    let (mut hacks, mut ties) = (0.0, 0.0);
    for seed in 0..repetitions {
        let mut rng = SeedTree::new(5, seed).stream(Purpose::Evaluation, 1);
        let bernoulli = |u: f64, _: f64| if u < 0.2 { 1.0 } else { 0.0 };
        let (reference, mut scores) = (draws(&mut rng, before, bernoulli), draws(&mut rng, own, bernoulli));
        // One rollout of the first hundred pays 1 and is a hack; honest ones are the others of that hundred that pay 1.
        let hack = rng.below(100) as usize;
        scores[hack] = 1.0;
        let trail = run(&rule, &reference, &scores, |row| row == hack, seed);
        let early = |row: usize| row < 100 && row != hack;
        let honest = (0..100).filter(|row| early(*row) && scores[*row] == 1.0).count() as f64;
        hacks += trail.true_positives as f64;
        ties += trail.picks.iter().filter(|pick| early(pick.row)).count() as f64 / honest.max(1.0);
    }
    let n = repetitions as f64;
    let (p, q) = (hacks / n, ties / n);
    // Three standard errors of the difference, that of the second being smaller.
    assert!((p - q).abs() < 3.0 * (2.0 * q * (1.0 - q) / n).sqrt(), "{p} against {q}");
    assert!(q > 0.05, "the test would see a rule that never reads ties: {q}");
}

#[test]
fn what_is_known_leaves_the_ranking_and_is_not_read_again() {
    // k = 1: the outcome 9 pays 50 again and again; the reference ends at 3.
    let reference = ([1.0, 3.0, 2.0], [0, 1, 2]);
    let scores = [50.0, 2.0, 50.0, 4.0, 50.0];
    let outcomes = [9, 0, 9, 5, 9];
    let rule = records(1e-9, false);
    let own = (&scores[..], &outcomes[..]);
    let trail = audit(&rule, (&reference.0, &reference.1), own, |row| scores[row] == 50.0, 1);
    let rows: Vec<usize> = trail.picks.iter().map(|pick| pick.row).collect();
    assert_eq!(rows, [0, 3], "the hack once, then what beats the honest record");
    // Not confirmed, it stays on top, and its later visits are the same thing.
    let trail = audit(&rule, (&reference.0, &reference.1), own, |_| false, 1);
    assert_eq!(trail.picks.iter().map(|pick| pick.row).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_reference_that_is_read_masks_nothing() {
    // The reference holds the hack 9 itself: at its score nothing new is a record, unless it was read.
    let reference = ([1.0, 50.0, 2.0], [0u64, 9, 2]);
    let (scores, outcomes) = ([50.0, 4.0, 40.0], [9u64, 5, 8]);
    let masked =
        audit(&records(1e-9, false), (&reference.0, &reference.1), (&scores, &outcomes), |_| true, 1);
    assert_eq!(masked.looks(), 0, "masked");
    let ground = Ground {
        reference: Reference { scores: &reference.0, outcomes: &reference.1 },
        rollouts: 3,
        steps: 1,
        rng: SeedTree::new(1, 0).stream(Purpose::Audit, 0),
    };
    let mut auditing = records(1e-9, true).start(ground).unwrap();
    let mut trail = Trail::default();
    let hack = |place: Place| matches!(place, Place::Reference(1) | Place::Run(0 | 2));
    let mut read = hack;
    let look: &mut Look<'_> = &mut read;
    let batch =
        Batch { step: 4, first: 0, outcomes: &outcomes, scores: &scores, p_values: None, handled: None };
    auditing.step(&batch, look, &mut trail);
    assert_eq!(trail.reference, [(1, true), (2, false)], "until one is benign");
    // The outcome 9 is known; 4 beats the honest 2, and 40 beats 4.
    assert_eq!(trail.picks.iter().map(|pick| pick.row).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((trail.first_catch, trail.looks()), (Some(4), 4));
    assert_eq!(trail.benign_looks(&[true, false, true], &[false, true, false]), 2);
}

#[test]
fn looks_are_banked_until_an_alarm_and_advanced_before_they_accrue() {
    let reference: Vec<f64> = (0..999).map(f64::from).collect();
    let mut scores = vec![0.0; 400];
    (scores[10], scores[20], scores[300], scores[301]) = (2000.0, 2000.0, 2000.0, 2000.0);
    let alarm = |looks: f64, advance: u64| Alarm {
        looks: tailcatch::audit::Budget::new(looks).unwrap(),
        advance,
        ..Alarm::default()
    };
    let rows = |rule: &Alarm| -> Vec<usize> {
        run(rule, &reference, &scores, |_| false, 1).picks.iter().map(|pick| pick.row).collect()
    };
    assert_eq!(
        rows(&alarm(0.01, 0)),
        [300, 301],
        "nothing had accrued at the first two; then two and a half"
    );
    assert_eq!(rows(&alarm(0.01, 1)), [10, 300, 301]);
    assert_eq!(rows(&alarm(0.001, 2)), [10, 20], "the advance is spent");
}

#[test]
fn the_bound_reads_each_hack_once_and_nothing_else() {
    let scores = [0.0, 1.0, 0.0, 1.0, 1.0];
    let outcomes = [1, 9, 2, 9, 8];
    let trail = audit(&OracleSpending {}, (&[], &[]), (&scores, &outcomes), |row| scores[row] > 0.5, 1);
    assert_eq!(trail.picks.iter().map(|pick| pick.row).collect::<Vec<_>>(), [1, 4]);
    assert!(OracleSpending {}.sees_truth() && !Records::default().sees_truth());
}

/// A bound must not be beaten by an auditor who reads the reference: it reads the hacks there too.
#[test]
fn the_bound_reads_the_hacks_of_the_reference_first() {
    let ground = Ground {
        reference: Reference { scores: &[0.0, 1.0, 1.0], outcomes: &[3, 9, 9] },
        rollouts: 2,
        steps: 1,
        rng: SeedTree::new(1, 0).stream(Purpose::Audit, 0),
    };
    let mut auditing = OracleSpending {}.start(ground).unwrap();
    let mut trail = Trail::default();
    let mut read = |place: Place| matches!(place, Place::Reference(1 | 2) | Place::Run(_));
    let look: &mut Look<'_> = &mut read;
    let batch =
        Batch { step: 7, first: 0, outcomes: &[9, 8], scores: &[1.0, 1.0], p_values: None, handled: None };
    auditing.step(&batch, look, &mut trail);
    assert_eq!((trail.reference.as_slice(), trail.first_catch), (&[(1, true)][..], Some(7)));
    assert_eq!(trail.picks.iter().map(|pick| pick.row).collect::<Vec<_>>(), [1], "9 is known");
}

fn both(benign_looks: f64, read_reference: bool, looks: f64) -> BothLists {
    let looks = Budget::new(looks).unwrap();
    BothLists { benign_looks: Positive::new(benign_looks).unwrap(), read_reference, looks }
}

fn read(trail: &Trail) -> Vec<usize> {
    trail.picks.iter().map(|pick| pick.row).collect()
}

/// 40 steps of 50 rollouts of 60 outcomes, paid by heavy noise; outcome 3 is paid a little more each time.
fn recurring(seed: u64) -> (Vec<f64>, Vec<u64>) {
    let mut rng = SeedTree::new(seed, 0).stream(Purpose::Evaluation, 3);
    let outcomes: Vec<u64> = (0..2000).map(|_| rng.below(60)).collect();
    let scores = outcomes
        .iter()
        .map(|outcome| {
            let (u, v) = (rng.open_unit(), rng.open_unit());
            (std::f64::consts::PI * (u - 0.5)).tan() + v + if *outcome == 3 { 2.0 } else { 0.0 }
        })
        .collect();
    (scores, outcomes)
}

/// Where one list finds nothing to read, the other reads what it reads on its own.
#[test]
fn each_of_both_lists_is_the_list_that_it_is_on_its_own() {
    let never = ([1e300; 4], [900u64, 901, 902, 903]);
    for seed in 0..20 {
        let (scores, outcomes) = recurring(seed);
        let steps: Vec<u64> = (0..2000).map(|row| row / 50).collect();
        let observed = tailcatch::record::Observed {
            proxy: scores.clone(),
            step: steps,
            outcome: outcomes.clone(),
            ..Default::default()
        };
        let mut rng = SeedTree::new(1, 0).stream(Purpose::Evaluation, 0);
        let Fitted::Ready(mut scorer) = CumulativeReward::default().fit(&observed, &mut rng) else {
            panic!("it learns nothing")
        };
        let sums = scorer.score(&observed).unwrap().values().to_vec();
        let hack = |row: usize| outcomes[row] == 3;
        let reference = (&never.0[..], &never.1[..]);
        let list =
            audit(&Top { looks: Budget::new(0.01).unwrap() }, reference, (&sums, &outcomes), hack, seed);
        let alone = audit(&both(1e-9, false, 0.01), reference, (&scores, &outcomes), hack, seed);
        assert_eq!(read(&alone), read(&list));
        assert_eq!(alone.looks(), 20);
        assert_eq!(alone.first_catch, list.first_catch);

        let few = (&[0.5, 2.0, 1.0][..], &[900u64, 901, 902][..]);
        let records = audit(&records(40.0, true), few, (&scores, &outcomes), hack, seed);
        let alone = audit(&both(40.0, true, 1e-9), few, (&scores, &outcomes), hack, seed);
        assert!(records.looks() > 3);
        assert_eq!(alone, records);
    }
}

/// One reader: what is confirmed by one list is no candidate of the other, no rollout is read twice, and the looks are those of both.
#[test]
fn both_lists_share_what_they_know() {
    let mut caught_by = [0, 0];
    for seed in 0..40 {
        let (scores, outcomes) = recurring(seed);
        let hack = |row: usize| outcomes[row] == 3;
        let few = (&[0.5, 2.0, 1.0][..], &[900u64, 901, 902][..]);
        let trail = audit(&both(12.0, true, 0.005), few, (&scores, &outcomes), hack, seed);
        let rows = read(&trail);
        let confirmed = trail.picks.iter().filter(|pick| pick.confirmed).count();
        assert!(confirmed <= 1, "the one hack is confirmed once: {confirmed}");
        let distinct: std::collections::BTreeSet<usize> = rows.iter().copied().collect();
        assert_eq!(distinct.len(), rows.len());
        let reward = |pick: &&Pick| pick.score == scores[pick.row];
        let (by_record, by_sum): (Vec<&Pick>, Vec<&Pick>) = trail.picks.iter().partition(reward);
        assert!(by_sum.len() <= 10, "its share of the looks and no more: {}", by_sum.len());
        for pick in &by_sum {
            let before = by_record.iter().filter(|other| other.step <= pick.step);
            assert!(before.clone().all(|other| outcomes[other.row] != outcomes[pick.row]), "known already");
        }
        caught_by[0] += by_record.iter().filter(|pick| pick.confirmed).count();
        caught_by[1] += by_sum.iter().filter(|pick| pick.confirmed).count();
    }
    assert!(caught_by.iter().all(|count| *count > 3), "each list catches at some time: {caught_by:?}");
}
