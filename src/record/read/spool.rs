//! What can be read only once, kept so that it can be read again: standard input (`-`) and pipes.

use super::error::Error;
use super::part::Extent;
use super::source::{self, Magic, Source};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The name of standard input.
pub(super) const STDIN: &str = "-";

/// Temporary files without a name, by the path whose bytes they hold. Standard input belongs to the process, and so does this.
static KEPT: Mutex<BTreeMap<PathBuf, File>> = Mutex::new(BTreeMap::new());

/// Whether a path can be read only once.
pub(super) fn is_stream(path: &Path) -> bool {
    path == Path::new(STDIN) || is_pipe(path)
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    path.metadata().is_ok_and(|it| it.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

/// The file behind a path, at its beginning.
pub(super) fn file(path: &Path) -> Result<File, Error> {
    let refused = |source| Error::Io { path: path.to_owned(), source };
    if !is_stream(path) {
        return File::open(path).map_err(refused);
    }
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if !kept.contains_key(path) {
        let spool = |source| Error::Spool { source };
        let mut copy = tempfile::tempfile().map_err(spool)?;
        let mut from: Box<dyn Read> = if path == Path::new(STDIN) {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(path).map_err(refused)?)
        };
        io::copy(&mut from, &mut copy).map_err(spool)?;
        kept.insert(path.to_owned(), copy);
    }
    let Some(copy) = kept.get(path) else { return Err(Error::NotFound { path: path.to_owned() }) };
    let mut again = copy.try_clone().map_err(refused)?;
    again.seek(SeekFrom::Start(0)).map_err(refused)?;
    Ok(again)
}

/// What a file is by its first bytes.
pub(super) fn magic(path: &Path) -> Result<Magic, Error> {
    let (mut first, mut filled) = ([0; 4], 0);
    let mut file = file(path)?;
    while let Some(rest) = first.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest).map_err(|source| Error::Io { path: path.to_owned(), source })? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(Magic::of(&first[..filled]))
}

/// The text of a file, or of a part of it, expanded up to so many bytes.
pub(super) fn open(path: &Path, extent: &Extent) -> Result<Source, Error> {
    let limit = extent.limit;
    if let Some(part) = &extent.part {
        return part.open(path, limit);
    }
    let (magic, file) = (magic(path)?, file(path)?);
    if is_stream(path) {
        source::open(Kept { file, at: 0 }, magic, path, limit)
    } else {
        source::open(file, magic, path, limit)
    }
}

/// A reader of what was kept, with a place of its own: copies of one file share theirs.
struct Kept {
    file: File,
    at: u64,
}

impl Read for Kept {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, bytes, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, at)
}
