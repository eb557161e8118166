//! Which files a list of paths stands for: files, folders, and patterns in the file name.

use super::error::Error;
use super::format::format;
use super::natural::natural;
use super::spool::STDIN;
use crate::record::tables::ObservedRow;
use std::collections::HashSet;
use std::fs::FileType;
use std::path::{Path, PathBuf};

/// A file that a path stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub path: PathBuf,
    /// Its path below the folder in which it was looked for, where no one named the file itself.
    pub below: Option<PathBuf>,
}

/// The log files that `paths` stand for, each once, in natural order within a folder or pattern (2 before 10).
///
/// A folder stands for the `.csv`, `.tsv`, `.jsonl`, `.ndjson`, `.json`, `.eval` and `.parquet` files in it and below (the text
/// formats also as `.gz` and `.zst`), those of a folder before those of its subfolders; a folder with an `observed.csv` (a run
/// of this program) for that file alone. `*` and `?` are patterns in a file name; `-` is standard input.
///
/// # Errors
/// A path that does not exist, a pattern or folder that gives nothing, a file of another format, an entry that the system does
/// not let see.
pub fn log_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    Ok(found(paths)?.into_iter().map(|file| file.path).collect())
}

/// The files with where they were found.
pub(super) fn found(paths: &[PathBuf]) -> Result<Vec<Found>, Error> {
    let mut files: Vec<Found> = Vec::new();
    let mut known: HashSet<PathBuf> = HashSet::new();
    for path in paths {
        let (found, root) = if path == Path::new(STDIN) {
            (vec![path.clone()], None)
        } else if path.is_dir() {
            let found = in_folder(path, 0)?;
            if found.is_empty() {
                return Err(Error::NoLogInFolder { path: path.clone() });
            }
            (found, Some(path.as_path()))
        } else if path.exists() {
            (vec![path.clone()], None)
        } else if let Some(pattern) = pattern(path) {
            let folder = path.parent().unwrap_or(Path::new(""));
            let fits = |entry: &Entry| {
                matches(pattern, &entry.name) && entry.kind().is_ok_and(|kind| kind.is_file())
            };
            let found: Vec<PathBuf> =
                entries(folder)?.into_iter().filter(fits).map(|entry| entry.path).collect();
            if found.is_empty() {
                return Err(Error::NoMatch { path: path.clone() });
            }
            (found, Some(folder))
        } else {
            return Err(Error::NotFound { path: path.clone() });
        };
        for file in found {
            if format(&file).is_none() && file != Path::new(STDIN) {
                let extension =
                    file.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
                return Err(Error::UnknownExtension { path: file, extension });
            }
            if known.insert(file.clone()) {
                let below = root.map(|root| file.strip_prefix(root).unwrap_or(&file).to_owned());
                files.push(Found { path: file, below });
            }
        }
    }
    Ok(files)
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn pattern(path: &Path) -> Option<&str> {
    name(path).filter(|n| n.contains(['*', '?']))
}

/// An entry of a folder.
struct Entry {
    path: PathBuf,
    name: String,
    /// A link is what it leads to.
    kind: FileType,
}

impl Entry {
    /// What it is, links followed.
    fn kind(&self) -> std::io::Result<FileType> {
        if self.kind.is_symlink() { Ok(self.path.metadata()?.file_type()) } else { Ok(self.kind) }
    }
}

/// What is in a folder, hidden entries left out, in natural order.
fn entries(folder: &Path) -> Result<Vec<Entry>, Error> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if !place.is_dir() {
        return Err(Error::NotFound { path: place.to_owned() });
    }
    let refused = |source| Error::Io { path: place.to_owned(), source };
    let mut entries = Vec::new();
    for entry in place.read_dir().map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let file_name = entry.file_name();
        let name = file_name.to_string_lossy().into_owned();
        if !name.starts_with('.') {
            let kind = entry.file_type().map_err(refused)?;
            entries.push(Entry { path: folder.join(file_name), name, kind });
        }
    }
    entries.sort_by(|a, b| natural(&a.name, &b.name));
    Ok(entries)
}

fn in_folder(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, Error> {
    /// Deep enough for any log; ends links that lead back to a parent.
    const DEEPEST: usize = 8;
    let entries = entries(folder)?;
    if let Some(own) = entries.iter().find(|entry| entry.name == ObservedRow::FILE) {
        return Ok(vec![own.path.clone()]);
    }
    let (mut found, mut folders) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.kind() {
            Ok(kind) if kind.is_dir() => folders.push(entry.path),
            Ok(kind) if kind.is_file() && format(&entry.path).is_some() => found.push(entry.path),
            // A log that cannot be seen is not left out without a word.
            Err(source) if format(&entry.path).is_some() => {
                return Err(Error::Io { path: entry.path, source });
            }
            _ => {}
        }
    }
    if depth < DEEPEST {
        for subfolder in folders {
            found.extend(in_folder(&subfolder, depth + 1)?);
        }
    }
    Ok(found)
}

/// Whether `name` fits a pattern of `*` (any characters) and `?` (one character).
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stood, and up to where it has been taken to reach.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == name.get(n) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, reach)) => {
                    star = Some((at, reach + 1));
                    p = at + 1;
                    n = reach + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_know_star_and_question_mark() {
        assert!(matches("metrics_*.jsonl", "metrics_g_Easy.jsonl"));
        assert!(matches("*_?.csv", "a_b_c.csv"));
        assert!(matches("*", ""));
        assert!(!matches("?.csv", "ab.csv"));
        assert!(!matches("a*b", "abc"));
    }
}
