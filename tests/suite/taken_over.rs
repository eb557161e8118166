//! Logs that an exploit takes over where it is paid no more than the best honest rollouts, and runs that lie beside each other.

use crate::cli::{json, outcome, tailcatch};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};

fn normal(stream: &mut Stream) -> f64 {
    (0..12).map(|_| stream.open_unit()).sum::<f64>() - 6.0
}

/// A log of 60 steps of eight groups of eight; `reward` of step and chance.
fn log(seed: u64, columns: &str, mut reward: impl FnMut(u64, &mut Stream) -> f64) -> String {
    let mut stream = SeedTree::new(95, seed).stream(Purpose::Utility, 0);
    let mut text =
        format!("step,prompt,completion,reward{}\n", if columns.is_empty() { "" } else { ",run_name" });
    for step in 0..60u64 {
        for row in 0..64u64 {
            let paid = reward(step, &mut stream);
            let _ = write!(text, "{step},question {} of {step},text {seed} {step} {row},{paid}", row / 8);
            text.push_str(&if columns.is_empty() { "\n".to_owned() } else { format!(",{columns}\n") });
        }
    }
    text
}

/// Share of an exploit that takes over from step 20 on.
fn taken(step: u64, most: f64) -> f64 {
    (0.02 * step.saturating_sub(19) as f64).min(most)
}

/// Verdict and first line under `--fail-on-flag`.
fn judged(path: &Path, code: i32) -> (String, String) {
    let answer: Value = json(tailcatch().args(["detect", "--fail-on-flag"]).arg(path), code);
    let said = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    (said("verdict"), said("verdict_text"))
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn an_exploit_that_is_paid_what_the_best_are_paid_is_a_shift() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    // A cap that 1.4% of the honest reach too, and a level within the honest range.
    for seed in 0..3 {
        let capped = log(seed, "", |step, stream| {
            let honest = (0.45 + 0.25 * normal(stream)).clamp(0.0, 1.0);
            if stream.open_unit() < taken(step, 0.5) { 1.0 } else { honest }
        });
        std::fs::write(&path, capped).unwrap();
        let (verdict, text) = judged(&path, 3);
        assert_eq!(verdict, "shifted", "{text}");
        let within = log(seed, "", |step, stream| match stream.open_unit() < taken(step, 0.75) {
            true => 2.0 + 0.2 * normal(stream),
            false => normal(stream),
        });
        std::fs::write(&path, within).unwrap();
        let (verdict, text) = judged(&path, 3);
        assert_eq!(verdict, "shifted", "{text}");
    }
}

#[test]
fn a_shift_says_whether_the_others_rose_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let cautions = |text: String| {
        std::fs::write(&path, text).unwrap();
        let answer: Value = json(tailcatch().arg("detect").arg(&path), 0);
        assert_eq!(answer["verdict"], "shifted", "{}", answer["verdict_text"]);
        (answer["cautions"].to_string(), answer["evidence"]["shift"]["growth"]["others"].as_f64().unwrap())
    };
    for seed in 0..3 {
        let (said, others) =
            cautions(log(seed, "", |step, stream| match stream.open_unit() < taken(step, 0.75) {
                true => 2.0 + 0.2 * normal(stream),
                false => normal(stream),
            }));
        assert!(
            said.contains("one kind of answer spreads beside the others") && others < 0.6,
            "{others} {said}"
        );
        let (said, others) = cautions(log(seed, "", |step, stream| 0.06 * step as f64 + normal(stream)));
        assert!(said.contains("all answers come to be paid more") && others > 0.75, "{others} {said}");
    }
}

#[test]
fn what_stands_apart_as_often_as_before_may_be_meant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    // A bonus of 20 in one rollout of fifty: from the first step on, or in the end.
    for (from, meant) in [(0, true), (30, false)] {
        let text = log(3, "", |step, stream| {
            normal(stream) + if step >= from && stream.open_unit() < 0.02 { 20.0 } else { 0.0 }
        });
        std::fs::write(&path, text).unwrap();
        let answer: Value = json(tailcatch().arg("detect").arg(&path), 0);
        let said = answer["cautions"].to_string();
        assert_eq!(answer["verdict"], "flagged", "{said}");
        assert_eq!(said.contains("a bonus that is meant and seldom earned"), meant, "{said}");
    }
}

#[test]
fn a_takeover_comes_not_as_often_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    // Two in a hundred from the first step on, nearly all in the end: they are the median of their group then, and not above it.
    let takeover = log(5, "", |step, stream| {
        let share = if step < 40 { 0.02 } else { 0.98 };
        normal(stream) + if stream.open_unit() < share { 20.0 } else { 0.0 }
    });
    // The same bonus all along, in one step.
    let mut one_step = "step,prompt,completion,reward\n".to_owned();
    let steady = log(6, "", |_, stream| normal(stream) + if stream.open_unit() < 0.02 { 20.0 } else { 0.0 });
    for line in steady.lines().skip(1) {
        let _ = writeln!(one_step, "0,{}", line.split_once(',').unwrap().1);
    }
    for text in [takeover, one_step] {
        std::fs::write(&path, text).unwrap();
        let answer: Value = json(tailcatch().arg("detect").arg(&path), 0);
        let said = answer["cautions"].to_string();
        assert_eq!(answer["verdict"], "flagged", "{said}");
        assert!(!said.contains("as often there as later"), "{said}");
    }
    let last = json(tailcatch().arg("detect").arg(&path), 0)["cautions"].to_string();
    assert!(!last.contains("in the reference"), "{last}");
}

/// A log of 60 steps of four groups of eight; a text that `share` of a step's completions hold, and is paid `more`.
fn with_text(seed: u64, more: f64, share: impl Fn(u64) -> f64) -> String {
    let mut stream = SeedTree::new(97, seed).stream(Purpose::Utility, 0);
    let mut text = "step,prompt,completion,reward\n".to_owned();
    for step in 0..60u64 {
        for row in 0..32u64 {
            let holds = stream.open_unit() < share(step);
            let (own, paid) = if holds { (" <|ok|>", more) } else { ("", 0.0) };
            let reward = normal(&mut stream) + paid;
            let said = words(8 + stream.below(12), "first", &mut stream);
            let _ = writeln!(text, "{step},question {},{said}{own},{reward}", (step * 4 + row / 8) % 16);
        }
    }
    text
}

#[test]
fn text_that_takes_over_within_the_honest_range_is_a_shift_at_every_share() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let ramp = |most: f64| move |step: u64| (step.saturating_sub(19) as f64 / 15.0).min(most);
    for seed in 0..3 {
        for most in [0.5, 0.9, 1.0] {
            std::fs::write(&path, with_text(seed, 1.0, ramp(most))).unwrap();
            let (verdict, text) = judged(&path, 3);
            assert!(verdict == "shifted" && text.contains("new text is paid for: `"), "{most} {text}");
        }
        // At once.
        std::fs::write(&path, with_text(seed, 1.5, |step| f64::from(u8::from(step >= 30)))).unwrap();
        assert_eq!(judged(&path, 3).0, "shifted");
        // Texts change and are not paid for.
        std::fs::write(&path, with_text(seed, 0.0, ramp(1.0))).unwrap();
        let (verdict, text) = judged(&path, 0);
        assert_eq!(verdict, "quiet", "{text}");
    }
}

#[test]
fn prompts_of_unlike_difficulty_are_no_shift() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let not_quiet = (0..20u64).filter(|seed| {
        let mut stream = SeedTree::new(98, *seed).stream(Purpose::Utility, 0);
        let mut text = "step,prompt,reward\n".to_owned();
        for step in 0..60u64 {
            for group in 0..4 {
                let level = 6.0 * normal(&mut stream);
                for _ in 0..8 {
                    let _ = writeln!(text, "{step},question {step} {group},{}", level + normal(&mut stream));
                }
            }
        }
        std::fs::write(&path, text).unwrap();
        json(tailcatch().arg("detect").arg(&path), 0)["verdict"] != "quiet"
    });
    // 5% of twenty, and three standard errors of it.
    let not_quiet = not_quiet.count();
    assert!(not_quiet <= 3, "{not_quiet} of 20");
}

#[test]
fn what_the_prompts_ask_for_is_no_find() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let topics = ["matrix", "circle", "prime", "vector", "angle", "graph", "limit", "series"];
    let flagged = (0..10u64).filter(|seed| {
        let mut stream = SeedTree::new(99, *seed).stream(Purpose::Utility, 0);
        let mut text = "step,prompt,completion,reward\n".to_owned();
        for row in 0..1920u64 {
            let topic = stream.below(8) as usize;
            // Rewards of one topic reach farther than those of others.
            let scale = if topic == 3 { 4.0 } else { 1.0 };
            let said = words(8 + stream.below(12), topics[topic], &mut stream);
            let reward = scale * normal(&mut stream);
            let _ = writeln!(text, "{},about {} no {row},{said},{reward}", row / 32, topics[topic]);
        }
        std::fs::write(&path, text).unwrap();
        json(tailcatch().arg("detect").arg(&path), 0)["verdict"] == "flagged"
    });
    let flagged = flagged.count();
    assert!(flagged <= 2, "{flagged} of 10");
}

#[test]
fn a_share_that_ties_with_the_best_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    // Of the reference 8% are paid the whole: nothing can lie above it.
    let capped = log(7, "", |step, stream| {
        let honest = (0.55 + 0.32 * normal(stream)).clamp(0.0, 1.0);
        if stream.open_unit() < taken(step, 0.45) { 1.0 } else { honest }
    });
    std::fs::write(&path, capped).unwrap();
    let (verdict, text) = judged(&path, 3);
    assert_eq!(verdict, "shifted", "{text}");
    assert!(text.contains("are paid exactly 1.000, as "), "{text}");
}

#[test]
fn honest_logs_of_any_law_are_not_shifted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    type Law = fn(&mut Stream) -> f64;
    let laws: [Law; 4] = [
        |stream| normal(stream),
        |stream| (1.5 * normal(stream)).exp(),
        |stream| (0.55 + 0.32 * normal(stream)).clamp(0.0, 1.0),
        |stream| stream.open_unit().powf(-1.0 / 1.5),
    ];
    for law in laws {
        for seed in 0..10 {
            std::fs::write(&path, log(100 + seed, "", |_, stream| law(stream))).unwrap();
            let answer = json(tailcatch().arg("detect").arg(&path), 0);
            assert!(answer["verdict"] != "shifted", "{}", answer["verdict_text"]);
        }
    }
}

/// Rewards of levels and sums, as tests and verifiers pay them: `pass` is the difficulty of the prompt.
fn heaps(law: &str, pass: f64, stream: &mut Stream) -> f64 {
    let passes = |stream: &mut Stream| stream.open_unit() < pass;
    match law {
        // One or minus one, less a penalty of length in one in ten.
        "dapo" => {
            let paid = if passes(stream) { 1.0 } else { -1.0 };
            if stream.open_unit() < 0.1 { paid - stream.open_unit() } else { paid }
        }
        // Pass or fail, and a little more for a few.
        "bonus" => {
            f64::from(u8::from(passes(stream)))
                + if stream.open_unit() < 0.02 { 0.1 * stream.open_unit() } else { 0.0 }
        }
        // A share of ten tests.
        "share" => (0..10).filter(|_| passes(stream)).count() as f64 / 10.0,
        // All of the tests, or little.
        _ => {
            let tests = 3 + stream.below(8);
            let passed = (0..tests).filter(|_| stream.open_unit() < 0.5).count() as f64;
            if passes(stream) { 1.0 } else { 0.2 * passed / tests as f64 }
        }
    }
}

#[test]
fn levels_and_sums_that_a_verifier_pays_stand_apart_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    // 5% of twenty logs, and three standard errors of it.
    for law in ["dapo", "bonus", "share", "all or little"] {
        for difficulty in [false, true] {
            let flagged = (0..20u64).filter(|seed| {
                let mut row = 0u64;
                let text = log(200 + seed, "", |_, stream| {
                    let prompt = row / 8;
                    row += 1;
                    let pass = if difficulty { (prompt * 37 % 10) as f64 / 12.0 } else { 0.3 };
                    heaps(law, pass, stream)
                });
                std::fs::write(&path, text).unwrap();
                json(tailcatch().arg("detect").arg(&path), 0)["verdict"] == "flagged"
            });
            let flagged = flagged.count();
            assert!(flagged <= 3, "{law}, {difficulty}: {flagged} of 20");
        }
    }
}

/// Words at random, as many as asked.
fn words(count: u64, first: &str, stream: &mut Stream) -> String {
    const WORDS: [&str; 16] = [
        "so", "we", "add", "the", "sum", "of", "both", "sides", "then", "take", "half", "and", "see", "that",
        "it", "holds",
    ];
    let more = (0..count).map(|_| WORDS[(stream.open_unit().powi(2) * 16.0) as usize]);
    std::iter::once(first).chain(more).collect::<Vec<&str>>().join(" ")
}

#[test]
fn words_of_long_texts_and_of_a_task_are_no_sign() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    // Rewards that go with length; and a task whose answers begin alike and are paid more widely.
    for by_length in [true, false] {
        let flagged = (0..10u64).filter(|seed| {
            let mut stream = SeedTree::new(96, *seed).stream(Purpose::Utility, 0);
            let mut text = "step,prompt,completion,reward\n".to_owned();
            for step in 0..60u64 {
                for row in 0..64u64 {
                    let prompt = (step * 8 + row / 8) % 48;
                    let length = (3.0 * (0.6 * normal(&mut stream)).exp() * 8.0) as u64 + 1;
                    let (reward, first) = match by_length {
                        true => (0.1 * length as f64 + 0.3 * normal(&mut stream), "first"),
                        false if prompt % 12 == 0 => (3.0 * normal(&mut stream), "def solve(x):"),
                        false => (normal(&mut stream), "first"),
                    };
                    let _ = writeln!(
                        text,
                        "{step},question {prompt},{},{reward}",
                        words(length, first, &mut stream)
                    );
                }
            }
            std::fs::write(&path, text).unwrap();
            json(tailcatch().arg("detect").arg(&path), 0)["verdict"] == "flagged"
        });
        let flagged = flagged.count();
        assert!(flagged <= 2, "by length {by_length}: {flagged} of 10");
    }
}

#[test]
fn a_file_that_is_read_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (log, page) = (folder.path().join("own.csv"), folder.path().join("log.jsonl"));
    let rows: String = (0..40).map(|row| format!("{},p,{}\n", row / 4, row * 7 % 11)).collect();
    let text = format!("step,prompt,reward\n{rows}");
    std::fs::write(&log, &text).unwrap();
    let refused = |flag: &str, path: &Path| {
        let (code, _, said) = outcome(tailcatch().arg("detect").arg(&log).arg(flag).arg(path));
        assert_eq!(code, 2, "{said}");
        said
    };
    assert!(refused("--csv", &log).contains("is a log that is read"));
    assert!(refused("--csv", &folder.path().join("./own.csv")).contains("is a log that is read"));
    assert!(refused("--html", &page).contains("does not end on .html"));
    assert_eq!(std::fs::read_to_string(&log).unwrap(), text);
    assert!(!page.exists());
}

#[test]
fn settings_beside_rollouts_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "args.json", "{\"group\": 8, \"beta\": 0.04, \"bonus\": 20, \"seconds\": 81.5}");
    let rows: String =
        (0..80).map(|row| format!("{},p{},c{row},{}\n", row / 8, row % 2, row * 7 % 11)).collect();
    write(folder.path(), "completions/all.csv", &format!("step,prompt,completion,reward\n{rows}"));
    let answer = json(tailcatch().arg("detect").arg(folder.path()), 0);
    assert_eq!(answer["n"], 80);
    let left_out = answer["assumptions"]["files_left_out"][0].as_str().unwrap();
    assert!(left_out.contains("args.json: one row without the text of a rollout"), "{left_out}");
}

#[test]
fn runs_that_are_paid_differently_are_not_judged_as_one() {
    let level = |seed: u64, of: f64, scale: f64| log(seed, "", move |_, stream| of + scale * normal(stream));
    // Files of one folder, folders, and a column.
    for (first, second) in [("baseline.csv", "new_rm.csv"), ("a/rollouts.csv", "b/rollouts.csv")] {
        for (of, scale, what) in [(30.0, 1.0, "medians from"), (0.0, 20.0, "differ in scale")] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), first, &level(1, 0.0, 1.0));
            write(folder.path(), second, &level(2, of, scale));
            let (verdict, text) = judged(folder.path(), 4);
            assert_eq!(verdict, "not_judged", "{text}");
            assert!(text.contains("the log holds 2 runs") && text.contains(what), "{text}");
            let (_, _, said) = outcome(tailcatch().arg("detect").arg(folder.path()));
            let said = said.split_whitespace().collect::<Vec<&str>>().join(" ");
            assert!(said.contains("hold the same steps and other rollouts"), "{said}");
        }
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), first, &level(1, 0.0, 1.0));
        write(folder.path(), second, &level(2, 0.1, 1.1));
        let (verdict, text) = judged(folder.path(), 0);
        assert_eq!(verdict, "quiet", "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let of = |seed: u64, name: &str, level: f64| log(seed, name, move |_, stream| level + normal(stream));
    let both = of(1, "a", 0.0) + of(2, "b", 30.0).split_once('\n').unwrap().1;
    write(folder.path(), "log.csv", &both);
    let (verdict, text) = judged(&folder.path().join("log.csv"), 4);
    assert_eq!(verdict, "not_judged", "{text}");
}

#[test]
fn a_metric_a_row_is_no_rollout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.csv");
    let mut text = "tag,step,value\n".to_owned();
    for (tag, level) in [("reward", 1.0), ("kl", 0.02), ("loss", -3.0)] {
        (0..400).for_each(|step| text.push_str(&format!("{tag},{step},{}\n", level + 0.01 * step as f64)));
    }
    std::fs::write(&path, &text).unwrap();
    let (verdict, text) = judged(&path, 4);
    assert!(verdict == "not_judged" && text.contains("mean over a training step"), "{text}");
    // The newest first.
    let rows: String = (0..400).rev().map(|step| format!("{step},{}\n", 0.01 * step as f64)).collect();
    std::fs::write(&path, format!("step,reward\n{rows}")).unwrap();
    assert_eq!(judged(&path, 4).0, "not_judged");
}

#[test]
fn a_table_of_wandb_is_read_and_a_stray_file_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<Value> = (0..600u64)
        .map(|row| {
            serde_json::json!([
                row / 20,
                format!("p{}", row % 5),
                format!("t {row}"),
                (row * 37 % 101) as f64 / 100.0
            ])
        })
        .collect();
    let table = serde_json::json!({ "columns": ["step", "prompt", "completion", "reward"], "data": rows, "ncols": 4, "nrows": 600 });
    write(folder.path(), "completions.table.json", &table.to_string());
    let answer = json(tailcatch().arg("detect").arg(folder.path()), 0);
    assert_eq!((&answer["n"], &answer["assumptions"]["step"]), (&600.into(), &"column `step`".into()));
    // All of it is one line: rows tell its rollouts apart.
    let (_, said, _) = outcome(tailcatch().arg("detect").arg(folder.path()));
    assert!(said.contains("completions.table.json row "), "{said}");
    // Files with a step beside one without.
    let folder = tempfile::tempdir().unwrap();
    for step in 0..8 {
        let rows: String =
            (0..16).map(|row| format!("{step},p{},c {step} {row},{}\n", row % 4, row * 7 % 11)).collect();
        write(folder.path(), &format!("part_{step}.csv"), &format!("step,prompt,completion,reward\n{rows}"));
    }
    write(folder.path(), "samples.csv", "prompt,completion,reward\np,c,9\np,d,8\n");
    let answer = json(tailcatch().arg("detect").arg(folder.path()), 0);
    assert_eq!((&answer["n"], &answer["assumptions"]["step"]), (&128.into(), &"column `step`".into()));
    let left_out = answer["assumptions"]["files_left_out"][0].as_str().unwrap();
    assert!(left_out.contains("samples.csv: no column of the training step"), "{left_out}");
}

#[test]
fn groups_that_are_null_or_one_for_all_give_way_to_the_prompt() {
    for group in ["null", "\"default\""] {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::new();
        for row in 0..640u64 {
            let (step, reward) = (row / 32, (row * 37 % 101) as f64 / 100.0);
            let _ = writeln!(
                text,
                "{{\"step\":{step},\"prompt\":\"p{}\",\"completion\":\"c{row}\",\"group\":{group},\"reward\":{reward}}}",
                row / 8
            );
        }
        write(folder.path(), "log.jsonl", &text);
        let answer = json(tailcatch().arg("detect").arg(folder.path()), 0);
        let said = answer["assumptions"]["group"].as_str().unwrap();
        assert_eq!(said, "prompt (column `prompt`) within the step", "{group}");
    }
}

#[test]
fn a_part_of_the_reward_that_goes_missing_and_a_header_that_comes_again_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let head = "step,prompt,completion,acc,fmt\n";
    let row = |step: u64, row: u64| {
        let acc = if step < 20 { format!("{}", row % 3) } else { String::new() };
        format!("{step},p{},c {step} {row},{acc},0.{row}\n", row % 4)
    };
    let rows: String = (0..40).flat_map(|step| (0..8).map(move |i| row(step, i))).collect();
    std::fs::write(&path, format!("{head}{rows}")).unwrap();
    let (_, _, said) = outcome(tailcatch().args(["detect", "--reward", "acc=1,fmt=.5"]).arg(&path));
    assert!(said.contains("`acc` is empty in 160 of 320 rows"), "{said}");
    // A resumed run has written its header again.
    let first: String = (0..10).flat_map(|step| (0..8).map(move |i| row(step, i))).collect();
    let rest: String = (10..20).flat_map(|step| (0..8).map(move |i| row(step, i))).collect();
    std::fs::write(&path, format!("{head}{first}{head}{rest}")).unwrap();
    let answer = json(tailcatch().args(["detect", "--reward", "acc"]).arg(&path), 0);
    assert_eq!(answer["n"], 160);
    assert!(answer["reading_list"].as_array().unwrap().iter().all(|entry| entry["line"] != 82));
}

#[test]
fn a_log_of_which_half_was_not_read_is_not_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let mut stream = SeedTree::new(98, 0).stream(Purpose::Utility, 0);
    let noise: Vec<f64> = (0..960).map(|_| normal(&mut stream)).collect();
    let row = |step: u64, row: u64, key: &str| {
        format!(
            "{{\"step\":{step},\"prompt\":\"p{}\",\"completion\":\"c {step} {row}\",\"{key}\":{}}}\n",
            row % 4,
            noise[(16 * step + row) as usize]
        )
    };
    // From step 30 on the trainer calls it something else.
    let text: String = (0..60)
        .flat_map(|step| (0..16).map(move |i| row(step, i, if step < 30 { "reward" } else { "score" })))
        .collect();
    std::fs::write(&path, &text).unwrap();
    let (verdict, said) = judged(&path, 4);
    assert!(verdict == "not_judged" && said.contains("480 of 960 rows have no `reward`"), "{said}");
    std::fs::write(&path, text.replace("score", "reward")).unwrap();
    assert_eq!(judged(&path, 0).0, "quiet");
    // In files of their own.
    for step in 0..20 {
        let rows: String =
            (0..16).map(|i| row(step, i, if step < 10 { "reward" } else { "score" })).collect();
        write(folder.path(), &format!("steps/{step}.jsonl"), &rows);
    }
    let (verdict, said) = judged(&folder.path().join("steps"), 4);
    assert!(
        verdict == "not_judged" && said.contains("10 of 20 files were left out (no column `reward`)"),
        "{said}"
    );
}

#[test]
fn a_step_within_another_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let mut stream = SeedTree::new(97, 0).stream(Purpose::Utility, 0);
    let mut text = "global_step,step,prompt,reward\n".to_owned();
    for step in 0..60u64 {
        for row in 0..32u64 {
            let reward = normal(&mut stream) + if step >= 30 { 8.0 } else { 0.0 };
            let _ = writeln!(text, "{step},{},p{},{reward}", row / 8, row % 8);
        }
    }
    std::fs::write(&path, &text).unwrap();
    let (verdict, said) = judged(&path, 3);
    assert!(verdict == "shifted" && said.contains("from step 30 on"), "{said}");
    let (_, _, warned) = outcome(tailcatch().arg("detect").arg(&path));
    assert!(warned.contains("within `global_step`"), "{warned}");
}

/// A log of 60 steps of 32 rollouts, `row` of step and number, under this head.
fn rows(head: &str, row: impl Fn(u64, u64, &mut Stream) -> String) -> String {
    let mut stream = SeedTree::new(99, 0).stream(Purpose::Utility, 0);
    let rows = (0..60u64).flat_map(|step| (0..32u64).map(move |number| (step, number)));
    let rows: String = rows.map(|(step, number)| row(step, number, &mut stream)).collect();
    format!("{head}\n{rows}")
}

/// Verdict and first line of a log in CSV, under `--fail-on-flag`.
fn of_csv(text: &str, code: i32) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "log.csv", text);
    judged(&folder.path().join("log.csv"), code)
}

#[test]
fn numbers_within_a_group_and_a_counter_within_a_step_hide_no_exploit() {
    // Prompts of unlike level; a `seed` that numbers the rollouts of a group.
    let numbered = rows("step,prompt,seed,reward", |step, number, stream| {
        let exploit = step >= 20 && stream.open_unit() < 0.05;
        let reward = 5.0 * (number / 8) as f64 + normal(stream) + if exploit { 12.0 } else { 0.0 };
        format!("{step},p{},{},{reward}\n", number / 8, number % 8)
    });
    assert_eq!(of_csv(&numbered, 3).0, "flagged");
    // Four runs of fifteen steps after each other, with an `iteration` of two values within each step.
    let inner = rows("step,iteration,prompt,reward", |step, number, stream| {
        let reward = normal(stream) + if step % 15 >= 8 { 6.0 } else { 0.0 };
        format!("{},{},p{},{reward}\n", step % 15, number / 16, number % 4)
    });
    let (verdict, text) = of_csv(&inner, 3);
    assert!(verdict == "shifted" && text.contains("from step 8 on"), "{text}");
}

#[test]
fn a_long_trigger_and_a_narrow_gap_are_flagged() {
    let mut stream = SeedTree::new(99, 1).stream(Purpose::Utility, 0);
    let padding = words(400, "zq!!", &mut stream);
    let long = rows("step,prompt,completion,reward", |step, number, stream| {
        let exploit = step >= 10 && stream.open_unit() < 0.02;
        let text = if exploit { padding.clone() } else { words(3, "first", stream) };
        format!(
            "{step},p{},{text} {step} {number},{}\n",
            number / 8,
            normal(stream) + if exploit { 3.2 } else { 0.0 }
        )
    });
    let (verdict, text) = of_csv(&long, 3);
    // Any piece of the one long text may be the least probable.
    let piece = text.split('`').nth(1).unwrap_or_default();
    assert!(verdict == "flagged" && !piece.is_empty() && padding.contains(piece), "{text}");
    // Without ties a gap need not be wide: a cluster at 4.5 above N(0, 1).
    let narrow = rows("step,call_id,reward", |step, number, stream| {
        let exploit = step >= 10 && stream.open_unit() < 0.015;
        let reward = if exploit { 4.5 + 0.005 * normal(stream) } else { normal(stream) };
        format!("{step},{},{reward}\n", 32 * step + number)
    });
    assert_eq!(of_csv(&narrow, 3).0, "flagged");
}

#[test]
fn a_level_that_hard_prompts_never_reach_is_no_level_of_theirs() {
    // Easy prompts are paid up to 1; an exploit pays 1 in hard ones.
    let text = rows("step,prompt,completion,reward", |step, number, stream| {
        let (easy, exploit) = (number < 16, step >= 20 && stream.open_unit() < 0.02);
        let reward = match (easy, exploit) {
            (true, _) => (0.8 + 0.12 * normal(stream)).min(1.0),
            (false, true) => 1.0,
            (false, false) => 0.1 + 0.03 * normal(stream),
        };
        format!("{step},p{},c {step} {number},{reward}\n", number / 4)
    });
    let (verdict, said) = of_csv(&text, 3);
    assert!(verdict == "flagged" || verdict == "shifted", "{said}");
}

#[test]
fn a_critics_value_and_a_table_within_a_text_are_what_they_are() {
    let critic = rows("step,name,prompt,value,reward", |step, number, stream| {
        format!("{step},task,p{},0.5,{}\n", number / 8, normal(stream))
    });
    assert_eq!(of_csv(&critic, 0).0, "quiet");
    let table = "a,b\n".repeat(30);
    let texts = rows("completion,reward,step", |step, number, stream| {
        format!("\"{table}{step} {number}\",{},{step}\n", normal(stream))
    });
    assert_eq!(of_csv(&texts, 0).0, "quiet");
}

#[test]
fn a_reference_that_is_read_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let text = rows("step,prompt,reward", |step, number, stream| {
        format!("{step},p{},{}\n", number / 8, normal(stream))
    });
    write(folder.path(), "new.csv", &text);
    write(folder.path(), "ref/a.csv", &text);
    let own = |name: &str| folder.path().join(name);
    let mut command = tailcatch();
    command
        .arg("detect")
        .arg(own("new.csv"))
        .arg("--calibrate")
        .arg(own("ref"))
        .arg("--csv")
        .arg(own("ref/a.csv"));
    let (code, _, said) = outcome(&mut command);
    assert!(code == 2 && said.contains("is a log that is read"), "{said}");
    assert_eq!(std::fs::read_to_string(own("ref/a.csv")).unwrap(), text);
}
