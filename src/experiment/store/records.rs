//! Records on disk: whole or not at all, and verified whenever they are read.
//!
//! A record is one file of named sections and ends in the BLAKE3 checksum of all before it. It is written to a
//! temporary file of the same folder, synced, renamed, and the folder synced: the name appears last, and a name is no
//! proof. A file that does not verify counts as absent and is replaced.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What reading or writing results can meet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The same identity, other bytes.
    #[error(
        "{path} holds another result for the same run (checksums {found} there, {made} now); results of one binary must repeat: move the folder away, or find what changed",
        path = path.display()
    )]
    Conflict {
        /// The record on disk.
        path: PathBuf,
        /// Its checksum.
        found: String,
        /// The new one.
        made: String,
    },
    /// A record that a finished run should have left is not there or does not verify.
    #[error("{path} is missing or damaged; run the same command again to make it anew", path = path.display())]
    Absent {
        /// Where it should be.
        path: PathBuf,
    },
    /// A section cannot be read back.
    #[error("{path}, section {section}: {problem}; remove the file and run again", path = path.display())]
    Section {
        /// The record.
        path: PathBuf,
        /// Its section.
        section: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl StoreError {
    /// Wraps what the system said of `path`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

const MAGIC: &str = "tailcatch-record 1\n";

/// Named sections, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    sections: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// Adds a section.
    pub fn push(&mut self, name: &str, bytes: Vec<u8>) {
        self.sections.push((name.to_owned(), bytes));
    }

    /// The bytes of a section.
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        self.sections.iter().find(|(n, _)| n == name).map(|(_, bytes)| bytes.as_slice())
    }

    /// The file's bytes, checksum last.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.as_bytes().to_vec();
        for (name, bytes) in &self.sections {
            out.extend(format!("section {name} {}\n", bytes.len()).as_bytes());
            out.extend(bytes);
            out.push(b'\n');
        }
        let checksum = blake3::hash(&out).to_hex();
        out.extend(format!("end {checksum}\n").as_bytes());
        out
    }

    /// Reads a file's bytes; `None` unless every byte is as it was written.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let tail = "end ".len() + 2 * blake3::OUT_LEN + 1;
        let (body, end) = bytes.split_at_checked(bytes.len().checked_sub(tail)?)?;
        if end != format!("end {}\n", blake3::hash(body).to_hex()).as_bytes() {
            return None;
        }
        let mut rest = body.strip_prefix(MAGIC.as_bytes())?;
        let mut sections = Vec::new();
        while !rest.is_empty() {
            let line_end = rest.iter().position(|&b| b == b'\n')?;
            let header = std::str::from_utf8(&rest[..line_end]).ok()?;
            let mut words = header.strip_prefix("section ")?.split(' ');
            let (name, length) = (words.next()?, words.next()?.parse::<usize>().ok()?);
            let (content, after) = rest[line_end + 1..].split_at_checked(length)?;
            sections.push((name.to_owned(), content.to_vec()));
            rest = after.strip_prefix(b"\n")?;
        }
        Some(Self { sections })
    }
}

/// The records of a run folder.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens, and makes where needed, `folder`.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Where a record stands.
    pub fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.record"))
    }

    /// A record that verifies, or `None`.
    pub fn read(&self, id: &str) -> Result<Option<Record>, StoreError> {
        let path = self.path(id);
        match fs::read(&path) {
            Ok(bytes) => Ok(Record::decode(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    /// A record that must be there.
    pub fn require(&self, id: &str) -> Result<Record, StoreError> {
        self.read(id)?.ok_or_else(|| StoreError::Absent { path: self.path(id) })
    }

    /// Writes a record. The same bytes twice are fine; other bytes under the same identity are an error.
    pub fn write(&self, id: &str, record: &Record) -> Result<(), StoreError> {
        self.place(id, record)?;
        sync_folder(&self.folder)
    }

    /// Writes records in their order, up to the first that cannot be written; the folder is synced once.
    pub(super) fn write_all(&self, records: &[(String, Record)]) -> Result<(), StoreError> {
        records.iter().try_for_each(|(id, record)| self.place(id, record))?;
        sync_folder(&self.folder)
    }

    /// Puts a record under its name, synced itself; the name is safe once the folder is synced.
    fn place(&self, id: &str, record: &Record) -> Result<(), StoreError> {
        let (path, bytes) = (self.path(id), record.encode());
        if let Some(found) = self.read(id)? {
            let (found, made) = (found.encode(), bytes);
            if found == made {
                return Ok(());
            }
            let short = |b: &[u8]| blake3::hash(b).to_hex()[..12].to_owned();
            return Err(StoreError::Conflict { path, found: short(&found), made: short(&made) });
        }
        let mut file = temporary(&self.folder)?;
        file.write_all(&bytes).map_err(StoreError::io("write", &path))?;
        name(file, &path)
    }

    /// Writes a record in the place of one with the same name.
    pub fn replace(&self, id: &str, record: &Record) -> Result<(), StoreError> {
        write_atomic(&self.path(id), &record.encode())
    }

    /// Removes a record, if it is there.
    pub fn remove(&self, id: &str) -> Result<(), StoreError> {
        let path = self.path(id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Writes a file whole or not at all: temporary file of the same folder, sync, rename, sync of the folder.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = temporary(folder)?;
    file.write_all(bytes).map_err(StoreError::io("write", path))?;
    commit(file, path)
}

/// A temporary file that others may read once it has its name, as far as the umask lets them.
pub fn temporary(folder: &Path) -> Result<tempfile::NamedTempFile, StoreError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".partial-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map_err(StoreError::io("create a file in", folder))
}

/// Makes a finished temporary file appear under its name.
pub fn commit(file: tempfile::NamedTempFile, path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    name(file, path)?;
    sync_folder(folder)
}

/// Syncs a finished temporary file and gives it its name.
fn name(file: tempfile::NamedTempFile, path: &Path) -> Result<(), StoreError> {
    file.as_file().sync_all().map_err(StoreError::io("sync", path))?;
    file.persist(path).map_err(|e| StoreError::io("rename a temporary file to", path)(e.error))?;
    Ok(())
}

/// Makes the names in a folder safe.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(StoreError::io("sync the folder", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Record {
        let mut record = Record::default();
        record.push("steps.csv", b"step,kl\n0,0.5\n".to_vec());
        record.push("empty", Vec::new());
        record
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_detected() {
        let bytes = sample().encode();
        assert_eq!(Record::decode(&bytes), Some(sample()));
        for at in 0..bytes.len() {
            assert_eq!(Record::decode(&bytes[..at]), None, "truncated at {at}");
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(Record::decode(&damaged), None, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn damaged_files_count_as_absent_and_conflicts_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.read("a").unwrap(), None);
        fs::write(store.path("a"), b"half a record").unwrap();
        assert_eq!(store.read("a").unwrap(), None);
        store.write("a", &sample()).unwrap();
        store.write("a", &sample()).unwrap();
        assert_eq!(store.require("a").unwrap(), sample());
        let mut other = sample();
        other.push("more", b"x".to_vec());
        assert!(matches!(store.write("a", &other), Err(StoreError::Conflict { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }
}
