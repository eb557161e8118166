//! The segment that a process writes: its own from the first byte on, and never one that was there.

use super::error::StoreError;
use super::segment::{Extent, SEGMENT, index_of};
use crate::foundation::atomic_file;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A segment that is written.
#[derive(Debug)]
pub struct Open {
    path: PathBuf,
    data: Arc<File>,
    index: File,
    /// Bytes in it.
    length: u64,
    /// Those of them that are safe.
    synced: u64,
}

impl Open {
    /// Begins one in `folder`.
    ///
    /// # Errors
    /// It or its index cannot be made.
    pub fn begin(folder: &Path) -> Result<Self, StoreError> {
        let (data, path) =
            atomic_file::fresh(folder, SEGMENT).map_err(StoreError::io("make a segment in", folder))?;
        let index = index_of(&path);
        let made = File::options().append(true).create_new(true).open(&index);
        let made = made.inspect_err(|_| drop(fs::remove_file(&path)));
        let own = made.map_err(StoreError::io("create", &index))?;
        Ok(Self { path, data: Arc::new(data), index: own, length: 0, synced: 0 })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in it.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends a record and its line in the index; a record that cannot be written is not left half.
    ///
    /// # Errors
    /// What the system said.
    pub fn append(&mut self, key: u64, bytes: &[u8]) -> Result<Extent, StoreError> {
        let too_long = |_| io::Error::new(io::ErrorKind::FileTooLarge, "a record is longer than 4 GiB");
        let length = u32::try_from(bytes.len()).map_err(too_long);
        let length = length.map_err(StoreError::io("write", &self.path))?;
        let extent = Extent { key, at: self.length, length };
        if let Err(problem) = (&*self.data).write_all(bytes) {
            self.data.set_len(self.length).ok();
            return Err(StoreError::io("write", &self.path)(problem));
        }
        self.length = extent.end();
        let told = self.index.write_all(extent.line().as_bytes());
        told.map_err(StoreError::io("write", &index_of(&self.path)))?;
        Ok(extent)
    }

    /// What is not safe yet; `None` where all is.
    pub fn pending(&self) -> Option<Pending> {
        let Self { path, data, length, synced, .. } = self;
        (synced < length).then(|| Pending {
            path: path.clone(),
            data: Arc::clone(data),
            from: *synced,
            until: *length,
        })
    }

    /// The first bytes are safe.
    pub fn is_safe(&mut self, until: u64) {
        self.synced = self.synced.max(until);
    }

    /// Takes away what is not safe, as far as the system lets it.
    pub fn cut(self) {
        self.data.set_len(self.synced).ok();
        if self.synced == 0 {
            let _ = fs::remove_file(index_of(&self.path));
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Bytes that are to be made safe, while more may be appended.
#[derive(Debug)]
pub struct Pending {
    /// The segment.
    pub path: PathBuf,
    data: Arc<File>,
    /// The first of them.
    pub from: u64,
    /// The first after them.
    pub until: u64,
}

impl Pending {
    /// Makes them safe, and with the first the name of the segment. The index need not be: it can be made anew.
    ///
    /// # Errors
    /// What the system said.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.data.sync_data().map_err(StoreError::io("sync", &self.path))?;
        match self.path.parent().filter(|_| self.from == 0) {
            Some(folder) => atomic_file::sync(folder).map_err(StoreError::io("sync the folder", folder)),
            None => Ok(()),
        }
    }
}
