//! Logs that are refused with what makes them readable, and oddities of writers that are read all the same.

use std::fs;
use tailcatch::record::{InMemory, Log, LogOptions, read_log};

/// 64 rows of JSON with a prompt, a completion and this of each row.
fn rows(of: impl Fn(usize) -> String) -> String {
    (0..64)
        .map(|i| format!("{{\"step\":{},\"prompt\":\"p\",\"completion\":\"c {i}\",{}}}\n", i / 8, of(i)))
        .collect()
}

fn read(name: &str, bytes: &[u8], options: &LogOptions) -> Result<Log<InMemory>, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    read_log(&[folder.path().join(name)], options).map_err(|error| {
        let text = format!("{error}\n{}", error.help().unwrap());
        text.replace(&format!("{}/", folder.path().display()), "")
    })
}

fn refused(name: &str, text: &str) -> String {
    match read(name, text.as_bytes(), &LogOptions::default()) {
        Ok(log) => panic!("{name} was read as {}", log.meta.reward),
        Err(said) => said,
    }
}

fn rewards(name: &str, bytes: &[u8]) -> Vec<f64> {
    let log = read(name, bytes, &LogOptions::default()).unwrap_or_else(|said| panic!("{name}: {said}"));
    log.rollouts.observed.proxy.clone()
}

#[test]
fn a_reward_that_is_text_is_refused_with_what_it_holds() {
    let grades =
        refused("a.jsonl", &rows(|i| format!("\"reward\":\"{}\"", if i % 3 == 0 { "C" } else { "I" })));
    assert!(grades.contains("line 1, column `reward`: it holds text and no numbers: `C`, `I` …"), "{grades}");
    assert!(grades.contains("write 1 and 0 in their place"), "{grades}");
    let percent = refused("a.jsonl", &rows(|i| format!("\"reward\":\"{i}.5%\"")));
    assert!(percent.contains("write the numbers without `%`"), "{percent}");
    let json = refused("a.jsonl", &rows(|i| format!("\"reward\":\"{{\\\"acc\\\": {i}}}\"")));
    assert!(json.contains("fromjson"), "{json}");
    let tensor = refused("a.csv", &format!("step,reward\n{}", "1,tensor(0.5)\n2,tensor(0.7)\n".repeat(9)));
    assert!(tensor.contains("reward.item()"), "{tensor}");
    let dollars = refused("a.csv", &format!("step,reward\n{}", "1,$1.5\n2,$0.7\n".repeat(9)));
    assert!(dollars.contains("write plain numbers"), "{dollars}");
}

#[test]
fn words_of_verdicts_are_rewards_of_0_and_1() {
    for (pass, fail) in [("yes", "no"), ("PASS", "FAIL"), ("correct", "incorrect")] {
        let text = rows(|i| format!("\"reward\":\"{}\"", if i % 3 == 0 { pass } else { fail }));
        let found = rewards("a.jsonl", text.as_bytes());
        assert_eq!(found[..4], [1.0, 0.0, 0.0, 1.0], "{pass}");
    }
}

#[test]
fn parts_of_a_reward_are_not_offered_as_rollouts() {
    let text = rows(|i| {
        format!("\"rewards\":[{{\"name\":\"acc\",\"value\":{i}.5}},{{\"name\":\"fmt\",\"value\":1.0}}]")
    });
    let said = refused("a.jsonl", &text);
    assert!(said.contains("--reward rewards/0/value=1,rewards/1/value=1"), "{said}");
    let options = LogOptions {
        reward: Some("rewards/0/value=1,rewards/1/value=1".parse().unwrap()),
        ..LogOptions::default()
    };
    let log = read("a.jsonl", text.as_bytes(), &options).unwrap();
    assert_eq!(log.rollouts.observed.proxy[..2], [1.5, 2.5]);
    let elements = rows(|i| format!("\"results\":[{{\"reward\":{i}.5}},{{\"reward\":1.0}}]"));
    let said = refused("a.jsonl", &elements);
    assert!(said.contains("'results/*/reward'"), "{said}");
}

#[test]
fn keys_that_number_rows_are_no_columns() {
    let pandas = serde_json::json!({
        "step": (0..40).map(|i| (i.to_string(), i.into())).collect::<serde_json::Map<_, _>>(),
        "reward": (0..40).map(|i| (i.to_string(), 0.5.into())).collect::<serde_json::Map<_, _>>(),
    });
    let said = refused("a.json", &pandas.to_string());
    assert!(said.contains("orient='records', lines=True"), "{said}");
    let named: serde_json::Map<String, serde_json::Value> =
        (0..40).map(|i| (format!("r{i}"), serde_json::json!({"reward": 0.5 * f64::from(i)}))).collect();
    let said = refused("a.json", &serde_json::Value::from(named).to_string());
    assert!(said.contains("jq -c '.[]' LOG"), "{said}");
}

#[test]
fn names_and_formats_that_are_not_read_have_a_remedy_in_one_command() {
    for (name, command) in [
        ("a.arrow", "Dataset.from_file('a.arrow')"),
        ("a.feather", "read_feather('a.feather')"),
        ("a.db", "sqlite3 -header -csv a.db"),
        ("a.tar.gz", "tar -xzOf a.tar.gz | tailcatch detect -"),
        ("a.txt", "tailcatch detect - < a.txt"),
        ("log", "tailcatch detect - < log"),
    ] {
        let said = refused(name, "x");
        assert!(said.contains(command), "{name}: {said}");
    }
    let named = |name: &str| refused("a.csv", &format!("step,{name},b\n{}", "1,0.5,2\n2,0.7,3\n".repeat(9)));
    assert!(named("-x").contains("`--reward=-x`"), "{}", named("-x"));
    let one = refused("a.jsonl", &rows(|i| format!("\"a=1\":{i}.5")));
    assert!(one.contains("once it is renamed"), "{one}");
    let several = rows(|i| format!("\"reward\":{i}.5")).replacen("}\n", "}", 5);
    assert!(refused("a.jsonl", &several).contains("jq -c . a.jsonl > log.jsonl"));
    let table = "[[1.5, 1, 0.5], [2.5, 2, 0.7]]";
    assert!(refused("a.json", table).contains("@csv"));
    let inner = rows(|_| "\"a\":{\"rewards\":[0.5,0.7]}".to_owned());
    let options = LogOptions { reward: Some("a/rewards".parse().unwrap()), ..LogOptions::default() };
    let said = read("a.jsonl", inner.as_bytes(), &options).unwrap_err();
    assert!(said.contains("'sum(a/rewards)'") && !said.contains("--rows"), "{said}");
}

#[test]
fn the_step_is_not_offered_as_the_reward_nor_what_is_known_to_be_none() {
    let named = |step: &str, reward: &str| {
        let text: String = (0..40).map(|i| format!("{i},{}\n", 0.5 * f64::from(i * 7 % 5) - 1.0)).collect();
        refused("a.csv", &format!("{step},{reward}\n{text}"))
    };
    let said = named("Schritt", "Belohnung");
    assert!(said.contains("name it with `--reward Belohnung`, and the step with `--step Schritt`"), "{said}");
    let said = named("步数", "奖励");
    assert!(said.contains("--reward '奖励'") && said.contains("--step '步数'"), "{said}");
    let keys = rows(|i| {
        format!(
            "\"level\":{},\"difficulty\":0.{i},\"reward_model\":{{\"ground_truth\":{}}}",
            i % 5,
            i * 7 % 5
        )
    });
    let said = refused("a.jsonl", &keys);
    assert!(said.contains("none of them is named like a reward"), "{said}");
    assert!(!said.contains("--reward reward_model/ground_truth"), "{said}");
    let gbk = [b"step,reward,text\n".as_slice(), b"1,2,\xb2\xbd\n3,x\xfe,1\n"].concat();
    let options = LogOptions { reward: Some("reward".parse().unwrap()), ..LogOptions::default() };
    let said = read("a.csv", &gbk, &options).unwrap_err();
    assert!(said.contains("iconv -f ENCODING -t UTF-8 a.csv") && said.contains("GB18030"), "{said}");
}

#[test]
fn names_with_spaces_and_humps_are_known() {
    let humps = rows(|i| format!("\"rewardScore\":{i}.5")).replace("\"step\"", "\"globalStep\"");
    let log = read("a.jsonl", humps.as_bytes(), &LogOptions::default()).unwrap();
    assert_eq!((log.meta.reward.to_string().as_str(), log.rollouts.observed.step[63]), ("rewardScore", 7));
    let text = rows(|i| format!("\"Total Reward\":{i}.5"))
        .replace("\"step\"", "\"Training Step\"")
        .replace("\"completion\"", "\"modelOutput\"");
    let log = read("a.jsonl", text.as_bytes(), &LogOptions::default()).unwrap();
    assert_eq!(log.meta.reward.to_string(), "Total Reward");
    assert_eq!(log.meta.roles.step.as_deref(), Some("Training Step"));
    assert_eq!(log.meta.roles.completion.as_deref(), Some("modelOutput"));
}

#[test]
fn a_log_without_a_known_step_says_what_may_be_one() {
    let with = |key: &str, of: &dyn Fn(usize) -> String| {
        let text: String = (0..64)
            .map(|i| {
                format!(
                    "{{\"{key}\":{},\"prompt\":\"p\",\"completion\":\"c {i}\",\"reward\":{i}.5}}\n",
                    of(i)
                )
            })
            .collect();
        read("a.jsonl", text.as_bytes(), &LogOptions::default()).unwrap().meta.notes.concat()
    };
    for key in ["it", "n_update", "consumed_samples"] {
        let notes = with(key, &|i| (i / 8).to_string());
        assert!(notes.contains(&format!("`--step {key}` takes `{key}` for it")), "{key}: {notes}");
    }
    let notes = with("timestamp", &|i| format!("{}.25", 1_700_000_000 + i));
    assert!(notes.contains("`timestamp` is a clock and no step"), "{notes}");
    let notes = with("epoch", &|i| format!("0.{i}1"));
    assert!(!notes.contains("--step epoch"), "{notes}");
}

#[test]
fn a_step_that_was_named_counts_on_over_epochs() {
    let text: String = (0..240)
        .map(|i| {
            let (epoch, batch) = (i / 80, i % 80 / 4);
            format!("{{\"epoch\":{epoch},\"batch\":{batch},\"prompt\":\"p\",\"completion\":\"c {i}\",\"reward\":{i}.5}}\n")
        })
        .collect();
    let options = LogOptions { step: Some("batch".into()), ..LogOptions::default() };
    let log = read("a.jsonl", text.as_bytes(), &options).unwrap();
    assert_eq!(log.rollouts.observed.step.last(), Some(&59));
    assert!(
        log.meta.notes.concat().contains("`batch` begins anew with each `epoch`"),
        "{:?}",
        log.meta.notes
    );
    let step = text.replace("batch", "step");
    let options = LogOptions { step: Some("step".into()), ..LogOptions::default() };
    let log = read("a.jsonl", step.as_bytes(), &options).unwrap();
    assert_eq!(log.rollouts.observed.step.last(), Some(&19), "as it is, on request");
}

#[test]
fn a_chat_is_prompt_and_completion() {
    let text: String = (0..64)
        .map(|i| {
            format!(
                "{{\"step\":{},\"messages\":[{{\"role\":\"user\",\"content\":\"q {}\"}},{{\"role\":\"assistant\",\"content\":\
                 \"c {i}\"}}],\"reward\":{i}.5}}\n",
                i / 8,
                i % 8 / 4
            )
        })
        .collect();
    let log = read("a.jsonl", text.as_bytes(), &LogOptions::default()).unwrap();
    assert_eq!(log.meta.group.to_string(), "prompt (column `prompt`) within the step");
    let group = &log.rollouts.observed.group;
    assert!(group[0] == group[3] && group[3] != group[4]);
    assert_eq!(log.rollouts.observed.length.as_ref().map(|length| length[0]), Some(3.0));
}

#[test]
fn rollouts_of_the_step_before_in_a_batch_of_new_ones_are_told() {
    let line = |step: usize, i: usize| {
        format!(
            "{{\"step\":{step},\"prompt\":\"p {}\",\"completion\":\"c {i}\",\"reward\":{i}.5}}\n",
            i / 4 % 2
        )
    };
    // A third of each step comes again in the next.
    let text: String =
        (0..20).flat_map(|step| (8 * step..8 * step + 12).map(move |i| line(step, i))).collect();
    let log = read("a.jsonl", text.as_bytes(), &LogOptions::default()).unwrap();
    assert_eq!((log.rollouts.observed.len(), log.meta.repeated), (240, 0));
    assert!(
        log.meta.notes.concat().contains("76 rollouts of 19 steps are those of the step before"),
        "{:?}",
        log.meta.notes
    );
}

#[test]
fn what_writers_put_around_a_table_is_passed_over() {
    for before in ["sep=;\n", "# made by x\n", "# made by x\nsep=;\n"] {
        let text = format!("{before}step;reward\n{}", "1;0,5\n2;3,5e-05\n".repeat(20));
        let found = rewards("a.csv", text.as_bytes());
        assert_eq!((found[0], found[20]), (0.5, 3.5e-5), "{before}");
    }
    // What a crash leaves at the end.
    let whole = rows(|i| format!("\"reward\":{i}.5"));
    for (cut, left) in [(0, 64), (20, 63)] {
        let mut bytes = whole.as_bytes()[..whole.len() - cut].to_vec();
        bytes.extend([0; 300]);
        let log = read("a.jsonl", &bytes, &LogOptions::default()).unwrap();
        assert_eq!(log.rollouts.observed.len(), left);
        assert!(log.meta.notes.concat().contains("not complete"), "{:?}", log.meta.notes);
    }
    let nested = rows(|i| format!("\"reward\":[[{i}.5]]"));
    assert_eq!(rewards("a.jsonl", nested.as_bytes())[..2], [0.5, 1.5]);
}

#[test]
fn what_comes_in_later_or_goes_missing_is_told_by_its_name() {
    let options = LogOptions::default();
    let late: String = (0..400)
        .map(|i| {
            let step = if i < 200 { String::new() } else { format!("\"step\":{},", i / 8) };
            format!("{{{step}\"prompt\":\"p\",\"completion\":\"c {i}\",\"reward\":{i}.5}}\n")
        })
        .collect();
    let log = read("a.jsonl", late.as_bytes(), &options).unwrap();
    let notes = log.meta.notes.concat();
    assert!(notes.contains("200 of 400 rows have a `step`"), "{notes}");
    let other = rows(|i| format!("\"reward\":{i}.5")).replace("\"step\"", "\"batch\"");
    let notes = read("a.jsonl", other.as_bytes(), &options).unwrap().meta.notes.concat();
    assert!(notes.contains("`--step batch` takes `batch` for it"), "{notes}");
    let empty = rows(|i| format!("\"reward\":{i}.5")).replace("\"c 40\"", "null");
    let notes = read("a.jsonl", empty.as_bytes(), &options).unwrap().meta.notes.concat();
    assert!(notes.contains("the length is left out: ") && notes.contains("line 41"), "{notes}");
    assert!(!notes.contains("column left out"), "{notes}");
}
