//! Pass rates of logs in which nothing changes, and of logs in which something does.

use super::pass_rate::*;
use crate::foundation::rng::{Purpose, SeedTree, Stream};

#[test]
fn unchanged_rates_do_not_rise_whatever_the_prompts() {
    // Prompts of rate 0.1 or 0.9, 8 rollouts each, 400 logs: at most 1% and three standard errors.
    let mut stream = SeedTree::new(51, 0).stream(Purpose::Utility, 0);
    let (mut risen, mut jumped, mut on_the_way) = (0, 0, 0);
    for _ in 0..400 {
        let mut passes = Passes::new(Some(0.5));
        let mut told = false;
        for step in 0..30u64 {
            let prompts: Vec<u64> = (0..64).map(|i| step * 8 % 80 + i / 8).collect();
            let rewards: Vec<f64> = (prompts.iter())
                .map(|prompt| {
                    f64::from(u8::from(stream.open_unit() < if prompt % 3 == 0 { 0.9 } else { 0.1 }))
                })
                .collect();
            let first_row = step * 64;
            passes.see(&Rows { step, first_row, rewards: &rewards, prompts: &prompts, reference: step < 3 });
            told |= !passes.jumped(&prompts, 5).is_empty();
        }
        on_the_way += usize::from(told);
        let found = passes.finish();
        risen += usize::from(found.rise.is_some());
        jumped += usize::from(!found.jumps.is_empty());
    }
    assert!(risen <= 10 && jumped <= 10, "{risen} {jumped}");
    // 1% and three standard errors, with a look after every step.
    assert!(on_the_way <= 10, "{on_the_way}");
}

#[test]
fn looks_after_every_step_seldom_name_a_prompt() {
    // 1% and three standard errors of 1,000 logs of 100 visits: single rollouts at rates at which jumps come most easily, pairs, and
    // eights that pass or fail together.
    for (prompts, group, rate, together) in [
        (1, 1, 0.01, false),
        (80, 1, 0.014, false),
        (80, 2, 0.01, false),
        (20, 2, 0.1, false),
        (20, 8, 0.5, true),
    ] {
        let mut stream = SeedTree::new(53, 0).stream(Purpose::Utility, prompts + group);
        let mut named = 0;
        for _ in 0..1000 {
            let mut passes = Passes::new(Some(0.5));
            let mut told = false;
            for step in 0..100 {
                let names: Vec<u64> = (0..prompts * group).map(|i| i / group).collect();
                let mut last = 0.0;
                let draw = |i: u64| {
                    if !together || i.is_multiple_of(group) {
                        last = f64::from(u8::from(stream.open_unit() < rate));
                    }
                    last
                };
                let rewards: Vec<f64> = (0..prompts * group).map(draw).collect();
                let first_row = step * prompts * group;
                passes.see(&Rows {
                    step,
                    first_row,
                    rewards: &rewards,
                    prompts: &names,
                    reference: step < 10,
                });
                told |= !passes.jumped(&names, 5).is_empty();
            }
            named += usize::from(told);
        }
        assert!(named <= 19, "{prompts} prompts of {group} at {rate}: {named} of 1000");
    }
}

/// In how many of `logs` logs of steps of `prompts` prompts, each of which passes with a rate of its own, a rise is seen.
fn risen(logs: usize, prompts: u64, rollouts: u64, mut rate: impl FnMut(&mut Stream) -> f64) -> usize {
    let mut stream = SeedTree::new(52, 0).stream(Purpose::Utility, prompts);
    let mut log = || {
        let mut passes = Passes::new(Some(0.5));
        for step in 0..30u64 {
            let (mut rewards, mut names) = (Vec::new(), Vec::new());
            for prompt in 0..prompts {
                let own = rate(&mut stream);
                for _ in 0..rollouts {
                    rewards.push(f64::from(u8::from(stream.open_unit() < own)));
                    names.push(step * prompts + prompt);
                }
            }
            let first_row = step * prompts * rollouts;
            let (rewards, prompts, reference) = (&rewards[..], &names[..], step < 10);
            passes.see(&Rows { step, first_row, rewards, prompts, reference });
        }
        passes.finish().rise.is_some()
    };
    (0..logs).filter(|_| log()).count()
}

#[test]
fn neither_prompts_that_pass_as_one_nor_the_choice_of_the_step_make_a_rise() {
    // 1% and three standard errors: the rollouts of a prompt pass together, or not at all.
    let together = risen(400, 8, 8, |stream| if stream.open_unit() < 0.5 { 0.95 } else { 0.05 });
    assert!(together <= 10, "{together} of 400");
    // All of one rate, so that the best of the twenty steps is all that there is to choose.
    let chosen = risen(2000, 16, 1, |_| 0.5);
    assert!(chosen <= 33, "{chosen} of 2000");
}

#[test]
fn a_rise_and_jumps_are_found() {
    let mut passes = Passes::new(Some(0.5));
    for step in 0..48u64 {
        let rewards: Vec<f64> =
            (0..16).map(|i| f64::from(u8::from(step >= 25 && i < 8 || i % 8 == step % 8))).collect();
        let prompts: Vec<u64> = (0..16).map(|i| if i < 8 { step % 2 } else { 9 }).collect();
        passes.see(&Rows {
            step,
            first_row: 16 * step,
            rewards: &if step < 25 { [vec![0.0; 8], rewards[8..].to_vec()].concat() } else { rewards },
            prompts: &prompts,
            reference: step < 10,
        });
    }
    let found = passes.finish();
    assert_eq!(found.rise.map(|rise| rise.from_step), Some(25));
    assert_eq!(found.jumps.iter().map(|jump| jump.step).collect::<Vec<_>>(), [25, 26]);
    assert_eq!((found.jumps[0].before, found.jumps[0].after), (96, 96));
    assert!(found.jumps[0].p_value < 1e-5);
}

/// Of `passes` and fails, the next: the rollouts of a visit go together by ρ (the urn of Eggenberger & Pólya 1923, which is the
/// beta-binomial law).
fn urn(stream: &mut Stream, mean: f64, rho: f64, passed: f64, drawn: f64) -> f64 {
    let others = (1.0 - rho) / rho;
    f64::from(u8::from(stream.open_unit() < (mean * others + passed) / (others + drawn)))
}

/// Whether a prompt is named on the way, and in the end, in a log of 40 steps of 8 of the prompts, each in its turn; the rollouts of
/// `planted` never pass in the first half and always in the second.
fn named(
    stream: &mut Stream,
    prompts: u64,
    group: u64,
    means: &[f64],
    rho: f64,
    planted: Option<u64>,
) -> [bool; 2] {
    const STEPS: u64 = 40;
    let (mut passes, mut told) = (Passes::new(Some(0.5)), false);
    for step in 0..STEPS {
        let (mut rewards, mut names) = (Vec::new(), Vec::new());
        for at in 0..8 {
            let prompt = (8 * step + at) % prompts;
            let mean = means[prompt as usize % means.len()];
            let mut passed = 0.0;
            for drawn in 0..group {
                let reward = match planted {
                    Some(planted) if planted == prompt => f64::from(u8::from(2 * step >= STEPS)),
                    _ => urn(stream, mean, rho, passed, drawn as f64),
                };
                passed += reward;
                rewards.push(reward);
                names.push(prompt);
            }
        }
        let (first_row, rewards, prompts) = (8 * group * step, &rewards[..], &names[..]);
        passes.see(&Rows { step, first_row, rewards, prompts, reference: step < 4 });
        told |= passes
            .jumped(prompts, 5)
            .iter()
            .any(|(prompt, _)| planted.is_none_or(|planted| planted == *prompt));
    }
    let found = passes.finish();
    [told, found.jumps.iter().any(|jump| planted.is_none_or(|planted| jump.row / group % 8 == planted % 8))]
}

#[test]
fn rollouts_of_a_visit_that_go_together_in_part_seldom_name_a_prompt() {
    // At most 5% of 200 logs, on the way and in the end, of prompts alike and unlike.
    for (number, means) in
        [&[0.5][..], &[0.05], &[0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98]].into_iter().enumerate()
    {
        for (prompts, group) in [(8, 4), (8, 8), (8, 16), (20, 4), (20, 8), (20, 16), (64, 8)] {
            for rho in [0.3, 0.6] {
                let mut stream =
                    SeedTree::new(55, 0).stream(Purpose::Utility, 1000 * number as u64 + prompts + group);
                let mut counts = [0, 0];
                for _ in 0..200 {
                    let found = named(&mut stream, prompts, group, means, rho, None);
                    counts = [counts[0] + usize::from(found[0]), counts[1] + usize::from(found[1])];
                }
                assert!(
                    counts.iter().all(|n| *n <= 10),
                    "{prompts} prompts of {group}, {means:?}, {rho}: {counts:?}"
                );
            }
        }
    }
}

#[test]
fn a_planted_jump_is_named_among_prompts_whose_rollouts_go_together() {
    for (group, rho) in [(4, 0.3), (4, 0.6), (8, 0.3), (8, 0.6), (16, 0.6)] {
        let mut stream = SeedTree::new(56, 0).stream(Purpose::Utility, group);
        for _ in 0..20 {
            let found = named(&mut stream, 8, group, &[0.05, 0.2, 0.4], rho, Some(3));
            assert_eq!(found, [true, true], "{group} {rho}");
        }
    }
}

#[test]
fn what_all_prompts_learn_at_once_is_no_news_of_one() {
    // From step 20 on the rollouts of each of 16 prompts pass with a rate of 0.97.
    let mut stream = SeedTree::new(57, 0).stream(Purpose::Utility, 0);
    let mut log = || {
        let mut passes = Passes::new(Some(0.5));
        for step in 0..40u64 {
            let names: Vec<u64> = (0..64).map(|i| i / 4).collect();
            let rate = if step < 20 { 0.01 } else { 0.97 };
            let rewards: Vec<f64> =
                names.iter().map(|_| f64::from(u8::from(stream.open_unit() < rate))).collect();
            passes.see(&Rows {
                step,
                first_row: 64 * step,
                rewards: &rewards,
                prompts: &names,
                reference: step < 4,
            });
        }
        passes.finish()
    };
    for _ in 0..20 {
        let found = log();
        assert!(found.jumps.is_empty() && found.rise.is_some(), "{found:?}");
    }
}

#[test]
fn prompts_whose_rollouts_share_their_outcome_among_others_name_none() {
    // 50 prompts whose rollouts are independent and 20 whose rollouts of a step pass or fail as one; eight visits each, 200 logs.
    for group in [4u64, 8] {
        let mut stream = SeedTree::new(58, 0).stream(Purpose::Utility, group);
        let mut counts = [0, 0];
        for _ in 0..200 {
            let (mut passes, mut told) = (Passes::new(Some(0.5)), false);
            for step in 0..56u64 {
                let (mut rewards, mut names) = (Vec::new(), Vec::new());
                for at in 0..10 {
                    let prompt = (10 * step + at) % 70;
                    let rate = [0.1, 0.3, 0.5, 0.7][prompt as usize % 4];
                    let one = stream.open_unit() < rate;
                    for _ in 0..group {
                        let passes = if prompt >= 50 { one } else { stream.open_unit() < rate };
                        rewards.push(f64::from(u8::from(passes)));
                        names.push(prompt);
                    }
                }
                let (first_row, rewards, prompts) = (10 * group * step, &rewards[..], &names[..]);
                passes.see(&Rows { step, first_row, rewards, prompts, reference: step < 6 });
                told |= !passes.jumped(prompts, 5).is_empty();
            }
            counts =
                [counts[0] + usize::from(told), counts[1] + usize::from(!passes.finish().jumps.is_empty())];
        }
        assert!(counts.iter().all(|n| *n <= 10), "{group}: {counts:?}");
    }
}

#[test]
fn one_mixed_step_on_the_way_hides_no_jump() {
    let mut passes = Passes::new(Some(0.5));
    for step in 0..40u64 {
        let passing = match step {
            ..20 => 0,
            20 => 4,
            _ => 8,
        };
        let rewards: Vec<f64> = (0..16)
            .map(|i| f64::from(u8::from(if i < 8 { i < passing } else { i % 4 == step % 4 })))
            .collect();
        let prompts: Vec<u64> = (0..16).map(|i| i / 8).collect();
        passes.see(&Rows {
            step,
            first_row: 16 * step,
            rewards: &rewards,
            prompts: &prompts,
            reference: step < 4,
        });
    }
    let found = passes.finish();
    let [jump] = found.jumps.as_slice() else { panic!("{found:?}") };
    assert_eq!((jump.step, jump.before, jump.between, jump.after), (20, 160, (4, 8), 152));
    assert_eq!(
        jump.said(),
        "of a prompt of which 0 of 160 passed before, 4 of 8 in the step between and all 152 since"
    );
}
