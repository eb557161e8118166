//! JSON values that follow each other in one text, as appending writers leave them: all are read, or the text is refused.

use crate::cli::file;
use tailcatch::record::{InMemory, Log, LogOptions, read_log};

fn read(name: &str, text: &str) -> Result<Log<InMemory>, String> {
    let (_folder, path) = file(name, text);
    read_log(&[path], &LogOptions::default())
        .map_err(|error| format!("{error}\n{}", error.help().unwrap_or_default()))
}

fn rewards(name: &str, text: &str) -> Vec<f64> {
    read(name, text).unwrap_or_else(|said| panic!("{name}: {said}")).rollouts.observed.proxy
}

/// Rewards from 0 on, each a record with lists of its own.
fn records(range: std::ops::Range<usize>) -> Vec<serde_json::Value> {
    range
        .map(|i| {
            serde_json::json!({
                "step": i / 4, "prompt": "p", "completion": format!("c {i}"), "reward": i as f64 + 0.5,
                "tools": [{"name": "a"}],
            })
        })
        .collect()
}

#[test]
fn all_values_of_a_text_are_read() {
    let all: Vec<f64> = (0..24).map(|i| f64::from(i) + 0.5).collect();
    let pretty: String = records(0..24)
        .iter()
        .map(|own| format!("{}\n", serde_json::to_string_pretty(own).unwrap()))
        .collect();
    for name in ["a.jsonl", "a.json"] {
        assert_eq!(rewards(name, &pretty), all, "{name}: one after the other");
    }
    let bare: String = records(0..24).iter().map(ToString::to_string).collect();
    assert_eq!(rewards("a.json", &bare), all, "nothing between them");
    let arrays = |between: &str| -> String {
        (0..6).map(|i| format!("{}{between}", serde_json::Value::from(records(4 * i..4 * i + 4)))).collect()
    };
    for between in ["", "\n", "\n\n"] {
        assert_eq!(rewards("a.json", &arrays(between)), all, "arrays that were appended");
        assert_eq!(rewards("a.jsonl", &arrays(between)), all);
    }
    let array = serde_json::Value::from(records(0..20)).to_string();
    let rest: String = records(20..24).iter().map(|own| format!("{own}\n")).collect();
    assert_eq!(rewards("a.json", &format!("{array}\n{rest}")), all, "an array, then records");
    let comma = format!(
        "[\n{},\n]\n",
        records(0..24).iter().map(ToString::to_string).collect::<Vec<_>>().join(",\n")
    );
    assert_eq!(rewards("a.json", &comma), all, "a comma after the last");
    let zeros = format!("{array}{}", "\0".repeat(40));
    assert_eq!(rewards("a.json", &zeros), all[..20], "what a crash leaves");
}

#[test]
fn a_value_that_is_cut_is_told_and_other_text_is_refused() {
    let array = serde_json::Value::from(records(0..8)).to_string();
    let cut = format!("{array}\n{}", &array[..array.len() / 2]);
    let log = read("a.json", &cut).unwrap();
    assert!((8..16).contains(&log.rollouts.observed.len()));
    assert!(log.meta.notes.concat().contains("not complete"), "{:?}", log.meta.notes);
    let said = read("a.json", &format!("{array}\nstep,reward\n1,2\n")).unwrap_err();
    assert!(said.contains("`s` does not belong here") && said.contains("jq . "), "{said}");
    let state = serde_json::json!({"global_step": 9, "log_history": [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.4}]});
    let two = format!("{state}{state}");
    assert!(read("a.json", &two).is_err(), "two states");
    let table = serde_json::json!({"columns": ["step", "reward"], "data": [[1, 0.5], [1, 0.7]]});
    let said = read("a.json", &format!("{table}{table}")).unwrap_err();
    assert!(said.contains("more follows the object whose `data` holds the rows"), "{said}");
    assert!(said.contains("give each object its own file"), "{said}");
}

#[test]
fn rows_of_one_line_are_named_by_their_number() {
    let array = serde_json::Value::from(records(0..8)).to_string();
    let lines = |text: &str| -> Vec<Option<u64>> {
        read("a.json", text).unwrap().rollouts.origin.iter().map(|origin| origin.line).collect()
    };
    assert_eq!(lines(&array), [None; 8]);
    let spread = array.replace("},{\"step", "},\n{\"step");
    assert_eq!(lines(&spread)[1..], (2..9).map(Some).collect::<Vec<_>>());
}
