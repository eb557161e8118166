//! What stands apart is named by file and line, listed or not.

use serde_json::Value;
use std::process::Command;

fn detect(log: &str, more: &[&str]) -> String {
    let log = format!("{}/{log}", env!("CARGO_MANIFEST_DIR"));
    let out = Command::new(env!("CARGO_BIN_EXE_tailcatch"))
        .args(["detect", &log, "--budget", "3"])
        .args(more)
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn all_that_stand_apart_are_named_though_few_are_listed() {
    let found: Value = serde_json::from_str(&detect("examples/rollouts.csv", &["--json"])).unwrap();
    let apart = &found["evidence"]["apart"];
    let places = apart["places"].as_array().unwrap();
    assert_eq!(Some(places.len() as u64), apart["count"].as_u64(), "{apart}");
    assert!(places.windows(2).all(|pair| pair[0]["step"].as_u64() <= pair[1]["step"].as_u64()), "{apart}");
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rollouts.csv")).unwrap();
    let of_file: Vec<&str> = text.lines().collect();
    let least = apart["rewards"][0].as_f64().unwrap();
    for at in places {
        let (line, reward) = (at["line"].as_u64().unwrap(), at["reward"].as_f64().unwrap());
        let cells = of_file[line as usize - 1];
        assert!(reward >= least && cells.contains(&format!("{reward}")), "{at} {cells}");
    }
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    detect("examples/rollouts.csv", &["--html", page.to_str().unwrap()]);
    let lines: Vec<String> = places.iter().map(|at| at["line"].to_string()).collect();
    let wanted = format!("<dt>stand apart</dt><dd>rollouts.csv line {}</dd>", lines.join(", "));
    assert!(std::fs::read_to_string(page).unwrap().contains(&wanted), "{wanted}");
    let said = detect("examples/rollouts.csv", &[]).split_whitespace().collect::<Vec<_>>().join(" ");
    // The six that lie farthest, in the order of time.
    let head = "Read first (apart): rollouts.csv line ";
    let (_, after) = said.split_once(head).unwrap();
    let (named, _) = after.split_once(" and 2 more.").unwrap();
    let named: Vec<&str> = named.split(", ").collect();
    assert!(named.len() == 6 && named.iter().all(|line| lines.contains(&(*line).to_owned())), "{said}");
    assert!(named.is_sorted_by_key(|line| line.parse::<u64>().unwrap()), "{said}");
}
