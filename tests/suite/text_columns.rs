//! Columns of text that a guess must not pass over or mistake: a reward that holds text, what a model wrote beside the truth it is
//! compared with, outcomes of few words.

use std::fmt::Write as _;
use std::fs;
use tailcatch::monitor::{Calibrate, Settings, detect};
use tailcatch::record::{InMemory, Log, LogOptions, open_log, read_log};

/// 64 rows in steps of 16 and groups of 4, with these keys beside step and prompt.
fn rows(more: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for i in 0..256 {
        writeln!(text, "{{\"step\":{},\"prompt\":\"p{}\",{}}}", i / 16, i / 4, more(i)).unwrap();
    }
    text
}

fn read(text: &str, options: &LogOptions) -> Result<Log<InMemory>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, text).unwrap();
    read_log(&[path], options).map_err(|error| format!("{error}; {}", error.help().unwrap()))
}

fn completion(more: impl Fn(usize) -> String) -> (Option<String>, Option<String>) {
    let text = rows(|i| format!("{},\"reward\":{}", more(i), i % 7));
    let log = read(&text, &LogOptions::default()).unwrap();
    (log.meta.roles.completion, log.meta.texts)
}

#[test]
fn a_reward_that_holds_text_is_not_passed_over_for_another_number() {
    let grade = |reward: &dyn Fn(usize) -> String| {
        rows(|i| format!("\"completion\":\"c{i}\",{}\"grade\":0.{i}", reward(i)))
    };
    let said = |text: &str| read(text, &LogOptions::default()).unwrap_err();
    let late =
        said(&grade(&|i| if i == 5 { "\"reward\":\"timeout\",".into() } else { format!("\"reward\":{i},") }));
    assert!(late.contains("line 6, column `reward`: it holds text beside numbers (99 "), "{late}");
    assert!(late.contains("`--reward grade`"), "{late}");
    let of_ten = said(&grade(&|i| format!("\"score\":\"{}/10\",", i % 10)));
    assert!(
        of_ten.contains("column `score`: it holds text and no numbers") && of_ten.contains("grade"),
        "{of_ten}"
    );
    let later = said(&grade(&|i| if i < 200 { String::new() } else { format!("\"reward\":{i},") }));
    assert!(later.contains("line 201: here `reward` begins") && later.contains("--reward grade"), "{later}");
    // What comes before the text is the reward; numbers and truth values are numbers.
    let first = grade(&|i| format!("\"reward\":{i},\"score\":\"good\","));
    assert_eq!(read(&first, &LogOptions::default()).unwrap().meta.reward.to_string(), "reward");
    let mixed = grade(&|i| if i % 2 == 0 { "\"reward\":true,".into() } else { "\"reward\":0.5,".into() });
    assert_eq!(read(&mixed, &LogOptions::default()).unwrap().meta.reward.to_string(), "reward");
    let proxy = grade(&|_| "\"proxy\":\"http://x\",".into());
    assert_eq!(read(&proxy, &LogOptions::default()).unwrap().meta.reward.to_string(), "grade");
}

#[test]
fn the_truth_is_not_what_the_model_wrote() {
    let truth = |i: usize| i / 4;
    let of = |name: &str, other: &str| {
        completion(|i| format!("\"{name}\":\"{}\",\"{other}\":\"text {i}\"", truth(i)))
    };
    for (name, other) in [
        ("answer", "solution_str"),
        ("pred", "generated"),
        ("prediction", "solution"),
        ("output", "response"),
        ("solution", "text"),
        ("answer", "output_response"),
    ] {
        let (column, said) = of(name, other);
        assert_eq!(column.as_deref(), Some(other), "beside `{name}`");
        assert!(said.unwrap().starts_with(&format!("column `{other}`")), "{other}");
    }
    let (none, said) = of("answer", "words");
    assert_eq!(none, None);
    assert_eq!(
        said.as_deref(),
        Some("no completions were read: name their column with --completion (`words`)")
    );
    let (own, _) = completion(|i| format!("\"answer\":\"a{i}\""));
    assert_eq!(own.as_deref(), Some("answer"), "it differs within a prompt");
    let (same, _) = completion(|i| format!("\"completion\":\"{}\"", truth(i)));
    assert_eq!(same.as_deref(), Some("completion"), "a policy that does not vary");
}

#[test]
fn the_columns_of_texts_can_be_named() {
    let text = rows(|i| format!("\"words\":\"w{i}\",\"task\":\"t{}\",\"reward\":{}", i % 3, i % 7));
    let named = |prompt: &str, completion: &str| LogOptions {
        prompt: Some(prompt.into()),
        completion: Some(completion.into()),
        ..LogOptions::default()
    };
    let roles = read(&text, &named("task", "words")).unwrap().meta.roles;
    assert_eq!((roles.prompt.as_deref(), roles.completion.as_deref()), (Some("task"), Some("words")));
    assert!(read(&text, &named("task", "wrods")).unwrap_err().contains("did you mean `words`"));
    let chat = rows(|i| format!("\"reward\":{i}")).replace(
        "\"prompt\":",
        "\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\",\"value\":\"a\"}],\"id\":",
    );
    let roles = read(&chat, &LogOptions::default()).unwrap().meta.roles;
    assert_eq!((roles.prompt.as_deref(), roles.completion.as_deref()), (Some("prompt"), Some("completion")));
}

#[test]
fn outcomes_of_few_words_are_no_identities() {
    let of = |outcome: &dyn Fn(usize) -> String, text: &str| {
        let text = rows(|i| format!("{text}\"outcome\":{},\"reward\":{}", outcome(i), i % 7));
        read(&text, &LogOptions::default()).unwrap().meta.roles.outcome.is_some()
    };
    let word = |i: usize| format!("\"{}\"", if i.is_multiple_of(3) { "pass" } else { "fail" });
    assert!(!of(&word, ""), "truth values");
    assert!(!of(&|i| format!("\"{}\"", ["win", "loss", "draw"][i % 3]), ""), "few words");
    assert!(!of(&|i| format!("{}", i as f64 + 0.5), ""), "a measure");
    assert!(!of(&|i| (i % 2).to_string(), "\"completion\":\"c\","), "0 and 1 beside texts");
    assert!(of(&|i| (i % 2).to_string(), ""), "one of two actions");
    assert!(of(&|i| format!("\"o{}\"", i % 40), ""));
    // Rollouts of one outcome are listed each.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let text = rows(|i| {
        format!("\"completion\":\"c{i}\",\"outcome\":{},\"reward\":{}", word(i), u8::from(i % 3 == 0))
    });
    fs::write(&path, text).unwrap();
    let log = open_log(&[path], &LogOptions::default()).unwrap();
    assert!(log.meta.notes.is_empty(), "{:?}", log.meta.notes);
    let settings = Settings { calibrate: Calibrate::Own, ..Settings::default() };
    assert!(detect(log, settings).unwrap().reading.list.len() > 2);
}

#[test]
fn a_step_that_is_null_at_first_is_not_passed_over() {
    let text = rows(|i| format!("\"completion\":\"c{i}\",\"reward\":{i}"));
    let late: String = text
        .lines()
        .enumerate()
        .map(|(i, line)| match i < 150 {
            true => format!("{{\"step\":null,{}\n", line.split_once(',').unwrap().1),
            false => format!("{line}\n"),
        })
        .collect();
    let said = read(&late, &LogOptions::default()).unwrap_err();
    assert!(said.contains("line 1, column `step`: the cell is empty"), "{said}");
}
