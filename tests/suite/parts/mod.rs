//! The pages of the book on parts, in `docs/parts/`, are what the registry says and what the parts draw: an index for each kind, and a page
//! and a figure for each part.

mod figures;

use crate::cli::{json, tailcatch};
use crate::statistics::in_parallel;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use tailcatch::plots::chart::{self, Chart};

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

const MADE: &str =
    "<!-- From the registry: `BOOK=write cargo test --release --test suite parts` writes it anew. -->";
/// Largest size of a figure, and of all of them, in bytes.
const LARGEST: usize = 16_000;
const ALL: usize = 2_000_000;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A value as in a config; nothing where there is no default.
fn default(setting: &Value) -> String {
    match &setting["default"] {
        _ if setting["required"] == true => "required".to_owned(),
        Value::Null => String::new(),
        value => format!("`{value}`"),
    }
}

/// What kind of part it is, and where it comes from.
fn source(part: &Value) -> String {
    let source = text(&part["source"]);
    match source.strip_prefix("none: ") {
        Some(role) => format!(" ({role})."),
        None => format!(". Source: {source}."),
    }
}

/// The page with all parts of a kind, each with its page.
fn index(kind: &str, title: &str, what: &str, parts: &[Value]) -> String {
    let mut out = format!("# {title}\n\n{MADE}\n\n{what}\n\n| name | what it is |\n|---|---|\n");
    for part in parts {
        let name = text(&part["name"]);
        let line = format!("{}{}", text(&part["summary"]), source(part)).replace('|', "\\|");
        writeln!(out, "| [`{name}`]({kind}/{name}.md) | {line} |").unwrap();
    }
    out
}

/// The page of a part, from `tailcatch list --json`, and its figure.
fn page(kind: &str, title: &str, part: &Value, figure: &Chart) -> String {
    let name = text(&part["name"]);
    let mut out = format!(
        "# `{name}`\n\n{MADE}\n\n[{title}](../{kind}.md): **{}**{}",
        text(&part["summary"]),
        source(part)
    );
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
    write!(out, "\n![{}]({name}.svg)\n\n{}\n", figure.title, figure.caption).unwrap();
    let settings = part["settings"].as_array().unwrap();
    if !settings.is_empty() {
        out.push_str("\n| setting | default | what it does |\n|---|---|---|\n");
    }
    for setting in settings {
        let summary = text(&setting["summary"]).replace('\n', " ").replace('|', "\\|");
        writeln!(out, "| `{}` | {} | {summary} |", text(&setting["name"]), default(setting)).unwrap();
    }
    out
}

/// The table of contents, with the pages of parts below that of their kind and nowhere else.
fn contents(summary: &str, list: &Value) -> String {
    let mut out = String::new();
    for line in summary.lines().filter(|line| !line.starts_with("  - [`")) {
        writeln!(out, "{line}").unwrap();
        let Some((kind, ..)) = KINDS.iter().find(|(kind, ..)| line.ends_with(&format!("(parts/{kind}.md)")))
        else {
            continue;
        };
        for part in list[kind].as_array().unwrap() {
            let name = text(&part["name"]);
            writeln!(out, "  - [`{name}`](parts/{kind}/{name}.md)").unwrap();
        }
    }
    out
}

/// All that the registry makes, by its path in `docs/`.
fn made() -> BTreeMap<String, String> {
    let list = json(tailcatch().arg("list"), 0);
    let named: Vec<&str> = list.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(BTreeSet::from_iter(named), KINDS.iter().map(|(kind, ..)| *kind).collect());
    let parts: Vec<(&str, &str, &Value)> = KINDS
        .iter()
        .flat_map(|(kind, title, _)| {
            list[kind].as_array().unwrap().iter().map(move |part| (*kind, *title, part))
        })
        .collect();
    let figures = in_parallel(parts.len() as u64, |i| {
        let (kind, _, part) = parts[i as usize];
        figures::figure(kind, text(&part["name"]))
    });
    let mut all = BTreeMap::new();
    for ((kind, title, part), figure) in parts.iter().zip(&figures) {
        let path = format!("parts/{kind}/{}", text(&part["name"]));
        all.insert(format!("{path}.md"), page(kind, title, part, figure));
        all.insert(
            format!("{path}.svg"),
            chart::inset(figure).unwrap_or_else(|error| panic!("{path}: {error}")),
        );
    }
    for (kind, title, what) in KINDS {
        all.insert(format!("parts/{kind}.md"), index(kind, title, what, list[kind].as_array().unwrap()));
    }
    all.insert("SUMMARY.md".to_owned(), contents(&read("SUMMARY.md"), &list));
    all
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn read(path: &str) -> String {
    fs::read_to_string(docs().join(path)).unwrap_or_default()
}

/// Files of `docs/parts/`, as paths in `docs/`.
fn kept() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![docs().join("parts")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(docs()).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found
}

/// The words of a figure, which are the same on every machine; of its numbers the last digits are not.
fn words(svg: &str) -> BTreeSet<String> {
    let texts = svg.split('>').filter_map(|piece| piece.split_once("</").map(|(text, _)| text));
    let spelled =
        texts.filter(|text| text.chars().any(char::is_alphabetic) && !text.contains("prefers-color-scheme"));
    spelled.map(str::to_owned).collect()
}

/// To write the pages and figures anew: `BOOK=write cargo test --release --test suite parts`.
#[test]
fn parts_are_described_and_drawn_as_the_registry_has_them() {
    let made = made();
    let write = std::env::var_os("BOOK").is_some_and(|how| how == "write");
    for (path, now) in made.iter().filter(|_| write) {
        fs::create_dir_all(docs().join(path).parent().unwrap()).unwrap();
        fs::write(docs().join(path), now).unwrap();
    }
    let mut size = 0;
    for (path, now) in &made {
        let leads = |rest: &str| rest.starts_with('(');
        assert!(
            now.split("`]").skip(1).all(leads),
            "{path}: a link of rustdoc, which leads nowhere in the book"
        );
        if path.ends_with(".svg") {
            let kept = read(path);
            assert_eq!(words(&kept), words(now), "{path}: BOOK=write writes it anew");
            assert!(kept.len() <= LARGEST, "{path}: {} bytes", kept.len());
            size += kept.len();
        } else {
            assert_eq!(read(path), *now, "{path}: BOOK=write writes it anew");
        }
    }
    assert!(size <= ALL, "{size} bytes of figures");
    for path in kept() {
        assert!(made.contains_key(&path), "docs/{path} is of no part: remove it");
    }
}

#[test]
fn a_figures_words_are_told_apart_and_its_numbers_are_not() {
    let svg = "<svg><title>Tail</title><style>@media (prefers-color-scheme: dark) { }</style><text x=\"1\">P(X &gt; x)</text>\n<text>0.5</text></svg>";
    assert_eq!(words(svg), BTreeSet::from(["Tail".to_owned(), "P(X &gt; x)".to_owned()]));
}

#[test]
fn parts_stand_below_their_kind_in_the_table_of_contents() {
    let list = serde_json::json!({ "trainers": [{ "name": "ppo" }, { "name": "grpo" }] });
    let before =
        "# S\n- [Trainers](parts/trainers.md)\n  - [`gone`](parts/trainers/gone.md)\n- [Other](other.md)\n";
    let after = "# S\n- [Trainers](parts/trainers.md)\n  - [`ppo`](parts/trainers/ppo.md)\n  - [`grpo`](parts/trainers/grpo.md)\n- [Other](other.md)\n";
    assert_eq!(contents(before, &list), after);
}
