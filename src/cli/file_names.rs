//! Names of files, as short as they tell the files apart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files that are named beside each other.
#[derive(Debug, Default)]
pub(super) struct FileNames(BTreeMap<PathBuf, String>);

impl FileNames {
    /// Each of these files by its own name, and by those of folders above it where others are called the same.
    pub fn of<'a>(files: impl Iterator<Item = &'a Path>) -> Self {
        let mut names: BTreeMap<PathBuf, String> =
            files.map(|file| (file.to_owned(), String::new())).collect();
        let deepest = names.keys().map(|file| file.components().count()).max().unwrap_or(0);
        for parts in 1..=deepest {
            let mut known: BTreeMap<String, usize> = BTreeMap::new();
            names.keys().for_each(|file| *known.entry(end(file, parts)).or_default() += 1);
            if parts == deepest || known.values().all(|files| *files == 1) {
                names.iter_mut().for_each(|(file, name)| *name = end(file, parts));
                break;
            }
        }
        Self(names)
    }

    /// The name of one of them; another file's own.
    pub fn name(&self, file: &Path) -> String {
        self.0.get(file).cloned().unwrap_or_else(|| end(file, 1))
    }
}

/// The last parts of a path.
fn end(file: &Path, parts: usize) -> String {
    let all: Vec<_> = file.components().collect();
    let last: PathBuf = all.iter().skip(all.len().saturating_sub(parts)).collect();
    last.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_are_told_apart_by_their_folders() {
        let names = |files: &[&str]| -> Vec<String> {
            let own = FileNames::of(files.iter().map(Path::new));
            files.iter().map(|file| own.name(Path::new(file))).collect()
        };
        assert_eq!(names(&["r/1.jsonl", "r/2.jsonl"]), ["1.jsonl", "2.jsonl"]);
        assert_eq!(
            names(&["r/a/x.jsonl", "r/b/x.jsonl", "r/a/x.jsonl"]),
            ["a/x.jsonl", "b/x.jsonl", "a/x.jsonl"]
        );
        assert_eq!(names(&["1/t/x", "2/t/x"]), ["1/t/x", "2/t/x"]);
        assert_eq!(names(&["x"]), ["x"]);
        assert_eq!(FileNames::default().name(Path::new("r/a/x")), "x");
    }
}
