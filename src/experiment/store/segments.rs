//! The segments of the folders of a store: which records lie where, and the one that this process writes.

use super::append::{Open, Pending};
use super::error::StoreError;
use super::segment::{self, Extent, Scanned};
use rayon::prelude::*;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Bytes from which on a new segment is begun. One is read whole where its index is lost.
const LARGEST: u64 = 1 << 26;

/// What is known of the segments. Records that another process has added since are seen after [`Segments::refresh`].
#[derive(Debug, Default)]
pub struct Segments {
    known: RwLock<Known>,
    open: Mutex<Option<Open>>,
}

#[derive(Debug, Default)]
struct Known {
    is_read: bool,
    files: Vec<Segment>,
    /// By key: several where processes have made the same record.
    places: Vec<Place>,
    /// Records that this process wrote since.
    recent: HashMap<u64, Place>,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    /// As in [`Scanned`].
    seen: u64,
    length: u64,
    has_nameless: bool,
    /// This process writes it, and knows every record in it.
    is_own: bool,
}

/// An extent and the number of its segment: there may be millions.
#[derive(Debug, Clone, Copy)]
struct Place {
    key: u64,
    at: u64,
    length: u32,
    segment: u32,
}

impl Segments {
    /// Whether they were looked at.
    pub fn is_read(&self) -> bool {
        self.known().is_read
    }

    /// Looks at what was added to `segments`, all that there are, since they were last looked at.
    ///
    /// # Errors
    /// One that cannot be read.
    pub fn refresh(&self, segments: Vec<PathBuf>) -> Result<(), StoreError> {
        let seen: HashMap<PathBuf, (u64, u64, bool)> = (self.known().files.iter())
            .map(|file| (file.path.clone(), (file.seen, file.length, file.is_own)))
            .collect();
        let look = |path: PathBuf| {
            let (from, length, is_own) = seen.get(&path).copied().unwrap_or_default();
            let is_known = seen.contains_key(&path)
                && (is_own || path.metadata().is_ok_and(|found| found.len() == length));
            if is_known {
                return Ok(None);
            }
            match segment::scan(&path, from) {
                Ok(scanned) => Ok(Some((path, scanned))),
                // Somebody has taken it away.
                Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(StoreError::io("read", &path)(source)),
            }
        };
        // The lock is not held while workers read.
        let found: Vec<_> = segments.into_par_iter().map(look).collect::<Result<_, _>>()?;
        let mut known = self.known_mut();
        let more = found.iter().flatten().map(|(_, scanned)| scanned.extents.len()).sum();
        known.places.reserve_exact(more);
        found.into_iter().flatten().for_each(|(path, scanned)| known.add(path, scanned));
        known.settle();
        Ok(())
    }

    /// Where a record lies, whole or not, in each segment that has it.
    pub fn places(&self, id: &str) -> Vec<(PathBuf, Extent)> {
        let Some(key) = segment::key(id) else { return Vec::new() };
        let known = self.known();
        let file = |place: &Place| known.files.get(place.segment as usize).map(|file| file.path.clone());
        known.of(key).filter_map(|place| Some((file(place)?, place.extent()))).collect()
    }

    /// Where those of these records lie that lie in one place only, in the order of each segment.
    pub fn lone(&self, keys: impl Iterator<Item = u64>) -> Vec<(PathBuf, Vec<Extent>)> {
        let known = self.known();
        let lone = |key| {
            let mut places = known.of(key).copied();
            places.next().filter(|_| places.next().is_none())
        };
        let mut lone: Vec<Place> = keys.filter_map(lone).collect();
        lone.sort_unstable_by_key(|place| (place.segment, place.at));
        let of_one = |own: &[Place]| {
            let file = known.files.get(own.first()?.segment as usize)?;
            Some((file.path.clone(), own.iter().map(Place::extent).collect()))
        };
        lone.chunk_by(|one, next| one.segment == next.segment).filter_map(of_one).collect()
    }

    /// Segments in which something does not verify, and does not say whose it is.
    pub fn nameless(&self) -> Vec<PathBuf> {
        self.known().files.iter().filter(|file| file.has_nameless).map(|file| file.path.clone()).collect()
    }

    /// Appends a record to the segment of this process in `folder`; it is safe after the next [`Segments::sync`].
    ///
    /// # Errors
    /// The segment cannot be begun or written. What was written to it before is kept, and the next record begins another.
    pub fn append(&self, folder: &Path, key: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let mut open = self.open();
        if open.as_ref().is_some_and(|own| own.length() >= LARGEST) {
            self.close(&mut open)?;
        }
        let own = match &mut *open {
            Some(own) => own,
            none => {
                let own = Open::begin(folder)?;
                self.known_mut().files.push(Segment {
                    path: own.path().to_owned(),
                    seen: 0,
                    length: 0,
                    has_nameless: false,
                    is_own: true,
                });
                none.insert(own)
            }
        };
        match own.append(key, bytes) {
            Ok(extent) => {
                self.known_mut().wrote(own.path(), extent);
                Ok(())
            }
            Err(problem) => {
                // The first problem is told.
                let _ = self.close(&mut open);
                Err(problem)
            }
        }
    }

    /// Makes what was appended safe. More may be appended meanwhile.
    ///
    /// # Errors
    /// The segment cannot be synced: what was appended since it last was counts as not written.
    pub fn sync(&self) -> Result<(), StoreError> {
        let pending = self.open().as_ref().and_then(Open::pending);
        let Some(pending) = pending else { return Ok(()) };
        let synced = pending.sync();
        self.synced(&mut self.open(), &pending, synced.is_ok());
        synced
    }

    /// Ends the segment that is written.
    fn close(&self, open: &mut Option<Open>) -> Result<(), StoreError> {
        let synced = match open.as_ref().and_then(Open::pending) {
            Some(pending) => {
                let synced = pending.sync();
                self.synced(open, &pending, synced.is_ok());
                synced
            }
            None => Ok(()),
        };
        if let Some(own) = open.take().filter(|own| own.length() == 0) {
            own.cut();
        }
        synced
    }

    /// Notes what is safe now, or forgets it: a sync that failed may succeed the next time, and what it should have kept is lost all the
    /// same.
    fn synced(&self, open: &mut Option<Open>, pending: &Pending, is_safe: bool) {
        if !is_safe {
            self.known_mut().forget(&pending.path, pending.from);
        }
        match open.take_if(|own| !is_safe && own.path() == pending.path) {
            Some(own) => own.cut(),
            None => {
                let same = open.as_mut().filter(|own| is_safe && own.path() == pending.path);
                same.into_iter().for_each(|own| own.is_safe(pending.until));
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn add(&mut self, path: PathBuf, scanned: Scanned) {
        let Scanned { extents, has_nameless, seen, length } = scanned;
        let number = match self.files.iter().position(|file| file.path == path) {
            Some(number) => number,
            None => {
                self.files.push(Segment { path, seen: 0, length: 0, has_nameless: false, is_own: false });
                self.files.len() - 1
            }
        };
        let Some(file) = self.files.get_mut(number) else { return };
        (file.seen, file.length) = (seen, length);
        file.has_nameless |= has_nameless;
        let segment = number as u32;
        self.places.extend(extents.into_iter().map(|extent| Place::of(extent, segment)));
    }

    /// Each place of a record.
    fn of(&self, key: u64) -> impl Iterator<Item = &Place> {
        let first = self.places.partition_point(|place| place.key < key);
        let same = self.places.get(first..).unwrap_or_default().iter();
        same.take_while(move |place| place.key == key).chain(self.recent.get(&key))
    }

    fn wrote(&mut self, path: &Path, extent: Extent) {
        if let Some(number) = self.files.iter().rposition(|file| file.path == path) {
            self.recent.insert(extent.key, Place::of(extent, number as u32));
        }
    }

    /// Forgets the records of a segment from a byte on.
    fn forget(&mut self, path: &Path, from: u64) {
        let Some(number) = self.files.iter().position(|file| file.path == path) else { return };
        let is_lost = |place: &Place| place.segment as usize == number && place.at >= from;
        self.places.retain(|place| !is_lost(place));
        self.recent.retain(|_, place| !is_lost(place));
    }

    /// Brings the places into their order.
    fn settle(&mut self) {
        self.is_read = true;
        self.places.extend(self.recent.drain().map(|(_, place)| place));
        self.places.par_sort_unstable_by_key(|place| (place.key, place.segment, place.at));
        self.places.dedup_by_key(|place| (place.key, place.segment, place.at));
    }
}

impl Place {
    fn of(extent: Extent, segment: u32) -> Self {
        let Extent { key, at, length } = extent;
        Self { key, at, length, segment }
    }

    fn extent(&self) -> Extent {
        let Self { key, at, length, .. } = *self;
        Extent { key, at, length }
    }
}
