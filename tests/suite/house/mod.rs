//! The house keeps its layers, and no part is left unregistered.

mod circles;
mod registration;

use std::fs;
use std::path::{Path, PathBuf};

/// Layer of each top-level module; a file may name modules of lower layers and its own folder.
const LAYERS: [(&str, u8, Wing); 23] = [
    ("foundation", 0, Wing::Shared),
    ("distributions", 1, Wing::Shared),
    ("record", 1, Wing::Shared),
    ("theory", 2, Wing::Judge),
    ("tails", 2, Wing::Judge),
    ("metrics", 2, Wing::Judge),
    ("plots", 2, Wing::Judge),
    ("environments", 2, Wing::Lab),
    ("reward", 3, Wing::Lab),
    ("policies", 3, Wing::Lab),
    ("detectors", 3, Wing::Judge),
    ("thresholds", 3, Wing::Judge),
    ("report", 3, Wing::Judge),
    ("audit", 3, Wing::Judge),
    ("monitor", 4, Wing::Judge),
    ("spike", 5, Wing::Judge),
    ("rollout", 4, Wing::Lab),
    ("deployment", 4, Wing::Lab),
    ("trainers", 5, Wing::Lab),
    ("config", 6, Wing::Lab),
    ("experiment", 7, Wing::Lab),
    ("cli", 8, Wing::Shared),
    ("error", 9, Wing::Shared),
];

/// Modules that must not see each other although their layers would allow it. (`thresholds` may see `tails`: the
/// threshold of a stream is a quantile of a generalised Pareto tail.)
const STRANGERS: [(&str, &str); 9] = [
    ("detectors", "metrics"),
    ("detectors", "theory"),
    ("thresholds", "metrics"),
    ("audit", "metrics"),
    ("audit", "tails"),
    ("report", "metrics"),
    ("report", "tails"),
    ("report", "plots"),
    ("plots", "distributions"),
];

#[derive(Clone, Copy, PartialEq)]
enum Wing {
    Shared,
    Judge,
    Lab,
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if entry.extension().is_some_and(|e| e == "rs") {
            found.push(entry);
        }
    }
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Top-level modules that a text names: `crate::x`, and every name of `crate::{a, b::c}`.
fn named(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let after = &text[at + "crate::".len()..];
        let word =
            |s: &str| s.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        if let Some(group) = after.strip_prefix('{') {
            let mut depth = 0;
            let mut start = 0;
            for (i, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => {
                        names.push(word(&group[start..i]));
                        break;
                    }
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        names.push(word(&group[start..i]));
                        start = i + 1;
                    }
                    _ => {}
                }
            }
        } else {
            names.push(word(after));
        }
    }
    names
}

/// What is wrong with a file of `module` that holds `text`; comments and tests' own paths count too.
fn faults(module: &str, text: &str) -> Vec<String> {
    let of = |name: &str| LAYERS.iter().find(|(n, ..)| *n == name);
    let Some(&(_, layer, wing)) = of(module) else { return vec![format!("`{module}` has no layer")] };
    let mut faults = Vec::new();
    for name in named(text) {
        if name == module {
            continue;
        }
        let Some(&(_, other_layer, other_wing)) = of(&name) else { continue };
        if other_layer >= layer {
            faults.push(format!("{module} names {name}, which is not below it"));
        }
        if wing == Wing::Judge && other_wing == Wing::Lab {
            faults.push(format!("{module} is of the judge and names {name} of the laboratory"));
        }
        if STRANGERS.contains(&(module, name.as_str())) {
            faults.push(format!("{module} names {name}, and the two should not see each other"));
        }
    }
    faults
}

/// Source without comments, in which names are only mentioned.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_file_keeps_to_its_layer() {
    let root = source();
    let mut checked = 0;
    let mut found = Vec::new();
    for file in files(&root) {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.strip_suffix(".rs").unwrap_or(first);
        if matches!(module, "lib" | "main") {
            continue;
        }
        for fault in faults(module, &code(&fs::read_to_string(&file).unwrap())) {
            found.push(format!("{}: {fault}", relative.display()));
        }
        checked += 1;
    }
    assert!(checked > 100, "only {checked} files were found");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_check_of_layers_can_fail() {
    assert!(faults("foundation", "use crate::record::Observed;").len() == 1);
    assert!(!faults("detectors", "fn f() { crate::reward::RewardModel }").is_empty());
    assert!(!faults("audit", "use crate::{foundation::order, metrics::Ranking};").is_empty());
    assert!(faults("audit", "use crate::{foundation::order, record::{Observed, Truth}};").is_empty());
    assert!(!faults("attic", "").is_empty());
}

#[test]
fn tensors_stay_with_policies_and_trainers() {
    let root = source();
    for file in files(&root) {
        let relative = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let text = code(&fs::read_to_string(&file).unwrap());
        if text.contains("Tensor") {
            assert!(relative.starts_with("policies/") || relative.starts_with("trainers/"), "{relative}");
        }
    }
}

/// Words by which the true utility, or what is a hack, would be known.
const TRUTH: [&str; 4] = ["Truth", "Outcomes", "utility", "hack"];

/// Those of them that the product of a text names.
fn truths(text: &str) -> Vec<&'static str> {
    let text = code(text);
    let product = text.split("#[cfg(test)]").next().unwrap_or_default();
    let words = |word: &&&str| product.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == **word);
    TRUTH.iter().filter(words).copied().collect()
}

#[test]
fn detectors_and_trainers_cannot_name_the_truth() {
    for (folder, least) in [("detectors", 15), ("trainers", 20)] {
        let files = files(&source().join(folder));
        assert!(files.len() > least);
        for file in files {
            let named = truths(&fs::read_to_string(&file).unwrap());
            assert!(named.is_empty(), "{} names {}", file.display(), named.join(", "));
        }
    }
}

#[test]
fn the_check_of_truth_can_fail() {
    assert_eq!(truths("use crate::record::{Observed, Truth};"), ["Truth"]);
    assert_eq!(
        truths("fn f(t: &Outcomes) { t.utility[0] + t.hack[0] as f64 }"),
        ["Outcomes", "utility", "hack"]
    );
    assert!(
        truths("// utility\nfn f(utility_of: f64, o: &ObservedTable) {}\n#[cfg(test)]\nmod t { hack() }")
            .is_empty()
    );
}

#[test]
fn every_file_of_a_part_is_registered() {
    // A part's file implements the folder's contract; its type must stand in a registry row of the folder's mod.rs.
    for (folder, contract) in [
        ("distributions", "Distribution"),
        ("detectors", "Detector"),
        ("environments", "Environment"),
        ("policies", "PolicyPart"),
        ("trainers", "TrainerPart"),
        ("thresholds", "Monitor"),
    ] {
        let registry = fs::read_to_string(source().join(folder).join("mod.rs")).unwrap();
        let mut parts = 0;
        for file in files(&source().join(folder)) {
            let text = code(&fs::read_to_string(&file).unwrap());
            let product = text.split("#[cfg(test)]").next().unwrap();
            for line in product.lines() {
                let Some(rest) = line.trim().strip_prefix(&format!("impl {contract} for ")) else { continue };
                let kind = rest.split([' ', '{', '<']).next().unwrap();
                if kind == "Standardized" {
                    continue;
                }
                assert!(registry.contains(&format!("=> {kind}:")), "{}: {kind} has no row", file.display());
                parts += 1;
            }
        }
        let rows = registry.lines().filter(|l| l.contains("\" => ")).count();
        assert!(parts > 0 && parts == rows, "{folder}: {parts} parts, {rows} rows");
    }
}
