//! Results that configs and `--help` name by a number are stated in `docs/findings.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// F1, T3 and the like that stand alone in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_name = |word: &&str| {
        let number = word.strip_prefix(['F', 'T']);
        number.is_some_and(|n| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
    };
    words.filter(is_name).map(str::to_owned).collect()
}

fn undefined(text: &str, page: &str) -> Vec<String> {
    let stated =
        |name: &String| page.contains(&format!("### {name}:")) || page.contains(&format!("| {name} |"));
    names(text).into_iter().filter(|name| !stated(name)).collect()
}

#[test]
fn every_result_that_is_named_is_stated() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/findings.md")).unwrap();
    let mut read = Vec::new();
    files(&root.join("experiments"), &mut read);
    files(&root.join("src"), &mut read);
    let mut named = 0;
    for file in read.iter().filter(|file| file.extension().is_some_and(|e| e == "toml" || e == "rs")) {
        let text = fs::read_to_string(file).unwrap();
        named += names(&text).len();
        assert_eq!(undefined(&text, &page), Vec::<String>::new(), "{}", file.display());
    }
    assert!(named > 40, "only {named} names were found");
}

#[test]
fn a_name_without_a_statement_is_seen() {
    let page = "| T1 | states |\n### F2: something\n";
    assert_eq!(undefined("source = \"F2\", T1, F12 and F2x, rF3", page), ["F12"]);
}
