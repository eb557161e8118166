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

/// Headings of the findings by their number, `F3` to `f3-how-large-a-rare-exploit-must-be`: as the book makes anchors of them.
fn findings() -> BTreeMap<String, String> {
    let text = read("findings.md");
    let headings = text.lines().filter_map(|line| line.strip_prefix("### "));
    let anchor = |heading: &str| -> String {
        heading
            .chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
            .map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() })
            .collect()
    };
    headings.filter_map(|heading| Some((heading.split_once(':')?.0.to_owned(), anchor(heading)))).collect()
}

/// The text with findings (`F3`) as links; `up` leads to the folder of the book.
fn linked(text: &str, up: &str, findings: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        match findings.get(&word) {
            Some(anchor) => write!(out, "[{word}]({up}findings.md#{anchor})").unwrap(),
            None => out.push_str(&word),
        }
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

/// A setting and its own, by their paths: `kl`, `kl.estimator`.
fn with_own(prefix: &str, settings: &[Value], given: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for setting in settings {
        let mut setting = setting.clone();
        // What the section is by default says more than what its key is elsewhere.
        if let Some(value) = given.get(text(&setting["name"])) {
            setting["default"] = value.clone();
        }
        let path = format!("{prefix}{}", text(&setting["name"]));
        let own = setting["settings"].as_array().cloned().unwrap_or_default();
        let default = setting["default"].clone();
        all.push((path.clone(), setting));
        all.extend(with_own(&format!("{path}."), &own, &default));
    }
    all
}

/// What a setting can be, a line each; of parts, where they are described.
fn choices(path: &str, setting: &Value, list: &Value) -> String {
    let Some(all) = setting["choices"].as_array() else { return String::new() };
    let names = |parts: &[Value]| -> BTreeSet<String> {
        parts.iter().map(|part| text(&part["name"]).to_owned()).collect()
    };
    let parts = KINDS.iter().find(|(kind, ..)| names(list[kind].as_array().unwrap()) == names(all));
    let each = if setting["default"].is_array() { "Each of " } else { "" };
    if let Some((kind, title, _)) = parts {
        return format!("\n{each}`{path}` is one of the [{}](../{kind}.md).\n", title.to_lowercase());
    }
    let is_part =
        |name: &str| list["distributions"].as_array().unwrap().iter().any(|part| part["name"] == name);
    let mut out = format!("\n{each}`{path}` is one of:\n\n");
    for choice in all {
        let own = choice["settings"].as_array().cloned().unwrap_or_default();
        let one = |setting: &Value| {
            let default = match default(setting) {
                default if default.is_empty() => String::new(),
                default => format!(", {default}"),
            };
            let summary = text(&setting["summary"]).trim_end_matches('.').replace('\n', " ");
            format!("`{}`{default}: {summary}", text(&setting["name"]))
        };
        let own = match own.iter().map(one).collect::<Vec<_>>().join("; ") {
            own if own.is_empty() => own,
            own => format!(" ({own})"),
        };
        let summary = text(&choice["summary"]).replace('\n', " ");
        let colon = if summary.is_empty() { "" } else { ": " };
        writeln!(out, "- `{}`{own}{colon}{summary}", text(&choice["name"])).unwrap();
        for setting in choice["settings"].as_array().into_iter().flatten() {
            // A part is described on its own page.
            let inner = setting["choices"].as_array().into_iter().flatten();
            for inner in inner.filter(|inner| !is_part(text(&inner["name"]))) {
                let summary = text(&inner["summary"]).replace('\n', " ");
                writeln!(out, "  - `{}` = `{}`: {summary}", text(&setting["name"]), text(&inner["name"]))
                    .unwrap();
            }
        }
    }
    out
}

/// The page with all parts of a kind, each with its page.
fn index(
    kind: &str,
    title: &str,
    what: &str,
    parts: &[Value],
    findings: &BTreeMap<String, String>,
) -> String {
    let mut out = format!("# {title}\n\n{MADE}\n\n{what}\n\n| name | what it is |\n|---|---|\n");
    for part in parts {
        let name = text(&part["name"]);
        let line = format!("{}{}", text(&part["summary"]), linked(&source(part), "../", findings));
        let line = line.replace('|', "\\|");
        writeln!(out, "| [`{name}`]({kind}/{name}.md) | {line} |").unwrap();
    }
    out
}

/// The page of a part, from `tailcatch list --json`, and its figure.
fn page(
    (kind, title): (&str, &str),
    part: &Value,
    figure: &Chart,
    list: &Value,
    findings: &BTreeMap<String, String>,
) -> String {
    let name = text(&part["name"]);
    let mut out = format!(
        "# `{name}`\n\n{MADE}\n\n[{title}](../{kind}.md): **{}**{}",
        text(&part["summary"]),
        linked(&source(part), "../../", findings)
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
    let settings = with_own("", part["settings"].as_array().unwrap(), &Value::Null);
    if !settings.is_empty() {
        out.push_str("\n| setting | default | what it does |\n|---|---|---|\n");
    }
    for (path, setting) in &settings {
        let summary = text(&setting["summary"]).replace('\n', " ").replace('|', "\\|");
        writeln!(out, "| `{path}` | {} | {summary} |", default(setting)).unwrap();
    }
    for (path, setting) in &settings {
        out += &choices(path, setting, list);
    }
    out
}

/// Whether a description says what is computed: a formula, with a relation and what is done to the quantities in one sentence. Each kind
/// says it in its own way.
fn has_formula(kind: &str, description: &str) -> bool {
    let relates =
        |sentence: &str| [" = ", " ∝ ", " ← ", " ≥ ", " is "].iter().any(|sign| sentence.contains(sign));
    let operators = |sentence: &str| {
        let signs = ["Σ", "Π", "∫", "√", "^", "·", "/", "−", "+", "|", "²", "ⁿ", "#{", "exp(", "ln ", "max("];
        signs.iter().filter(|sign| sentence.contains(**sign)).count()
    };
    let sentences = || description.split(". ").flat_map(|part| part.split("\n\n"));
    match kind {
        // A law is its survival function, density or characteristic function.
        "distributions" => ["(X > x) = ", "density f(x) = ", "density f(t) = ", "E exp(itX) = "]
            .iter()
            .any(|law| description.contains(law)),
        "policies" => description.contains("∝ π₀(") && description.contains("f = "),
        // What is compared with what.
        "monitors" => {
            sentences().any(|own| (own.contains(" = ") || own.contains(" > ")) && operators(own) >= 2)
        }
        _ => sentences().any(|own| relates(own) && operators(own) >= 2),
    }
}

/// Parts that compute nothing.
const WITHOUT: [&str; 3] = ["random", "top_reward", "reference"];

/// Every part of a kind that computes something says what.
#[test]
fn parts_that_compute_say_by_which_formula() {
    let list = json(tailcatch().arg("list"), 0);
    let mut lacking = Vec::new();
    for kind in ["closed_forms", "policies", "monitors", "distributions", "trainers", "detectors"] {
        for part in list[kind].as_array().unwrap() {
            let name = text(&part["name"]);
            if !WITHOUT.contains(&name) && !has_formula(kind, text(&part["description"])) {
                lacking.push(format!("{kind}/{name}"));
            }
        }
    }
    assert!(lacking.is_empty(), "without a formula in the doc comment: {}", lacking.join(", "));
    // The check can fail: by the comments that these parts had.
    for (kind, before) in [
        (
            "distributions",
            "`alpha` = 2 is a normal with standard deviation √2·`scale`, 1 with `beta` = 0 a Cauchy.",
        ),
        ("policies", "`[policy.gru]`."),
        ("monitors", "Alarms are scores above a threshold that goes along with the run: `SpotWatcher`."),
        (
            "trainers",
            "π₀ given U ≥ threshold; the reference itself on a table of which nothing reaches it. One step.",
        ),
        ("detectors", "The score is the squared projection of a row, centred at the calibration mean."),
        ("closed_forms", ""),
    ] {
        assert!(!has_formula(kind, before), "{before}");
    }
}

/// On the kept pages, which are those that the registry makes.
#[test]
fn enumerated_settings_list_what_they_can_be() {
    for (page, words) in [
        ("detectors/mahalanobis.md", vec!["`covariance` is one of", "- `shrunk`: ", "- `mcd`: "]),
        ("detectors/ecod.md", vec!["`tails` is one of", "- `skew`: "]),
        ("detectors/knn.md", vec!["`distance` is one of", "- `mean`: "]),
        (
            "trainers/grpo.md",
            vec![
                "`scale_rewards` is one of",
                "`kl.estimator` is one of",
                "- `k3`: ",
                "`kl.place` is one of",
                "`kl.per` is one of",
            ],
        ),
        ("trainers/ppo.md", vec!["`surrogate` is one of", "- `masked`: "]),
        (
            "trainers/reinforce.md",
            vec![
                "`baseline` is one of",
                "`advantage` is one of",
                "`optimizer` is one of",
                "- `adam` (`learning_rate`, required",
                "`shaping` is one of",
                "`kl.controller` is one of",
                "  - `score` = `surprise`: ",
                "| `kl.coefficient` | `0.5` |",
            ],
        ),
        ("environments/bandit.md", vec!["`utility` is one of the [distributions](../distributions.md)"]),
        ("detectors/rank_mean.md", vec!["Each of `members` is one of the [detectors](../detectors.md)"]),
    ] {
        let text = self::read(&format!("parts/{page}"));
        for own in words {
            assert!(text.contains(own), "{page} lacks {own}");
        }
    }
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
    let findings = findings();
    assert!(findings.len() >= 14, "{findings:?}");
    let mut all = BTreeMap::new();
    for ((kind, title, part), figure) in parts.iter().zip(&figures) {
        let path = format!("parts/{kind}/{}", text(&part["name"]));
        all.insert(format!("{path}.md"), page((kind, title), part, figure, &list, &findings));
        all.insert(
            format!("{path}.svg"),
            chart::inset(figure).unwrap_or_else(|error| panic!("{path}: {error}")),
        );
    }
    for (kind, title, what) in KINDS {
        all.insert(
            format!("parts/{kind}.md"),
            index(kind, title, what, list[kind].as_array().unwrap(), &findings),
        );
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
fn findings_are_linked_and_nothing_else_is() {
    let findings = BTreeMap::from([("F3".to_owned(), "f3-size".to_owned())]);
    let told = linked("F3; F31 and F(3), F3's", "../", &findings);
    assert_eq!(told, "[F3](../findings.md#f3-size); F31 and F(3), [F3](../findings.md#f3-size)'s");
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
