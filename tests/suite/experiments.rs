//! The experiments of this repository: each loads, and (feature `slow`) each finds what it expects.

use crate::cli::{json, tailcatch};
use std::path::{Path, PathBuf};

fn experiments() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    found.sort();
    found
}

#[test]
fn each_loads_and_every_closed_form_it_expects_exists() {
    let mut expecting = 0;
    for path in experiments() {
        let document = json(tailcatch().arg("check").arg(&path), 0);
        let gaps = document["not_to_be_met"].as_array().unwrap();
        assert!(gaps.is_empty(), "{}: {} gaps, first {:?}", path.display(), gaps.len(), gaps.first());
        assert_eq!(document["cautions"], serde_json::json!([]), "{}", path.display());
        expecting += usize::from(document["expectations"].as_u64().unwrap() > 0);
    }
    assert!(expecting >= 9, "{expecting} experiments hold their results against something");
}

#[cfg(feature = "slow")]
#[test]
fn each_finds_what_it_expects() {
    use crate::cli::outcome;
    use tailcatch::record::folder::RunFolder;
    use tailcatch::record::tables::AGREES;

    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for path in experiments() {
        let out = folder.path().join(path.file_stem().unwrap());
        let (code, _, stderr) = outcome(tailcatch().arg("run").arg(&path).arg("--out").arg(&out));
        assert_eq!(code, 0, "{stderr}");
        let run = RunFolder::open(&out).unwrap();
        for row in &run.checks {
            assert_eq!(row.verdict, AGREES, "{}: {row:?}", path.display());
        }
        compared += run.checks.len();
    }
    assert!(compared > 300, "{compared} comparisons");
}
