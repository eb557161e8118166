//! What a folder holds stands in its register: a file that no `mod` line names, a test that is never run and a scenario
//! that no benchmark knows would all be forgotten in silence.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{code, files};

/// Files that no `mod` line of their folder names; each file is given by its path and text.
fn unnamed<'a>(tree: &BTreeMap<&'a str, &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for &file in tree.keys() {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        if matches!((folder, name), ("", "lib.rs" | "main.rs")) {
            continue;
        }
        // A folder's own file is named one folder up.
        let (folder, name) = match (name, folder.rsplit_once('/')) {
            ("mod.rs", Some((above, folder))) => (above, folder),
            ("mod.rs", None) => ("", folder),
            _ => (folder, name.trim_end_matches(".rs")),
        };
        let registers: &[String] = if folder.is_empty() {
            &["lib.rs".into(), "main.rs".into()]
        } else {
            &[format!("{folder}/mod.rs"), format!("{folder}.rs")]
        };
        let line = format!("mod {name};");
        let named = registers.iter().filter_map(|r| tree.get(r.as_str())).any(|text| {
            code(text).lines().any(|l| {
                let l = l.trim();
                l == line || l.starts_with("pub") && l.ends_with(&format!(" {line}"))
            })
        });
        if !named {
            found.push(file);
        }
    }
    found
}

/// Names between the quotes of the list that `opening` begins and `)` ends.
fn listed<'a>(text: &'a str, opening: &str) -> Vec<&'a str> {
    let list =
        text.split_once(opening).and_then(|(_, rest)| rest.split_once(')')).map_or("", |(list, _)| list);
    list.split('"').skip(1).step_by(2).collect()
}

fn tree(root: &Path) -> Vec<(String, String)> {
    let relative = |file: &Path| file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    files(root).iter().map(|file| (relative(file), fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn every_file_is_named_by_its_folder() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (folder, least) in [("src", 250), ("tests/suite", 40), ("python/src", 6)] {
        let tree = tree(&here.join(folder));
        assert!(tree.len() > least, "only {} files in {folder}", tree.len());
        let tree = tree.iter().map(|(f, t)| (f.as_str(), t.as_str())).collect();
        let found = unnamed(&tree);
        assert!(found.is_empty(), "{folder}: no `mod` line for {}", found.join(", "));
    }
}

#[test]
fn every_scenario_is_in_the_benchmark() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let register = files(&here.join("src/experiment"))
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .find(|text| text.contains("standard!("))
        .expect("a list of standard scenarios");
    let mut listed = listed(&register, "standard!(");
    listed.sort_unstable();
    let mut found: Vec<String> = fs::read_dir(here.join("experiments/bench"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".toml").unwrap_or(&name).to_owned())
        .collect();
    found.sort_unstable();
    assert!(found.len() > 5);
    assert_eq!(found, listed);
}

#[test]
fn the_check_of_registers_can_fail() {
    let tree = |extra: &[(&'static str, &'static str)]| {
        let mut tree = BTreeMap::from([
            ("lib.rs", "mod one;\npub mod two;\n// mod three;\n"),
            ("main.rs", ""),
            ("one.rs", ""),
            ("two/mod.rs", "pub(crate) mod a;\n"),
            ("two/a.rs", ""),
        ]);
        tree.extend(extra.iter().copied());
        unnamed(&tree)
    };
    assert!(tree(&[]).is_empty());
    assert_eq!(tree(&[("three.rs", "")]), ["three.rs"]);
    assert_eq!(tree(&[("two/b.rs", ""), ("two/c/mod.rs", "")]), ["two/b.rs", "two/c/mod.rs"]);
    assert_eq!(tree(&[("two/one.rs", "")]), ["two/one.rs"]);
    assert_eq!(listed("x!(\n    \"a\",\n    \"b\",\n);\n\"c\"", "x!("), ["a", "b"]);
}
