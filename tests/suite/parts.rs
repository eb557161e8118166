//! The pages of the book on parts are what the registry says, in `docs/parts/`.

use crate::cli::{json, tailcatch};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Kinds of parts: the name in `tailcatch list`, the page's title, and what a part of this kind is.
const KINDS: [(&str, &str, &str); 12] = [
    (
        "environments",
        "Environments",
        "What a policy acts in, and what is truly worth how much: the section `[environment.NAME]` of a config.",
    ),
    (
        "distributions",
        "Distributions",
        "Laws of utilities, errors and noise: `reward.error = { NAME = { … } }` in a config, `NAME:setting=value` on the command line.",
    ),
    (
        "policies",
        "Policies",
        "What is trained: the section `[policy.NAME]` of a config. All start at the reference.",
    ),
    (
        "trainers",
        "Trainers",
        "How a policy is optimised against the proxy: the section `[trainer.NAME]` of a config.",
    ),
    (
        "detectors",
        "Detectors",
        "A score of how suspicious a rollout is, higher for more: `[[detectors]]` in a config, `detect -d NAME:setting=value` on a log. A detector is fitted on calibration rollouts; where they cannot carry it, it refuses with a status and gives no number. *Needs* are columns beside the proxy.",
    ),
    ("controls", "Controls", "What detectors are held against."),
    (
        "monitors",
        "Monitors",
        "Which scores raise an alarm at a nominal rate: `detect --streaming` on a log; in the library, `thresholds`.",
    ),
    (
        "auditors",
        "Auditors",
        "When a rollout is read: `audit.auditor` of a config. A look costs something, and says whether the rollout is a hack.",
    ),
    (
        "responses",
        "Responses",
        "What is done about a confirmed hack, `delay` steps after the look: `audit.response` of a config.",
    ),
    (
        "shifts",
        "Shifts at deployment",
        "How the deployed policy departs from the trained one: `deployment.shift` of a config.",
    ),
    (
        "deployment_monitors",
        "Monitors of a deployed policy",
        "Who watches the samples of a deployed policy; `deployment.monitors` of a config; in the library, `monitor::deployed`. *Needs* are what it sees beside the proxy.",
    ),
    ("closed_forms", "Closed forms", "What an `[[expect]]` section can hold a simulation to."),
];

/// A value as in a config; nothing where there is no default.
fn default(setting: &Value) -> String {
    match &setting["default"] {
        _ if setting["required"] == true => "required".to_owned(),
        Value::Null => String::new(),
        value => format!("`{value}`"),
    }
}

/// A page of the book with all parts of a kind, from `tailcatch list --json`.
fn page(title: &str, what: &str, parts: &[Value]) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut out = format!(
        "# {title}\n\n<!-- From the registry: `BOOK=write cargo test --test suite parts` writes it anew. -->\n\n{what}\n"
    );
    for part in parts {
        let (name, summary) = (text(&part["name"]), text(&part["summary"]));
        write!(out, "\n## `{name}`\n\n**{summary}**").unwrap();
        let source = text(&part["source"]);
        match source.strip_prefix("none: ") {
            Some(role) => write!(out, " ({role}).").unwrap(),
            None => write!(out, ". Source: {source}.").unwrap(),
        }
        let needs: Vec<String> =
            part["needs"].as_array().unwrap().iter().map(|need| format!("`{}`", text(need))).collect();
        if !needs.is_empty() {
            write!(out, " Needs {}.", needs.join(", ")).unwrap();
        }
        out.push('\n');
        let description = text(&part["description"]);
        if !description.is_empty() {
            write!(out, "\n{description}\n").unwrap();
        }
        let settings = part["settings"].as_array().unwrap();
        if !settings.is_empty() {
            out.push_str("\n| setting | default | what it does |\n|---|---|---|\n");
        }
        for setting in settings {
            let summary = text(&setting["summary"]).replace('\n', " ").replace('|', "\\|");
            writeln!(out, "| `{}` | {} | {summary} |", text(&setting["name"]), default(setting)).unwrap();
        }
    }
    out
}

/// To write the pages anew: `BOOK=write cargo test --test suite parts`.
#[test]
fn parts_are_described_as_the_registry_has_them() {
    let list = json(tailcatch().arg("list"), 0);
    let named: Vec<&str> = list.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(BTreeSet::from_iter(named), KINDS.iter().map(|(kind, ..)| *kind).collect());
    for (kind, title, what) in KINDS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/parts/{kind}.md"));
        let now = page(title, what, list[kind].as_array().unwrap());
        assert!(!now.contains("[`"), "{kind}: a link of rustdoc, which leads nowhere in the book");
        if std::env::var_os("BOOK").is_some_and(|how| how == "write") {
            fs::write(&path, &now).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), now, "{kind}: BOOK=write writes it anew");
    }
}
