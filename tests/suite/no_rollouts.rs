//! Logs that hold no rollouts, or no reward: preference pairs, turns of conversations, samples of an evaluation, batches of tokens. They are refused
//! with what they are, and no mask, truth or counter is proposed.

use crate::cli::{outcome, tailcatch};
use serde_json::{Value, json};
use std::fs;

const ROWS: u64 = 160;

fn noise(i: u64) -> f64 {
    (i * 2_654_435_761 % 9973) as f64 / 9973.0
}

/// Lines of these records.
fn lines(row: impl Fn(u64) -> Value) -> String {
    (0..ROWS).map(|i| format!("{}\n", row(i))).collect()
}

/// What `detect` says of a log, and its code.
fn detect(text: &str, flags: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    fs::write(&path, text).unwrap();
    let (code, stdout, stderr) = outcome(tailcatch().arg("detect").arg(&path).args(flags));
    (code, stderr + &stdout)
}

fn refused(text: &str) -> String {
    let (code, said) = detect(text, &[]);
    assert_eq!(code, 2, "{said}");
    said
}

#[test]
fn no_mask_no_truth_and_no_ids_are_proposed() {
    for key in [
        "completionMask",
        "groundTruth",
        "completion_mask",
        "response_mask",
        "attention_mask",
        "mask",
        "ground_truth",
        "answer",
        "target",
        "labels",
    ] {
        let row = |i| json!({"step": i / 16, "prompt": format!("p{}", i % 4), "completion": format!("c {i}"), key: i % 7});
        let said = refused(&lines(row));
        assert!(!said.contains(&format!("--reward {key}")), "{said}");
        let what = if key.to_ascii_lowercase().contains("mask") {
            "mask of tokens"
        } else {
            "what answers are compared with"
        };
        assert!(said.contains(what) && said.contains("log the reward beside each completion"), "{said}");
        // Beside what may be the reward it is none of the choices.
        let row = |i| json!({"step": i / 16, "prompt": format!("p{}", i % 4), "completion": format!("c {i}"), key: i % 7, "hardness": noise(i)});
        let said = refused(&lines(row));
        assert!(said.contains("`hardness` could be the reward, but nothing says so"), "{said}");
    }
    let batch =
        |i| json!({"step": i / 16, "input_ids": [i, 2, 3], "attention_mask": [1, 1, 0], "labels": [i, 2, 3]});
    let said = refused(&lines(batch));
    assert!(
        said.contains("`input_ids` is a list of ids of tokens") && !said.contains("--reward input_ids"),
        "{said}"
    );
    // A misspelled column is none of them either.
    let row = |i| json!({"step": i / 16, "prompt": "p", "output": format!("c {i}"), "completion_mask": i % 2, "reward": noise(i)});
    let (code, said) = detect(&lines(row), &["--completion", "completion_text"]);
    assert!(code == 2 && !said.contains("did you mean `completion_mask`"), "{said}");
}

#[test]
fn the_truth_is_not_proposed_as_what_the_model_wrote() {
    let row = |i| json!({"step": i / 16, "question": format!("q {i}"), "ground_truth": format!("a {}", i % 9), "reward": noise(i)});
    let (code, said) = detect(&lines(row), &[]);
    assert_eq!(code, 0, "{said}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("no completions were read: `ground_truth` is taken for the truth"), "{said}");
    assert!(!said.contains("(`ground_truth`)"), "{said}");
}

#[test]
fn samples_of_lm_eval_are_told_and_read_with_their_metric() {
    let sample = |i: u64, metrics: &[&str]| {
        let mut row = json!({
            "doc_id": i, "doc": {"question": format!("q {i}"), "answer": format!("{}", i % 7)}, "target": format!("{}", i % 7),
            "resps": [[format!("so it is {}", i % 5)]], "filtered_resps": [format!("{}", i % 5)], "filter": "strict-match",
        });
        for metric in metrics {
            row[*metric] = json!(f64::from(u8::from(i.is_multiple_of(3))));
        }
        row
    };
    let said = refused(&lines(|i| sample(i, &[])));
    assert!(
        said.contains("samples of lm-eval: `resps` is what the model wrote, `target` the truth"),
        "{said}"
    );
    let said = refused(&lines(|i| sample(i, &["acc", "acc_norm"])));
    assert!(said.contains("name one with `--reward acc`") && said.contains("samples of lm-eval"), "{said}");
    assert!(!said.contains("filtered_resps="), "{said}");
    let (code, said) = detect(&lines(|i| sample(i, &["exact_match"])), &[]);
    assert!(
        code == 0 && said.contains("reward     exact_match") && said.contains("column `resps`"),
        "{said}"
    );
}

#[test]
fn preference_pairs_are_no_rollouts() {
    let pair = |i: u64, more: Value| {
        let mut row = json!({"prompt": format!("p {i}"), "chosen": format!("good {i}"), "rejected": format!("bad {i}")});
        for (name, value) in more.as_object().into_iter().flatten() {
            row[name.as_str()] = value.clone();
        }
        row
    };
    let none = "`chosen` and `rejected` are preference pairs, and no rollouts of a policy";
    let said = refused(&lines(|i| pair(i, json!({}))));
    assert!(said.contains(none) && said.contains("they have no reward that is read"), "{said}");
    let scored = lines(|i| pair(i, json!({"score_chosen": noise(i) + 1.0, "score_rejected": noise(i + 7)})));
    let said = refused(&scored);
    assert!(said.contains(none) && said.contains("`--reward score_chosen --completion chosen`"), "{said}");
    let said = refused(&lines(|i| pair(i, json!({"step": i / 16, "reward": noise(i)}))));
    assert!(said.contains(none), "{said}");
    let chat =
        |text: String| json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": text}]);
    let row = |i| json!({"chosen": chat(format!("good {i}")), "rejected": chat(format!("bad {i}")), "score_chosen": noise(i)});
    assert!(refused(&lines(row)).contains(none));
    // What was named is judged, and said to be no more than that.
    let (code, said) = detect(&scored, &["--reward", "score_chosen", "--completion", "chosen"]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 0 && said.contains(&format!("{none}: each row counts as one")), "{said}");
    // Step means of DPO are none.
    let row = |i| json!({"step": i, "rewards/chosen": noise(i), "rewards/rejected": noise(i + 3), "loss": noise(i + 5)});
    assert!(!detect(&lines(row), &[]).1.contains("preference pairs"));
}

#[test]
fn a_reward_that_begins_late_and_a_column_without_values_are_told_with_the_choices() {
    let row = |i: u64, reward: bool| {
        let mut row = json!({"step": i / 16, "prompt": i % 4, "completion": format!("c {i}")});
        if reward {
            row["reward"] = json!(noise(i));
        }
        row
    };
    let said = refused(&lines(|i| row(i, i >= 120)));
    assert!(said.contains("line 121: here `reward` begins, and the rows before it have none\n"), "{said}");
    assert!(said.contains("name the reward with `--reward reward`; rows without it are left out"), "{said}");
    let row = |i: u64| json!({"step": i / 16, "completion": format!("c {i}"), "reward": null, "judge_out": noise(i)});
    let (code, said) = detect(&lines(row), &["--reward", "reward"]);
    assert!(code == 2 && said.contains("name another column, as `--reward judge_out`"), "{said}");
    // A byte-order mark twice.
    let rows = |i: u64| format!("{},p{},c {i},{}\n", i / 16, i % 4, noise(i));
    let csv = "\u{feff}\u{feff}step,prompt,completion,reward\n".to_owned()
        + &(0..ROWS).map(rows).collect::<String>();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    fs::write(&path, csv).unwrap();
    let (code, stdout, stderr) = outcome(tailcatch().arg("detect").arg(path));
    assert!(code == 0 && stdout.contains("steps      column `step`"), "{stdout}{stderr}");
}

/// Rows of 40 conversations of 2 to 5 turns, four of them a step.
fn turns(row: impl Fn(u64, u64, u64, f64) -> Value) -> String {
    let each = |c: u64| (0..2 + c % 4).map(move |turn| (c, turn, 1 + c % 4));
    let rows = (0..40u64).flat_map(each);
    rows.map(|(c, turn, last)| format!("{}\n", row(c, turn, last, noise(c)))).collect()
}

#[test]
fn turns_of_conversations_are_no_rollouts() {
    for (of, turn) in
        [("conversation_id", "turn"), ("trajectory_id", "turn_idx"), ("session_id", "message_index")]
    {
        let rows = turns(
            |c, at, _, reward| json!({"step": c / 4, of: format!("c{c}"), turn: at, "content": format!("{c} {at}"), "reward": reward}),
        );
        let said = refused(&rows);
        assert!(said.contains(&format!("rows of one `{of}` have different `{turn}`s")), "{said}");
        assert!(
            said.contains(&format!("max_by(.[\"{turn}\"])")) && said.contains("--rows rollouts"),
            "{said}"
        );
        assert_eq!(detect(&rows, &["--rows", "rollouts"]).0, 0);
        // Turn by turn, and without a step.
        let mut sorted: Vec<&str> = rows.lines().collect();
        sorted.sort_by_key(|line| serde_json::from_str::<Value>(line).unwrap()[turn].as_u64());
        assert!(refused(&(sorted.join("\n") + "\n")).contains("looks like a turn"));
    }
    let unnamed = turns(
        |c, at, _, reward| json!({"step": c / 4, "turn": at, "content": format!("{c} {at}"), "reward": reward}),
    );
    assert!(refused(&unnamed).contains("`turn` counts on from row to row and begins anew"), "{unnamed}");
    let who = |at: u64| if at.is_multiple_of(2) { "user" } else { "assistant" };
    let messages = turns(
        |c, at, _, reward| json!({"step": c / 4, "conversation_id": c, "role": who(at), "content": format!("{c} {at}"), "reward": reward}),
    );
    let said = refused(&messages);
    assert!(said.contains("`role` says who speaks in each row (user, assistant)"), "{said}");
}

#[test]
fn a_conversation_whose_last_turn_is_paid_counts_once() {
    let rows = turns(|c, at, last, reward| {
        let reward = if at == last { json!(reward) } else { Value::Null };
        json!({"step": c / 4, "conversation_id": c, "turn": at, "content": format!("{c} {at}"), "reward": reward})
    });
    let (_, said) = detect(&rows, &[]);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("are other turns of a `conversation_id`, which counts once"), "{said}");
    assert!(said.contains("rollouts 40 in 1 file") && !said.contains("without a reward left out"), "{said}");
    // How many turns a rollout had is no number of a turn.
    let row = |i: u64| json!({"step": i / 16, "prompt": i % 4, "completion": format!("c {i}"), "turn": 1 + i * 7 % 5, "reward": noise(i)});
    assert_eq!(detect(&lines(row), &[]).0, 0);
    // Each conversation has one row.
    let row = |i: u64| json!({"step": i / 16, "conversation_id": i, "turn": 0, "role": if i.is_multiple_of(3) { "tool" } else { "assistant" }, "completion": format!("c {i}"), "reward": noise(i)});
    assert_eq!(detect(&lines(row), &[]).0, 0);
}
