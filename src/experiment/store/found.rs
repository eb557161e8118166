//! What stands under a record's name: in a file of its own, in segments, or in several of them, which must hold the same.

use super::error::StoreError;
use super::record::{Decoded, Kept};
use super::segment::Extent;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What stands under a record's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// Something that does not verify.
    Damaged,
    /// The record.
    Whole(Kept),
}

/// The best of what stands under a record's name.
#[derive(Debug)]
pub struct Best {
    found: Found,
    place: PathBuf,
}

impl Default for Best {
    fn default() -> Self {
        Self { found: Found::Absent, place: PathBuf::new() }
    }
}

impl Best {
    /// One more.
    ///
    /// # Errors
    /// It is whole and holds something else than another that is.
    pub fn take(&mut self, new: Found, path: &Path) -> Result<(), StoreError> {
        match (&self.found, new) {
            (_, Found::Absent) | (Found::Whole(_), Found::Damaged) => {}
            (Found::Whole(old), Found::Whole(new)) => {
                if new.record != old.record {
                    return Err(StoreError::Contradiction {
                        first: self.place.clone(),
                        second: path.to_owned(),
                        first_sum: old.record.checksum(),
                        second_sum: new.record.checksum(),
                    });
                }
            }
            (_, new) => (self.found, self.place) = (new, path.to_owned()),
        }
        Ok(())
    }

    /// The best of all.
    pub fn found(self) -> Found {
        self.found
    }
}

/// What a file holds that should be the record of `id`.
///
/// # Errors
/// It cannot be read; it is the record of another run or an earlier version.
pub fn in_file(path: &Path, id: &str) -> Result<Found, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(StoreError::io("read", path)(error)),
    };
    match Decoded::of(&bytes) {
        Decoded::Damaged => Ok(Found::Damaged),
        Decoded::Older => Err(StoreError::Older { path: path.to_owned() }),
        Decoded::Whole(kept) if kept.stamp.id == id => Ok(Found::Whole(kept)),
        Decoded::Whole(kept) => Err(StoreError::Foreign { path: path.to_owned(), id: kept.stamp.id }),
    }
}

/// What a segment holds where the record of `id` should be: a record's own name counts there, whatever the index says.
///
/// # Errors
/// It cannot be read.
pub fn in_segment(extent: &Extent, segment: &Path, id: &str) -> Result<Found, StoreError> {
    let bytes = match extent.read(segment) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
        Err(error) => return Err(StoreError::io("read", segment)(error)),
    };
    Ok(match Decoded::of(&bytes) {
        Decoded::Whole(kept) if kept.stamp.id == id => Found::Whole(kept),
        _ => Found::Damaged,
    })
}
