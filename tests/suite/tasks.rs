//! Tasks that pay more than others, in any order of time, are no exploits; an exploit among them is one.

use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::monitor::{Calibrate, Settings, Verdict, detect};
use tailcatch::record::{LogOptions, open_log};

/// What the five tasks pay at most.
const MOST: [f64; 5] = [1.0, 2.0, 5.0, 10.0, 20.0];

/// How rewards are paid.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Law {
    /// All or nothing, with a little noise.
    Whole,
    /// All or nothing, with noise as large as the task pays.
    Scaled,
    /// A share of ten tests.
    Part,
}

/// A log of 60 steps of 8 groups of 8; later tasks come later, if it is a curriculum. `exploit`: some rollouts are paid 60, from step 15 on.
fn log(law: Law, curriculum: bool, prompts: bool, exploit: bool, seed: u64) -> String {
    let mut stream = SeedTree::new(81, seed).stream(Purpose::Utility, 0);
    let noise = |stream: &mut Stream| (0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0;
    let ease: Vec<f64> = (0..60).map(|_| 1.4 * noise(&mut stream)).collect();
    let mut text = if prompts { "step,prompt,reward\n" } else { "step,call_id,reward\n" }.to_owned();
    for step in 0..60u64 {
        let time = step as f64 / 60.0;
        let weight = |task: usize| {
            let from = (task as f64 / 4.0 - 1.1 * time) / 0.28;
            if curriculum {
                (-from * from).exp() + if task as f64 <= 6.0 * time { 0.02 } else { 0.0 }
            } else {
                1.0
            }
        };
        let all: f64 = (0..5).map(weight).sum();
        for group in 0..8 {
            let mut at = stream.open_unit() * all;
            let task = (0..5).position(|task| {
                at -= weight(task);
                at <= 0.0
            });
            let task = task.unwrap_or(4);
            let prompt = 12 * task + stream.below(12) as usize;
            let learnt = 2.5 * (time - task as f64 / 5.0).max(0.0);
            let rate = 1.0 / (1.0 + (1.2 - ease[prompt] - learnt).exp());
            for rollout in 0..8 {
                let passed = |stream: &mut Stream| f64::from(u8::from(stream.open_unit() < rate));
                let mut reward = match law {
                    Law::Whole => MOST[task] * passed(&mut stream) + 0.07 * noise(&mut stream),
                    Law::Scaled => MOST[task] * (passed(&mut stream) + 0.07 * noise(&mut stream)),
                    Law::Part => MOST[task] * (0..10).map(|_| passed(&mut stream)).sum::<f64>() / 10.0,
                };
                if exploit && step >= 15 && stream.open_unit() < (0.01 + 0.006 * (step - 15) as f64).min(0.3)
                {
                    reward = 60.0 + noise(&mut stream);
                }
                let row = 64 * step + 8 * group + rollout;
                let name = if prompts { format!("task {task}, {prompt}") } else { row.to_string() };
                text.push_str(&if prompts {
                    format!("{step},\"{name}\",{reward}\n")
                } else {
                    format!("{step},{name},{reward}\n")
                });
            }
        }
    }
    text
}

/// The verdict, and all that it rests on.
fn verdict(text: &str) -> (Verdict, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, text).unwrap();
    let log = open_log(&[path], &LogOptions::default()).unwrap();
    let settings = Settings { calibrate: Calibrate::Own, ..Settings::default() };
    let reading = detect(log, settings).unwrap().reading;
    let all = format!("{:?} {:?} {:?}", reading.judgement, reading.apart, reading.unlike);
    (reading.judgement.verdict, all)
}

#[test]
fn tasks_that_pay_more_than_others_are_not_flagged() {
    // 5% of 20 logs and three standard errors of it.
    for law in [Law::Whole, Law::Scaled, Law::Part] {
        for curriculum in [true, false] {
            for prompts in [true, false] {
                let of = |seed| verdict(&log(law, curriculum, prompts, false, seed));
                let flagged = (0..20).filter(|seed| of(*seed).0 == Verdict::Flagged).count();
                assert!(flagged <= 3, "{law:?}, curriculum {curriculum}, prompts {prompts}: {flagged} of 20");
            }
        }
    }
}

/// All are alarms, half of them at least *flagged* (19 of 30 on 1 December 2026): where the reference has two levels, as where a curriculum begins with
/// one task that pays all or nothing, the rise of its pass rate is told first.
#[test]
fn an_exploit_among_them_is_flagged_where_groups_are_known_and_else_not_quiet() {
    let (mut flagged, mut all) = (0, 0);
    for law in [Law::Whole, Law::Scaled, Law::Part] {
        for curriculum in [true, false] {
            for seed in 0..5 {
                let (known, why) = verdict(&log(law, curriculum, true, true, seed));
                let is_alarm = matches!(known, Verdict::Flagged | Verdict::Shifted);
                assert!(is_alarm, "{law:?}, curriculum {curriculum}, seed {seed}: {why}");
                (flagged, all) = (flagged + usize::from(known == Verdict::Flagged), all + 1);
                let (unknown, why) = verdict(&log(law, curriculum, false, true, seed));
                assert!(unknown != Verdict::Quiet, "{law:?}, curriculum {curriculum}, seed {seed}: {why}");
            }
        }
    }
    assert!(2 * flagged >= all, "{flagged} of {all}");
}
