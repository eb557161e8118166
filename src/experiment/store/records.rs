//! Records on disk: whole or not at all, and held to their name whenever they are read.
//!
//! A name is no proof. What does not verify counts as absent and is made anew; a whole record under another's name, or one of an
//! earlier version, is an error wherever it is met, and stays as it is.
//!
//! A record stands in a file of its own, or, in large sweeps, with others in a [segment](super::segment). Both are read wherever they are met.

use super::error::StoreError;
use super::found::{Best, Found, in_file, in_segment};
use super::near::Near;
use super::numerics::numerics;
use super::record::{Kept, Record, Stamp};
use super::segment::{SEGMENT, key};
use super::segments::Segments;
use crate::experiment::plan::ids::SEMANTICS;
use crate::foundation::atomic_file::{self, AtomicFile};
use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Records from which on they are kept in segments: a file system finds so many files quickly, and a person can look at each.
const MANY: usize = 4096;

/// The records of a run folder, or of several that hold parts of one experiment.
#[derive(Debug, Clone)]
pub struct Store {
    /// The first is written to.
    folders: Vec<PathBuf>,
    allow_mixed: bool,
    /// New records go to a segment.
    in_segments: bool,
    shared: Arc<Shared>,
}

/// What all copies of a store share.
#[derive(Debug, Default)]
struct Shared {
    segments: Segments,
    /// Files were put into the folder since it was synced.
    has_new_names: AtomicBool,
}

impl Store {
    /// Opens, and makes where needed, `folder`.
    ///
    /// # Errors
    /// The folder cannot be made, or is a symbolic link.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let store = Self::of([folder]);
        store.create()?;
        Ok(store)
    }

    /// The records of `folders`, of which none need be there yet.
    pub fn of<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Self {
        let folders = folders.into_iter().map(Path::to_owned).collect();
        Self { folders, allow_mixed: false, in_segments: false, shared: Arc::default() }
    }

    /// Keeps new records together in segments, where a plan has many.
    pub fn for_records(self, planned: usize) -> Self {
        Self { in_segments: planned > MANY, ..self }
    }

    /// Lets runs under way go on that another binary began.
    pub fn allowing_mixed(self, allow_mixed: bool) -> Self {
        Self { allow_mixed, ..self }
    }

    /// Makes the folder that is written to, where it is not there yet.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn create(&self) -> Result<(), StoreError> {
        let folder = self.own();
        atomic_file::folder(folder).map_err(StoreError::io("create the folder", folder))
    }

    fn own(&self) -> &Path {
        self.folders.first().map_or(Path::new("."), PathBuf::as_path)
    }

    /// Where a record stands, or would be written.
    pub fn path(&self, id: &str) -> PathBuf {
        let name = format!("{id}.record");
        let there = self.folders.iter().map(|folder| folder.join(&name)).find(|path| path.exists());
        let within = || self.shared.segments.places(id).into_iter().next().map(|(path, _)| path);
        there.or_else(within).unwrap_or_else(|| self.own().join(name))
    }

    /// Reads the folders anew: the names of files at this moment, and what lies in segments. One reading tells of a million records that
    /// are not there.
    ///
    /// # Errors
    /// A folder or a segment that cannot be read.
    pub fn names(&self) -> Result<HashSet<Box<str>>, StoreError> {
        let (mut names, mut segments) = (HashSet::new(), Vec::new());
        for folder in &self.folders {
            let failed = || StoreError::io("read the folder", folder);
            let entries = match fs::read_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(failed())?,
            };
            for entry in entries {
                let name = entry.map_err(failed())?.file_name();
                names.extend(name.to_str().and_then(|name| name.strip_suffix(".record")).map(Box::from));
                if Path::new(&name).extension().is_some_and(|own| own == SEGMENT) {
                    segments.push(folder.join(name));
                }
            }
        }
        self.shared.segments.refresh(segments)?;
        Ok(names)
    }

    /// Segments in which something does not verify, and does not say whose it is.
    pub fn nameless(&self) -> Vec<PathBuf> {
        self.shared.segments.nameless()
    }

    /// What stands under a record's name. Where several folders have it, all must hold the same.
    ///
    /// # Errors
    /// A file that cannot be read; a record of another run or an earlier version; two records that contradict each other.
    pub fn look(&self, id: &str) -> Result<Found, StoreError> {
        let mut best = Best::default();
        for folder in &self.folders {
            let path = folder.join(format!("{id}.record"));
            best.take(in_file(&path, id)?, &path)?;
        }
        self.look_further(id, best)
    }

    /// The same where no file has that name.
    ///
    /// # Errors
    /// As [`Store::look`].
    pub fn look_in_segments(&self, id: &str) -> Result<Found, StoreError> {
        self.look_further(id, Best::default())
    }

    /// Reads together what lies of these records in segments, as they were when the folders were last read. None of them has a file.
    pub fn near<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Near {
        Near::read(&self.shared.segments.lone(ids.filter_map(key)))
    }

    fn look_further(&self, id: &str, mut best: Best) -> Result<Found, StoreError> {
        if !self.shared.segments.is_read() {
            self.names()?;
        }
        for (path, extent) in self.shared.segments.places(id) {
            best.take(in_segment(&extent, &path, id)?, &path)?;
        }
        Ok(best.found())
    }

    /// A record that verifies, or `None`.
    ///
    /// # Errors
    /// As [`Store::look`].
    pub fn read(&self, id: &str) -> Result<Option<Record>, StoreError> {
        Ok(self.kept(id)?.map(|kept| kept.record))
    }

    /// The same with what it was made with.
    ///
    /// # Errors
    /// As [`Store::look`].
    pub fn kept(&self, id: &str) -> Result<Option<Kept>, StoreError> {
        Ok(match self.look(id)? {
            Found::Whole(kept) => Some(kept),
            Found::Absent | Found::Damaged => None,
        })
    }

    /// A run under way, which only what began it goes on with.
    ///
    /// # Errors
    /// As [`Store::look`]; a run that another binary began.
    pub fn begun(&self, id: &str) -> Result<Option<Record>, StoreError> {
        let Some(kept) = self.kept(id)? else { return Ok(None) };
        if kept.stamp.numerics != *numerics() && !self.allow_mixed {
            let (found, own) = (kept.stamp.numerics.to_string(), numerics().to_string());
            return Err(StoreError::Begun { path: self.path(id), found, own });
        }
        Ok(Some(kept.record))
    }

    /// A record that must be there.
    ///
    /// # Errors
    /// As [`Store::look`]; it is not there, or does not verify.
    pub fn require(&self, id: &str) -> Result<Kept, StoreError> {
        self.kept(id)?.ok_or_else(|| StoreError::Absent { path: self.path(id) })
    }

    /// Writes a record. The same content twice is fine; another under the same identity is an error. In a segment it is safe after the
    /// next [`Store::sync`].
    ///
    /// # Errors
    /// As [`Store::look`]; another result is there; the file cannot be written.
    pub fn write(&self, id: &str, record: &Record) -> Result<(), StoreError> {
        self.place(id, record)?;
        self.sync_names()
    }

    /// Puts records under their names, in their order, up to the first that cannot be written; they are safe after [`Store::sync`].
    pub(super) fn place_all(&self, records: &[(String, Record)]) -> Result<(), StoreError> {
        records.iter().try_for_each(|(id, record)| self.place(id, record))
    }

    fn place(&self, id: &str, record: &Record) -> Result<(), StoreError> {
        match self.kept(id)? {
            None => {}
            Some(found) if found.record == *record => return Ok(()),
            Some(found) => {
                return Err(StoreError::Conflict {
                    path: self.path(id),
                    found: found.record.checksum(),
                    made: record.checksum(),
                });
            }
        }
        let bytes = self.bytes(id, record)?;
        let is_short = u32::try_from(bytes.len()).is_ok();
        match key(id).filter(|_| self.in_segments && is_short) {
            Some(key) => self.shared.segments.append(self.own(), key, &bytes),
            None => self.put(id, &bytes),
        }
    }

    /// Writes a record in the place of one with the same name, into a file of its own.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn replace(&self, id: &str, record: &Record) -> Result<(), StoreError> {
        self.put(id, &self.bytes(id, record)?)?;
        self.sync_names()
    }

    fn bytes(&self, id: &str, record: &Record) -> Result<Vec<u8>, StoreError> {
        let stamp = Stamp { id: id.to_owned(), semantics: SEMANTICS, numerics: numerics().clone() };
        stamp.encode(record).map_err(|e| StoreError::io("write", &self.own().join(id))(e.into()))
    }

    fn put(&self, id: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.own().join(format!("{id}.record"));
        let mut file = AtomicFile::create(&path).map_err(StoreError::io("write", &path))?;
        file.write_all(bytes).and_then(|()| file.name()).map_err(StoreError::io("write", &path))?;
        self.shared.has_new_names.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes everything that was written safe.
    ///
    /// # Errors
    /// A segment or the folder cannot be synced.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.shared.segments.sync()?;
        self.sync_names()
    }

    /// Makes the names in the folder safe, where there are new ones.
    fn sync_names(&self) -> Result<(), StoreError> {
        if !self.shared.has_new_names.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let folder = self.own();
        atomic_file::sync(folder).map_err(StoreError::io("sync the folder", folder))
    }

    /// Removes a record, if it is there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, id: &str) -> Result<(), StoreError> {
        let path = self.own().join(format!("{id}.record"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
/// The file, and what the system said.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    atomic_file::write(path, bytes).map_err(StoreError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Record {
        let mut record = Record::default();
        record.push("steps.csv", text.as_bytes().to_vec());
        record
    }

    #[test]
    fn damaged_files_count_as_absent_and_conflicts_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.read("a").unwrap(), None);
        fs::write(store.path("a"), b"half a record").unwrap();
        assert_eq!(store.look("a").unwrap(), Found::Damaged);
        store.write("a", &sample("1")).unwrap();
        store.write("a", &sample("1")).unwrap();
        assert_eq!(store.require("a").unwrap().record, sample("1"));
        assert!(matches!(store.write("a", &sample("2")), Err(StoreError::Conflict { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn names_are_those_of_all_folders_whatever_the_files_hold() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(one.path()).unwrap();
        store.write("a", &sample("1")).unwrap();
        fs::write(store.path("b.partial"), b"half a record").unwrap();
        fs::write(one.path().join(".partial-1-c"), b"left over").unwrap();
        Store::open(other.path()).unwrap().write("d", &sample("1")).unwrap();
        let both = Store::of([one.path(), other.path(), &one.path().join("none")]);
        let names = both.names().unwrap();
        assert_eq!(names, ["a", "b.partial", "d"].map(Box::from).into());
        assert!(Store::of([store.path("a").as_path()]).names().is_err());
    }

    #[test]
    fn a_record_under_another_name_is_refused_wherever_it_is_met() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.write("a", &sample("1")).unwrap();
        fs::copy(store.path("a"), store.path("b")).unwrap();
        let foreign = |error: StoreError| matches!(error, StoreError::Foreign { id, .. } if id == "a");
        assert!(foreign(store.read("b").unwrap_err()));
        assert!(foreign(store.require("b").unwrap_err()));
        assert!(foreign(store.begun("b").unwrap_err()));
        assert!(foreign(store.write("b", &sample("2")).unwrap_err()));
        assert_eq!(fs::read(store.path("a")).unwrap(), fs::read(store.path("b")).unwrap());
    }

    #[test]
    fn what_two_folders_hold_must_be_the_same() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, second) = (Store::open(one.path()).unwrap(), Store::open(other.path()).unwrap());
        let both = Store::of([one.path(), other.path()]);
        second.write("a", &sample("1")).unwrap();
        assert_eq!(both.read("a").unwrap(), Some(sample("1")));
        fs::write(first.path("a"), b"half a record").unwrap();
        assert_eq!(both.read("a").unwrap(), Some(sample("1")));
        first.replace("a", &sample("2")).unwrap();
        let error = both.read("a").unwrap_err();
        assert!(matches!(error, StoreError::Contradiction { .. }), "{error}");
    }
}
