//! Runs that lie beside each other in files of their own: their steps are the same, and their rollouts are not.

use super::log::StepSource;
use super::path_step;
use super::rollouts::Rollouts;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folders or files that are compared; more are no runs.
const MOST: usize = 64;

impl Rollouts {
    /// Tells the runs of a log whose rows name none: folders that hold the same steps, or files of one folder that do, unless they are
    /// the pieces or workers of one run. Gives the names of the runs, if there are several.
    pub(super) fn runs_by_files(&mut self, files: &[PathBuf], step: &StepSource) -> Vec<String> {
        if !matches!(step, StepSource::Column(_) | StepSource::Path)
            || self.stretches.iter().any(|own| own.shared.run != 0)
        {
            return Vec::new();
        }
        let names: Vec<String> = files.iter().map(|file| place(file, *step == StepSource::Path)).collect();
        let mut steps: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for stretch in &self.stretches {
            let Some(name) = names.get(stretch.shared.file as usize) else { return Vec::new() };
            steps.entry(name).or_default().insert(stretch.shared.step);
            if steps.len() > MOST {
                return Vec::new();
            }
        }
        if !are_runs(&steps) {
            return Vec::new();
        }
        let found: Vec<String> = steps.keys().map(|name| (*name).to_owned()).collect();
        for stretch in &mut self.stretches {
            let name = names.get(stretch.shared.file as usize);
            let place = name.and_then(|name| found.binary_search(name).ok());
            stretch.shared.run = place.map_or(0, |place| place as u64 + 1);
        }
        found
    }
}

/// Whether all but single steps are held by two or more, and half of the steps of each are.
fn are_runs(steps: &BTreeMap<&str, BTreeSet<u64>>) -> bool {
    let mut holders: BTreeMap<u64, usize> = BTreeMap::new();
    steps.values().flatten().for_each(|step| *holders.entry(*step).or_default() += 1);
    let shares = |own: &BTreeSet<u64>| {
        let common = own.iter().filter(|step| holders.get(step).is_some_and(|n| *n > 1)).count();
        own.len() >= 2 && 2 * common >= own.len()
    };
    steps.len() >= 2 && steps.values().all(shares)
}

/// Where a file lies, without what says a step, a piece or a worker. Files of one folder that tell the step by their names are of one run.
fn place(file: &Path, step_in_path: bool) -> String {
    let of_folder = |name: &str| {
        let worker = path_step::is_shard(Path::new(name)) || path_step::is_epoch(name);
        let step = step_in_path && path_step::of_one(&Path::new(name).join("x")).is_some();
        if worker || step { "*".to_owned() } else { name.to_owned() }
    };
    let parent = file.parent().unwrap_or(Path::new(""));
    let mut place: PathBuf =
        parent.components().map(|part| of_folder(&part.as_os_str().to_string_lossy())).collect();
    if !step_in_path && !path_step::is_shard(file) {
        place.push(file.file_name().unwrap_or_default());
    }
    place.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::super::{LogOptions, open_log};
    use std::fmt::Write as _;

    /// Runs of a log of these files, each of so many steps from the given one on; `column`: with a column of the step.
    fn runs(files: &[(&str, std::ops::Range<u64>)], column: bool) -> (usize, String) {
        let folder = tempfile::tempdir().unwrap();
        for (number, (name, steps)) in files.iter().enumerate() {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut text = String::new();
            for step in steps.clone() {
                for row in 0..4 {
                    let key = if column { format!("\"step\":{step},") } else { String::new() };
                    let _ = writeln!(
                        text,
                        "{{{key}\"prompt\":\"p\",\"completion\":\"{number} {step} {row}\",\"reward\":{row}.5}}"
                    );
                }
            }
            std::fs::write(path, text).unwrap();
        }
        let log = open_log(&[folder.path().to_owned()], &LogOptions::default()).unwrap();
        (log.meta.runs, log.meta.notes.join(" "))
    }

    #[test]
    fn files_of_the_same_steps_are_runs() {
        let (found, note) = runs(&[("baseline.jsonl", 0..20), ("new_rm.jsonl", 0..20)], true);
        assert_eq!(found, 2);
        assert!(note.contains("baseline.jsonl") && note.contains("new_rm.jsonl"), "{note}");
        assert_eq!(runs(&[("a/rollouts.jsonl", 0..20), ("b/rollouts.jsonl", 0..30)], true).0, 2);
        let dated: Vec<(String, std::ops::Range<u64>)> = (["2026-01-01_rm", "2026-01-02_rm"].iter())
            .flat_map(|run| (1..6).map(move |step| (format!("{run}/{step}.jsonl"), 0..1)))
            .collect();
        let dated: Vec<(&str, std::ops::Range<u64>)> =
            dated.iter().map(|(name, own)| (&**name, own.clone())).collect();
        assert_eq!(runs(&dated, false).0, 2, "steps by the names of files");
    }

    #[test]
    fn pieces_workers_steps_and_what_goes_on_are_one() {
        assert_eq!(runs(&[("rank_0.jsonl", 0..20), ("rank_1.jsonl", 0..20)], true).0, 1);
        assert_eq!(
            runs(&[("a.jsonl", 0..20), ("b.jsonl", 20..40)], true).0,
            1,
            "one goes on where the other ends"
        );
        assert_eq!(runs(&[("a.jsonl", 0..20), ("b.jsonl", 19..40)], true).0, 1);
        assert_eq!(runs(&[("step_1/all/t.jsonl", 0..1), ("step_1/effective/t.jsonl", 0..1)], false).0, 1);
        assert_eq!(
            runs(
                &[("1/x.jsonl", 0..1), ("2/x.jsonl", 0..1), ("1/y.jsonl", 0..1), ("2/y.jsonl", 0..1)],
                false
            )
            .0,
            1
        );
        assert_eq!(runs(&[("1.jsonl", 1..2), ("2.jsonl", 2..3)], true).0, 1);
    }
}
