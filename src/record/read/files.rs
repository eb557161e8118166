//! Which files a list of paths stands for: files, folders, and patterns in the file name.

use super::cell::Column;
use super::error::Error;
use super::row::Row;
use super::{csv, jsonl};
use crate::record::tables::ObservedRow;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// A format of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Jsonl,
    Parquet,
}

fn format(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "jsonl" => Some(Format::Jsonl),
        "parquet" => Some(Format::Parquet),
        _ => None,
    }
}

/// The log files that `paths` stand for, each once, in natural order within a folder or pattern (2 before 10).
///
/// A folder stands for the `.csv`, `.jsonl` and `.parquet` files in it; where it has none, for those of its
/// subfolders; a folder with an `observed.csv` (a run of this program) for that file alone. `*` and `?` are
/// patterns in a file name.
///
/// # Errors
/// A path that does not exist, a pattern or folder that gives nothing, a file of another format.
pub fn log_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        let found = if path.is_dir() {
            let found = in_folder(path, 0)?;
            if found.is_empty() {
                return Err(Error::NoLogInFolder { path: path.clone() });
            }
            found
        } else if path.exists() {
            vec![path.clone()]
        } else if let Some(pattern) = pattern(path) {
            let mut found = entries(path.parent().unwrap_or(Path::new("")))?;
            found.retain(|p| p.is_file() && name(p).is_some_and(|n| matches(pattern, n)));
            if found.is_empty() {
                return Err(Error::NoMatch { path: path.clone() });
            }
            found
        } else {
            return Err(Error::NotFound { path: path.clone() });
        };
        for file in found {
            if format(&file).is_none() {
                let extension =
                    file.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
                return Err(Error::UnknownExtension { path: file, extension });
            }
            if !files.contains(&file) {
                files.push(file);
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

/// What is in a folder, hidden entries left out, in natural order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if !place.is_dir() {
        return Err(Error::NotFound { path: place.to_owned() });
    }
    let refused = |source| Error::Io { path: place.to_owned(), source };
    let mut entries = Vec::new();
    for entry in place.read_dir().map_err(refused)? {
        let file_name = entry.map_err(refused)?.file_name();
        if !file_name.to_string_lossy().starts_with('.') {
            entries.push(folder.join(file_name));
        }
    }
    entries.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(entries)
}

fn in_folder(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, Error> {
    /// Deep enough for any log; ends links that lead back to a parent.
    const DEEPEST: usize = 6;
    let entries = entries(folder)?;
    let own = folder.join(ObservedRow::FILE);
    if entries.contains(&own) {
        return Ok(vec![own]);
    }
    let logs: Vec<PathBuf> = entries.iter().filter(|p| format(p).is_some() && p.is_file()).cloned().collect();
    if !logs.is_empty() || depth == DEEPEST {
        return Ok(logs);
    }
    let mut found = Vec::new();
    for subfolder in entries.iter().filter(|p| p.is_dir()) {
        found.extend(in_folder(subfolder, depth + 1)?);
    }
    Ok(found)
}

/// Order in which runs of digits compare as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (x, y) = (digits(left), digits(right));
        if x > 0 && y > 0 {
            let (m, n) = (left[..x].trim_start_matches('0'), right[..y].trim_start_matches('0'));
            match m.len().cmp(&n.len()).then_with(|| m.cmp(n)) {
                Ordering::Equal => (left, right) = (&left[x..], &right[y..]),
                order => return order,
            }
            continue;
        }
        match (left.chars().next(), right.chars().next()) {
            (Some(c), Some(d)) if c == d => {
                (left, right) = (&left[c.len_utf8()..], &right[d.len_utf8()..]);
            }
            (None, None) => return a.cmp(b),
            (c, d) => return c.cmp(&d),
        }
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
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

/// The columns of a file, judged by its first rows.
pub(super) fn columns(path: &Path) -> Result<Vec<Column>, Error> {
    let columns = match format(path) {
        Some(Format::Csv) => csv::columns(path)?,
        Some(Format::Jsonl) => jsonl::columns(path)?,
        #[cfg(feature = "parquet")]
        Some(Format::Parquet) => super::parquet::columns(path)?,
        #[cfg(not(feature = "parquet"))]
        Some(Format::Parquet) => return Err(Error::ParquetDisabled { path: path.to_owned() }),
        None => return Err(Error::UnknownExtension { path: path.to_owned(), extension: String::new() }),
    };
    if columns.is_empty() {
        return Err(Error::Empty { path: path.to_owned(), what: "it has no column" });
    }
    Ok(columns)
}

/// Visits every row of a file with the cells of the `wanted` columns, which the file must have.
pub(super) fn scan(
    path: &Path,
    wanted: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    match format(path) {
        Some(Format::Csv) => csv::scan(path, wanted, visit),
        Some(Format::Jsonl) => jsonl::scan(path, wanted, visit),
        #[cfg(feature = "parquet")]
        Some(Format::Parquet) => super::parquet::scan(path, wanted, visit),
        #[cfg(not(feature = "parquet"))]
        Some(Format::Parquet) => Err(Error::ParquetDisabled { path: path.to_owned() }),
        None => Err(Error::UnknownExtension { path: path.to_owned(), extension: String::new() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_compare_as_numbers() {
        let mut names = ["10.jsonl", "2.jsonl", "1.jsonl", "02.jsonl", "a9b1", "a9b", "a10"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["1.jsonl", "02.jsonl", "2.jsonl", "10.jsonl", "a9b", "a9b1", "a10"]);
        let long = "9".repeat(60);
        assert_eq!(natural(&long, &format!("1{long}")), Ordering::Less);
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
