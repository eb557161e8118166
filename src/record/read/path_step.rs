//! Training steps in the names of files and folders: `step_12/`, `global_step_12/`, `12.jsonl`, `3/task.jsonl`.

use super::cell::text_hash;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

/// Words before a number that say that it is a step.
const WORDS: &[&str] =
    &["step", "iter", "iteration", "version", "update", "completions", "ckpt", "checkpoint"];

/// How a path says a step.
pub(super) type Way = fn(&Path) -> Option<u64>;

/// The ways, the surest first.
const WAYS: [Way; 3] = [worded, folder, stem];

/// Which ways the paths of files agree in, while files come.
#[derive(Debug, Clone, Default)]
pub(super) struct Ways {
    files: usize,
    /// The step of the first file, and whether others have another; `None` where some file has none.
    found: [Option<(u64, bool)>; 3],
}

impl Ways {
    /// The next file.
    pub fn see(&mut self, file: &Path) {
        for (found, way) in self.found.iter_mut().zip(WAYS) {
            *found = match (way(file), *found) {
                (Some(step), None) if self.files == 0 => Some((step, false)),
                (Some(step), Some((first, differ))) => Some((first, differ || step != first)),
                _ => None,
            };
        }
        self.files += 1;
    }

    /// The way in which all files say a step. A number that all share says nothing, unless a word says what it is.
    pub fn way(&self) -> Option<Way> {
        let differ = self.found.iter().position(|found| found.is_some_and(|(_, differ)| differ));
        let worded = self.found.first().filter(|found| found.is_some()).map(|_| 0);
        WAYS.get(differ.or(worded)?).copied()
    }
}

/// The step of each file, where all files say one in the same way, and what a reader should know of it.
pub(super) fn steps(files: &[PathBuf]) -> Option<(Vec<u64>, Option<String>)> {
    let mut ways = Ways::default();
    files.iter().for_each(|file| ways.see(file));
    let way = ways.way()?;
    let steps: Vec<u64> = files.iter().map(|file| way(file)).collect::<Option<_>>()?;
    if let Some((steps, period)) = of_epochs(files, &steps) {
        let note = format!(
            "the files' steps begin anew with each epoch: step s of epoch e is step {period}·e + s here"
        );
        return Some((steps, Some(note)));
    }
    let folders: Option<Vec<u64>> = files.iter().map(|file| folder(file)).collect();
    let names: Option<Vec<u64>> = files.iter().map(|file| stem(file)).collect();
    let (Some(folders), Some(names)) = (folders, names) else { return Some((steps, None)) };
    if steps != folders || !vary(&names) {
        return Some((steps, None));
    }
    // Two numbers vary: the folder's is a step and the file's a task, or a worker's folder has a file for each step.
    Some(match are_workers(&folders, &names) {
        true => {
            let note = "folders and files are numbered: the files' numbers are taken for the steps, as each folder has them all; \
                        where the folders are steps, name a column with --step";
            (names, Some(note.to_owned()))
        }
        false => {
            let note = "folders and files are numbered: the folders' numbers are taken for the steps; where the files' are, give one folder \
                        at a time";
            (folders, Some(note.to_owned()))
        }
    })
}

fn vary(numbers: &[u64]) -> bool {
    numbers.windows(2).any(|pair| pair[0] != pair[1])
}

/// Whether each folder holds files of the same numbers, more than there are folders.
fn are_workers(folders: &[u64], names: &[u64]) -> bool {
    let mut held: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for (folder, name) in folders.iter().zip(names) {
        held.entry(*folder).or_default().insert(*name);
    }
    let Some(first) = held.values().next() else { return false };
    let alike = held.values().filter(|own| *own == first).count();
    // The last file of some may not be written yet.
    held.len() >= 2 && first.len() > 2 * held.len() && 2 * alike >= held.len()
}

/// Steps that begin anew with each epoch, where the paths name one, with the steps of an epoch.
fn of_epochs(files: &[PathBuf], steps: &[u64]) -> Option<(Vec<u64>, u64)> {
    let epochs: Vec<u64> = files.iter().map(|file| epoch(file)).collect::<Option<_>>()?;
    let mut first: HashMap<u64, u64> = HashMap::new();
    let again =
        steps.iter().zip(&epochs).any(|(step, epoch)| *first.entry(*step).or_insert(*epoch) != *epoch);
    let period = steps.iter().max()?.checked_add(1).filter(|_| again)?;
    let of = |(step, epoch): (&u64, &u64)| epoch.checked_mul(period)?.checked_add(*step);
    Some((steps.iter().zip(&epochs).map(of).collect::<Option<_>>()?, period))
}

/// The epoch that a path names.
fn epoch(path: &Path) -> Option<u64> {
    parts(path).rev().find_map(|part| after(&part.to_ascii_lowercase(), "epoch"))
}

/// Whether a folder's name is an epoch's.
pub(super) fn is_epoch(name: &str) -> bool {
    after(&name.to_ascii_lowercase(), "epoch").is_some()
}

/// The step of a file that may be the first of several.
pub(super) fn of_one(file: &Path) -> Option<u64> {
    worded(file).or_else(|| stem(file)).or_else(|| folder(file))
}

/// Words before the number of a piece, or of one of several that write beside each other.
const SHARDS: &[&str] = &[
    "part", "shard", "chunk", "split", "rank", "worker", "actor", "env", "proc", "process", "gpu", "device",
    "node", "host", "pod", "replica", "server", "instance", "thread", "dp", "tp",
];

/// Whether a file is one of the pieces into which a data set was cut: `train-00000-of-00008`, `part-00003`, `rank_2`. Their numbers are
/// no steps, and neither is their order.
pub(super) fn is_shard(file: &Path) -> bool {
    let own = file.file_name().unwrap_or_default().to_string_lossy();
    let name = own.to_ascii_lowercase();
    let of = name.split_once("-of-").is_some_and(|(before, after)| {
        before.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with(|c: char| c.is_ascii_digit())
    });
    of || SHARDS.iter().any(|word| after(&name, word).is_some() || lettered(&own, word))
}

/// Whether one letter follows a word: `gpuA`, `node-b`.
fn lettered(text: &str, word: &str) -> bool {
    let Some((before, rest)) = text.split_at_checked(word.len()) else { return false };
    let rest = rest.split('.').next().unwrap_or_default();
    let letter = rest.trim_start_matches(['_', '-', '=']);
    let is_one = letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_alphabetic());
    // Without a separator it might be a plural.
    let is_apart = letter.len() < rest.len() || letter.bytes().all(|byte| byte.is_ascii_uppercase());
    before.eq_ignore_ascii_case(word) && is_one && is_apart
}

/// The run of a file, 0 where none is told: by a folder as `seed_3` or `run-12`.
pub fn run_of(file: &Path) -> u64 {
    const WORDS: &[&str] = &["seed", "run", "trial", "exp", "experiment", "replicate"];
    let is_run = |part: &String| {
        let small = part.to_ascii_lowercase();
        let number = WORDS.iter().find_map(|word| small.strip_prefix(word));
        number.is_some_and(|rest| {
            rest.trim_start_matches(['_', '-', '=']).starts_with(|c: char| c.is_ascii_digit())
        })
    };
    let mut folders: Vec<String> = parts(file).collect();
    folders.pop();
    folders.into_iter().rev().find(is_run).map_or(0, |name| text_hash(name.as_bytes()).max(1))
}

/// The run of each file. `differing`: only where files differ in it.
pub(super) fn runs(files: &[PathBuf], differing: bool) -> Vec<u64> {
    let runs: Vec<u64> = files.iter().map(|file| run_of(file)).collect();
    let differ = runs.windows(2).any(|pair| pair[0] != pair[1]);
    if differ || !differing { runs } else { vec![0; files.len()] }
}

/// A word with a number, in the deepest part of the path that has one.
fn worded(path: &Path) -> Option<u64> {
    parts(path).rev().find_map(|part| {
        let small = part.to_ascii_lowercase();
        WORDS.iter().filter_map(|word| after(&small, word)).next()
    })
}

/// The step that a text says in words: `step_12`, `ckpt-12`.
pub(super) fn in_words(text: &str) -> Option<u64> {
    let small = text.trim().to_ascii_lowercase().replace(' ', "_");
    WORDS.iter().find_map(|word| {
        let (before, rest) = small.split_once(word)?;
        let named = before.is_empty() || before == "global_" || before == "train_";
        let number = rest.trim_start_matches(['_', '-', '=', ':']);
        whole(number).filter(|_| named && !number.is_empty())
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

/// The file's name where it is a number, beside that of a piece or a worker at most: `12.jsonl`, `12_rank0.jsonl`.
fn stem(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.split('.').next()?;
    let digits = |c: char| c.is_ascii_digit();
    let (first, last) = (name.trim_start_matches(digits), name.trim_end_matches(digits));
    let of_piece = |text: &str| {
        let text = text.trim_matches(['_', '-']);
        !text.is_empty() && !text.contains('.') && is_shard(Path::new(text))
    };
    whole(name)
        .or_else(|| {
            whole(name.strip_suffix(first)?).filter(|_| first.starts_with(['_', '-']) && of_piece(first))
        })
        .or_else(|| whole(name.strip_prefix(last)?).filter(|_| last.ends_with(['_', '-']) && of_piece(last)))
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
        Some(steps(&files.iter().map(PathBuf::from).collect::<Vec<_>>())?.0)
    }

    #[test]
    fn epochs_and_workers_have_numbers_of_their_own() {
        let said = |files: &[String]| steps(&files.iter().map(PathBuf::from).collect::<Vec<_>>()).unwrap();
        let epochs: Vec<String> =
            (0..3).flat_map(|e| (0..4).map(move |s| format!("r/epoch_{e}/step_{s}.jsonl"))).collect();
        let (steps, note) = said(&epochs);
        assert_eq!(steps, (0..12).collect::<Vec<u64>>());
        assert!(note.is_some_and(|note| note.contains("step 4·e + s")));
        let flat: Vec<String> =
            (0..3).flat_map(|e| (0..4).map(move |s| format!("r/epoch{e}_step{s}.jsonl"))).collect();
        assert_eq!(said(&flat).0, (0..12).collect::<Vec<u64>>());
        let on: Vec<String> = (0..8).map(|s| format!("r/epoch_{}/step_{s}.jsonl", s / 4)).collect();
        assert_eq!(said(&on), ((0..8).collect(), None), "steps that go on");
        let workers: Vec<String> =
            (0..4).flat_map(|w| (1..30).map(move |s| format!("r/{w}/{s}.jsonl"))).collect();
        let (steps, note) = said(&workers);
        assert!(steps.iter().copied().eq((0..4).flat_map(|_| 1..30)) && note.is_some());
        let tasks: Vec<String> =
            (0..30).flat_map(|v| (0..4).map(move |t| format!("r/{v}/{t}.jsonl"))).collect();
        assert!(said(&tasks).0.iter().copied().eq((0..30).flat_map(|v| [v; 4])));
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
        let ranks = ["9_rank0.jsonl", "9_rank1.jsonl", "10_rank0.jsonl", "10_rank1.jsonl"];
        assert_eq!(of(&ranks), Some(vec![9, 9, 10, 10]), "a file of each worker");
        assert_eq!(of(&["worker3_9.jsonl", "worker3_10.jsonl"]), Some(vec![9, 10]));
        assert_eq!(of(&["3-gpuA.csv", "4-gpuB.csv"]), Some(vec![3, 4]));
        assert_eq!(of(&["9_best.jsonl", "10_best.jsonl"]), None);
        assert_eq!(of(&["rank_0.jsonl", "rank_1.jsonl"]), None, "no step beside it");
        assert_eq!(of(&["step_1/a.jsonl", "other.jsonl"]), None);
        assert_eq!(of(&["run1_rollouts_000000.jsonl", "run1_rollouts_000001.jsonl"]), None, "a shard");
        assert_eq!(of(&["u0_1_0.jsonl"]), None);
        assert_eq!(of(&["2024/run.jsonl"]), None);
    }

    #[test]
    fn pieces_of_a_data_set_are_no_steps_and_seeds_are_runs() {
        for name in [
            "d/train-00003-of-00008.parquet",
            "part-00001.jsonl",
            "d/shard_2.csv",
            "chunk7.jsonl",
            "rank_0.jsonl",
            "worker3.csv",
            "env-1.csv",
            "node-b.jsonl",
            "gpuA.jsonl",
        ] {
            assert!(is_shard(Path::new(name)), "{name}");
        }
        for name in [
            "run1_rollouts_000000.jsonl",
            "3.jsonl",
            "a-of-b.csv",
            "party_2.jsonl",
            "part.jsonl",
            "nodes.jsonl",
            "hosted.csv",
        ] {
            assert!(!is_shard(Path::new(name)), "{name}");
        }
        let of =
            |files: &[&str], differing| runs(&files.iter().map(PathBuf::from).collect::<Vec<_>>(), differing);
        let two = of(&["r/seed_1/a.jsonl", "r/seed_2/a.jsonl", "r/seed_1/b.jsonl"], true);
        assert!(two[0] != two[1] && two[0] == two[2] && two[0] > 0);
        assert_eq!(of(&["run-1/a.jsonl", "run-1/b.jsonl"], true), [0, 0], "one run");
        assert!(of(&["run-1/a.jsonl"], false)[0] > 0);
        assert_eq!(of(&["runs/a.jsonl", "runner/b.jsonl", "step_1/run_2.jsonl"], false), [0, 0, 0]);
    }
}
