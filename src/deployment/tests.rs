//! Each shift against what it promises, in closed form.

use super::ShiftSpec;
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::theory::binary::binary_kl;
use serde_json::{Value, json};

const PROMPTS: usize = 3;
const OUTCOMES: usize = 40;

/// A table with two hacks a prompt, of which one has the highest proxy and ties with an honest outcome in prompt 1.
fn table() -> Outcomes {
    let cells = PROMPTS * OUTCOMES;
    let uneven = |cell: usize| ((cell * 7919) % 103) as f64 / 103.0;
    let weights: Vec<f64> = (0..cells).map(|cell| 0.1 + uneven(cell)).collect();
    let totals: Vec<f64> = weights.chunks(OUTCOMES).map(|row| row.iter().sum()).collect();
    let hack: Vec<bool> = (0..cells).map(|cell| cell % OUTCOMES < 2).collect();
    Outcomes {
        prompts: PROMPTS,
        outcomes: OUTCOMES,
        ref_log_prob: (0..cells).map(|cell| (weights[cell] / totals[cell / OUTCOMES]).ln()).collect(),
        utility: (0..cells).map(|cell| if hack[cell] { -5.0 } else { uneven(cell + 17) }).collect(),
        error: (0..cells)
            .map(|cell| match cell % OUTCOMES {
                0 => 12.0,
                1 => 8.0,
                5 if cell / OUTCOMES == 1 => 7.0 - uneven(cell + 17),
                _ => 0.0,
            })
            .collect(),
        class: hack.iter().map(|&hack| hack.into()).collect(),
        hack,
    }
}

fn trained(table: &Outcomes) -> Snapshot {
    let mut policy = Snapshot::default();
    policy.set(table, |cell| 0.3 * ((cell % 7) as f64));
    policy
}

fn deployed(shift: &Value) -> (Outcomes, Snapshot, Snapshot) {
    let table = table();
    let before = trained(&table);
    let shift: ShiftSpec = serde_json::from_value(shift.clone()).unwrap();
    let after = shift.part().apply(&table, &before).unwrap();
    (table, before, after)
}

/// KL(after‖before), mean over prompts.
fn kl(before: &Snapshot, after: &Snapshot) -> f64 {
    let logs: Vec<f64> = (0..PROMPTS * OUTCOMES).map(|cell| before.log_prob(cell)).collect();
    after.kl(&logs)
}

fn mass(policy: &Snapshot, prompt: usize, of: impl Fn(usize) -> bool) -> f64 {
    (prompt * OUTCOMES..(prompt + 1) * OUTCOMES).filter(|&cell| of(cell)).map(|cell| policy.prob(cell)).sum()
}

#[test]
fn a_tilt_is_as_far_as_was_asked_and_pays_most() {
    for asked in [1e-6, 0.01, 0.5, 2.0] {
        let (table, before, after) = deployed(&json!({ "tilt": { "kl": asked } }));
        let achieved = kl(&before, &after);
        assert!((achieved / asked - 1.0).abs() < 1e-6, "{asked}: {achieved}");
        // One multiplier for all prompts: ln(π'/π) is linear in the proxy, with the same slope everywhere.
        let ratio = |cell: usize| after.log_prob(cell) - before.log_prob(cell);
        let slope = |a: usize, b: usize| (ratio(a) - ratio(b)) / (table.proxy(a) - table.proxy(b));
        let first = slope(0, 3);
        for (a, b) in [(1, 9), (OUTCOMES, OUTCOMES + 4), (2 * OUTCOMES, 2 * OUTCOMES + 8)] {
            assert!((slope(a, b) / first - 1.0).abs() < 1e-6, "{asked}: {} against {first}", slope(a, b));
        }
    }
    let table = table();
    let far: ShiftSpec = serde_json::from_value(json!({ "tilt": { "kl": 50 } })).unwrap();
    let fault = far.part().apply(&table, &trained(&table)).unwrap_err().to_string();
    assert!(fault.contains("KL budget is 50") && fault.contains("largest KL"), "{fault}");
}

#[test]
fn argmax_gives_the_highest_proxy_what_was_asked_and_keeps_other_odds() {
    for (shift, want) in [(json!({}), 1.0), (json!({ "mass_after": 0.3 }), 0.3)] {
        let (table, before, after) = deployed(&json!({ "argmax": shift }));
        for prompt in 0..PROMPTS {
            // In prompt 1 an honest outcome ties with the hack, and shares in proportion.
            let tops: &[usize] = if prompt == 1 { &[0, 5] } else { &[0] };
            let top = |cell: usize| tops.contains(&(cell % OUTCOMES));
            assert!((mass(&after, prompt, top) - want).abs() < 1e-12, "{prompt}");
            assert!((mass(&after, prompt, |_| true) - 1.0).abs() < 1e-12);
        }
        let tied = |policy: &Snapshot| policy.log_prob(OUTCOMES) - policy.log_prob(OUTCOMES + 5);
        assert!((tied(&before) - tied(&after)).abs() < 1e-12 && table.hack[OUTCOMES]);
        let divergence: f64 = (0..PROMPTS)
            .map(|prompt| {
                let was = mass(&before, prompt, |c| c % OUTCOMES == 0 || prompt == 1 && c % OUTCOMES == 5);
                if want == 1.0 { -was.ln() } else { binary_kl(want, was).unwrap() }
            })
            .sum::<f64>()
            / PROMPTS as f64;
        assert!((kl(&before, &after) - divergence).abs() < 1e-12);
    }
}

#[test]
fn a_trigger_is_the_mixture_and_p_becomes_fp() {
    let jump = json!({ "jump": { "mass_after": 0.5 } });
    let (table, before, whole) = deployed(&jump);
    for f in [0.0, 1e-9, 0.01, 0.4, 1.0] {
        let (_, _, after) = deployed(&json!({ "trigger": { "frequency": f, "shift": jump } }));
        for cell in 0..table.len() {
            let want = f * whole.prob(cell) + (1.0 - f) * before.prob(cell);
            assert!((after.prob(cell) - want).abs() < 1e-14, "{f}, {cell}");
        }
        for prompt in 0..PROMPTS {
            let hacks = |policy: &Snapshot| mass(policy, prompt, |cell| table.hack[cell]);
            assert!((hacks(&after) - (f * 0.5 + (1.0 - f) * hacks(&before))).abs() < 1e-13);
        }
    }
    // Also of a shift that takes all mass from an outcome, and of a trigger within a trigger.
    let argmax = json!({ "argmax": {} });
    let (_, before, whole) = deployed(&argmax);
    let inner = json!({ "trigger": { "frequency": 0.5, "shift": argmax } });
    let (_, _, after) = deployed(&json!({ "trigger": { "frequency": 0.5, "shift": inner } }));
    for cell in 0..PROMPTS * OUTCOMES {
        let want = 0.25 * whole.prob(cell) + 0.75 * before.prob(cell);
        assert!((after.prob(cell) - want).abs() < 1e-14);
    }
}

#[test]
fn a_mass_too_small_for_a_number_can_be_jumped_to() {
    let table = table();
    let mut before = Snapshot::default();
    before.set(&table, |cell| if table.hack[cell] { -800.0 } else { 0.0 });
    assert_eq!(before.prob(0), 0.0);
    let jump: ShiftSpec = serde_json::from_value(json!({ "jump": { "mass_after": 0.25 } })).unwrap();
    let after = jump.part().apply(&table, &before).unwrap();
    for prompt in 0..PROMPTS {
        assert!((mass(&after, prompt, |cell| table.hack[cell]) - 0.25).abs() < 1e-10);
    }
}
