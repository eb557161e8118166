//! Which files a list of paths stands for: files, folders, and patterns in the file name.

use super::error::Error;
use super::format::format;
use super::natural::natural;
use super::spool::STDIN;
use crate::foundation::presence::{is_absence, kind};
use crate::record::tables::ObservedRow;
use std::collections::{HashSet, VecDeque};
use std::fs::FileType;
use std::io;
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
        let there = kind(path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let (found, root) = if path == Path::new(STDIN) {
            (vec![path.clone()], None)
        } else if there.is_some_and(|kind| kind.is_dir()) {
            let found = in_folder(path)?;
            if let Some(arrow) = arrow(path, &found) {
                return Err(Error::UnknownExtension { path: arrow, extension: ".arrow".to_owned() });
            }
            if found.is_empty() {
                return Err(Error::NoLogInFolder { path: path.clone() });
            }
            (found, Some(path.as_path()))
        } else if there.is_some() {
            (vec![path.clone()], None)
        } else if let Some(pattern) = pattern(path) {
            let folder = path.parent().unwrap_or(Path::new(""));
            let mut found = Vec::new();
            for entry in entries(folder)?.into_iter().filter(|entry| matches(pattern, &entry.name)) {
                // A log that cannot be seen is not left out without a word.
                let kind = entry.kind().map_err(|source| Error::Io { path: entry.path.clone(), source })?;
                found.extend(Some(entry.path).filter(|_| kind.is_file()));
            }
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

/// The rows of a data set that was saved as Arrow files, of which nothing but what is said about them was found.
fn arrow(folder: &Path, found: &[PathBuf]) -> Option<PathBuf> {
    const ABOUT: &[&str] = &["dataset_info.json", "dataset_dict.json", "state.json"];
    if !found.iter().all(|file| name(file).is_some_and(|name| ABOUT.contains(&name))) {
        return None;
    }
    let folders = found.iter().filter_map(|file| file.parent()).chain([folder]);
    let of = |folder: &Path| {
        let is_arrow =
            |path: &PathBuf| path.extension().is_some_and(|end| end == "arrow" || end == "feather");
        entries(folder).ok()?.into_iter().map(|entry| entry.path).find(is_arrow)
    };
    folders.into_iter().find_map(of)
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
    fn kind(&self) -> io::Result<FileType> {
        if self.kind.is_symlink() { Ok(self.path.metadata()?.file_type()) } else { Ok(self.kind) }
    }
}

/// What is in a folder, hidden entries left out, in natural order.
fn entries(folder: &Path) -> Result<Vec<Entry>, Error> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let refused = |source| match is_absence(&source) {
        true => Error::NotFound { path: place.to_owned() },
        false => Error::Io { path: place.to_owned(), source },
    };
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

/// The log files of a folder and those below, each once: what a link leads to is taken where it lies itself, if it is met there.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut walk = Walk::default();
    walk.folder(folder)?;
    while let Some(link) = walk.links.pop_front() {
        match link.metadata() {
            Ok(kind) if kind.is_dir() => walk.folder(&link)?,
            Ok(kind) if kind.is_file() => walk.file(link),
            // A log that cannot be seen is not left out without a word.
            Err(source) if format(&link).is_some() => return Err(Error::Io { path: link, source }),
            _ => {}
        }
    }
    Ok(walk.found)
}

/// Folders and files that were met.
#[derive(Default)]
struct Walk {
    found: Vec<PathBuf>,
    /// With links followed.
    seen: HashSet<PathBuf>,
    links: VecDeque<PathBuf>,
}

impl Walk {
    fn is_new(&mut self, path: &Path) -> bool {
        self.seen.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }

    fn file(&mut self, path: PathBuf) {
        if format(&path).is_some() && self.is_new(&path) {
            self.found.push(path);
        }
    }

    fn folder(&mut self, folder: &Path) -> Result<(), Error> {
        if !self.is_new(folder) {
            return Ok(());
        }
        let entries = entries(folder)?;
        if let Some(own) = entries.iter().find(|entry| entry.name == ObservedRow::FILE) {
            self.file(own.path.clone());
            return Ok(());
        }
        let mut folders = Vec::new();
        for entry in entries {
            if entry.kind.is_symlink() {
                self.links.push_back(entry.path);
            } else if entry.kind.is_dir() {
                folders.push(entry.path);
            } else if entry.kind.is_file() {
                self.file(entry.path);
            }
        }
        folders.iter().try_for_each(|folder| self.folder(folder))
    }
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

    #[cfg(unix)]
    #[test]
    fn what_a_link_leads_to_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let step = |step: u64| folder.path().join(format!("step_{step}"));
        for number in [9, 10] {
            std::fs::create_dir(step(number)).unwrap();
            std::fs::write(step(number).join("r.jsonl"), "{}").unwrap();
        }
        let link =
            |from: &Path, name: &str| std::os::unix::fs::symlink(from, folder.path().join(name)).unwrap();
        link(&step(10), "latest");
        link(folder.path(), "self");
        link(&step(9).join("r.jsonl"), "a.jsonl");
        let found = log_files(&[folder.path().to_owned()]).unwrap();
        assert_eq!(found, [9, 10].map(|number| step(number).join("r.jsonl")));
        // What lies elsewhere is read through its link.
        let other = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(step(9).join("r.jsonl"), other.path().join("b.jsonl")).unwrap();
        assert_eq!(log_files(&[other.path().to_owned()]).unwrap(), [other.path().join("b.jsonl")]);
    }

    #[test]
    fn a_data_set_of_arrow_files_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["data-00000-of-00001.arrow", "dataset_info.json", "state.json"] {
            std::fs::write(folder.path().join(name), "{}").unwrap();
        }
        let error = log_files(&[folder.path().to_owned()]).unwrap_err();
        let help = error.help().unwrap();
        assert!(help.contains("Dataset.from_file") && help.contains("data-00000-of-00001.arrow"), "{help}");
        std::fs::write(folder.path().join("log.jsonl"), "{}").unwrap();
        assert_eq!(log_files(&[folder.path().to_owned()]).unwrap().len(), 3);
    }

    #[test]
    fn patterns_know_star_and_question_mark() {
        assert!(matches("metrics_*.jsonl", "metrics_g_Easy.jsonl"));
        assert!(matches("*_?.csv", "a_b_c.csv"));
        assert!(matches("*", ""));
        assert!(!matches("?.csv", "ab.csv"));
        assert!(!matches("a*b", "abc"));
    }
}
