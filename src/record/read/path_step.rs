//! Training steps in the names of files and folders: `step_12/`, `global_step_12/`, `12.jsonl`, `3/task.jsonl`.

use std::path::{Component, Path, PathBuf};

/// Words before a number that say that it is a step.
const WORDS: &[&str] =
    &["step", "iter", "iteration", "version", "update", "completions", "ckpt", "checkpoint"];

/// The step of each file, where all files say one in the same way.
pub(super) fn steps(files: &[PathBuf]) -> Option<Vec<u64>> {
    let ways: [fn(&Path) -> Option<u64>; 3] = [worded, folder, stem];
    let all =
        |way: fn(&Path) -> Option<u64>| files.iter().map(|file| way(file)).collect::<Option<Vec<u64>>>();
    let distinct = |steps: &Vec<u64>| steps.windows(2).any(|pair| pair[0] != pair[1]);
    // A number that all files share says nothing, unless a word says what it is.
    ways.into_iter().filter_map(all).find(distinct).or_else(|| all(worded))
}

/// The step of a file that may be the first of several.
pub(super) fn of_one(file: &Path) -> Option<u64> {
    worded(file).or_else(|| stem(file)).or_else(|| folder(file))
}

/// A word with a number, in the deepest part of the path that has one.
fn worded(path: &Path) -> Option<u64> {
    parts(path).rev().find_map(|part| {
        let small = part.to_ascii_lowercase();
        WORDS.iter().filter_map(|word| after(&small, word)).next()
    })
}

/// The number that follows a word, with `_`, `-` or nothing between.
fn after(text: &str, word: &str) -> Option<u64> {
    text.match_indices(word).find_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        let rest = text[at + word.len()..].trim_start_matches(['_', '-', '=']);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let ends = rest[digits.len()..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
        (before.is_none_or(|c| !c.is_ascii_alphanumeric()) && ends).then(|| digits.parse().ok()).flatten()
    })
}

/// The folder's name where it is a number.
fn folder(path: &Path) -> Option<u64> {
    let mut folders: Vec<String> = parts(path).collect();
    folders.pop();
    folders.iter().rev().find_map(|name| whole(name))
}

/// The file's name where it is a number.
fn stem(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    whole(name.split('.').next()?)
}

fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = String> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str]) -> Option<Vec<u64>> {
        steps(&files.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn steps_stand_in_folders_and_files() {
        assert_eq!(of(&["r/step_1/all/t.jsonl", "r/step_12/all/t.jsonl"]), Some(vec![1, 12]));
        assert_eq!(of(&["a/global_step_5/x.json", "a/global_step_10/x.json"]), Some(vec![5, 10]));
        assert_eq!(of(&["train_data_step3.jsonl", "train_data_step4.jsonl"]), Some(vec![3, 4]));
        assert_eq!(of(&["c/completions_00007.parquet"]), Some(vec![7]));
        assert_eq!(
            of(&["v/0/7.jsonl", "v/1/7.jsonl", "v/1/8.jsonl"]),
            Some(vec![0, 1, 1]),
            "folder, then task"
        );
        assert_eq!(of(&["42/1.jsonl", "42/2.jsonl"]), Some(vec![1, 2]), "a folder that all share");
        assert_eq!(of(&["2.jsonl", "10.jsonl.gz"]), Some(vec![2, 10]));
        assert_eq!(of(&["step_1/a.jsonl", "other.jsonl"]), None);
        assert_eq!(of(&["run1_rollouts_000000.jsonl", "run1_rollouts_000001.jsonl"]), None, "a shard");
        assert_eq!(of(&["u0_1_0.jsonl"]), None);
        assert_eq!(of(&["2024/run.jsonl"]), None);
    }
}
