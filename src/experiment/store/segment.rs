//! A segment: records one after the other, as each would stand in a file of its own, and beside it an index.
//!
//! The index is a hint, a line a record, each with a checksum. What no line tells of is found by reading the segment, and a line that is
//! wrong is found out when the record is read, which says whose it is: damage reaches the record that it hits and no other.

use super::record;
use crate::experiment::plan::id::Id;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How the name of a segment ends.
pub const SEGMENT: &str = "segment";

/// Where a record lies in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its name.
    pub key: u64,
    /// Its first byte.
    pub at: u64,
    /// Its bytes.
    pub length: u32,
}

/// What a segment holds from some byte on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Records, whole or not: what does not verify is there under the name that it gives itself.
    pub extents: Vec<Extent>,
    /// Something does not verify and has no name.
    pub has_nameless: bool,
    /// What lies before this byte is read; after it, a record may be on its way.
    pub seen: u64,
    /// Bytes in the segment.
    pub length: u64,
}

/// A record's name as a number: 16 hexadecimal digits. `None` for other names, which are those of files.
pub fn key(id: &str) -> Option<u64> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (id.len() == 16 && id.bytes().all(is_digit)).then(|| u64::from_str_radix(id, 16).ok())?
}

/// The index of a segment.
pub fn index_of(segment: &Path) -> PathBuf {
    segment.with_extension("index")
}

impl Extent {
    /// The first byte after it.
    pub fn end(&self) -> u64 {
        self.at.saturating_add(u64::from(self.length))
    }

    /// Its line in the index.
    pub fn line(&self) -> String {
        let told = format!("{:016x} {} {}", self.key, self.at, self.length);
        format!("{told} {}\n", Id::of(&blake3::hash(told.as_bytes())))
    }

    fn of_line(line: &str) -> Option<Self> {
        let (told, check) = line.rsplit_once(' ')?;
        let mut words = told.split(' ');
        let key = key(words.next()?)?;
        let (at, length) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (check == Id::of(&blake3::hash(told.as_bytes())).as_str()).then_some(Self { key, at, length })
    }

    /// The bytes that lie there, fewer where the segment ends before.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&self, segment: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        stretch(&mut File::open(segment)?, self.at, self.end(), &mut bytes)?;
        Ok(bytes)
    }
}

/// Reads what a segment holds from the byte `from` on.
///
/// # Errors
/// What the system says of the segment or its index; it is no file.
pub fn scan(segment: &Path, from: u64) -> io::Result<Scanned> {
    let mut file = open(segment)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    let mut scanned = Scanned { seen: from, length, ..Scanned::default() };
    for told in index(segment, from)? {
        if told.at > scanned.seen {
            let until = told.at.min(length);
            stretch(&mut file, scanned.seen, until, &mut bytes)?;
            scanned.look(&bytes, true);
        }
        scanned.seen = scanned.seen.max(told.end());
        scanned.extents.push(told);
    }
    if scanned.seen < length {
        stretch(&mut file, scanned.seen, length, &mut bytes)?;
        scanned.look(&bytes, false);
    }
    Ok(scanned)
}

impl Scanned {
    /// Looks at the bytes of the segment from `seen` on. Where it `goes_on` after them, no record is on its way in them.
    fn look(&mut self, bytes: &[u8], goes_on: bool) {
        let start = self.seen;
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (id, length, is_on_its_way) = match record::first(rest) {
                Some((id, length)) => (Some(id), length, false),
                None => {
                    let next = rest.get(1..).and_then(record::next).map(|next| next + 1);
                    (record::claimed(rest), next.unwrap_or(rest.len()), next.is_none() && !goes_on)
                }
            };
            let place = start.saturating_add(at as u64);
            match (id.as_deref().and_then(key), u32::try_from(length)) {
                (Some(key), Ok(length)) => self.extents.push(Extent { key, at: place, length }),
                _ => self.has_nameless |= !is_on_its_way,
            }
            at += length;
            if !is_on_its_way {
                self.seen = start.saturating_add(at as u64);
            }
        }
    }
}

/// The lines of a segment's index that verify, of records from the byte `from` on, in the order of the records.
fn index(segment: &Path, from: u64) -> io::Result<Vec<Extent>> {
    let text = match fs::read(index_of(segment)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let lines = text.split(|b| *b == b'\n').filter_map(|line| Extent::of_line(str::from_utf8(line).ok()?));
    let mut extents: Vec<Extent> = lines.filter(|extent| extent.at >= from).collect();
    extents.sort_by_key(|extent| extent.at);
    Ok(extents)
}

fn open(segment: &Path) -> io::Result<File> {
    if !fs::metadata(segment)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file; remove it, and run again"));
    }
    File::open(segment)
}

/// Reads a stretch of a file into `bytes`, in the place of what they held; fewer where the file ends before.
///
/// # Errors
/// What the system says; no memory for so many.
pub fn stretch(file: &mut File, from: u64, until: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let length = until.saturating_sub(from);
    bytes.clear();
    bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))?;
    file.seek(SeekFrom::Start(from))?;
    file.take(length).read_to_end(bytes).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::store::numerics::numerics;
    use crate::experiment::store::{Record, Stamp};

    /// A segment of three records with its index: its path, its bytes, and where they lie.
    fn sample(folder: &Path) -> (PathBuf, Vec<u8>, Vec<Extent>) {
        let (mut bytes, mut extents) = (Vec::new(), Vec::new());
        for number in 1..4u64 {
            let mut record = Record::default();
            record.push("steps.csv", format!("step,kl\n0,0.{number}\n").into_bytes());
            let id = format!("{number:016x}");
            let own = Stamp { id, semantics: 1, numerics: numerics().clone() }.encode(&record).unwrap();
            extents.push(Extent { key: number, at: bytes.len() as u64, length: own.len() as u32 });
            bytes.extend(own);
        }
        let path = folder.join("a.segment");
        fs::write(&path, &bytes).unwrap();
        fs::write(index_of(&path), extents.iter().map(Extent::line).collect::<String>()).unwrap();
        (path, bytes, extents)
    }

    fn keys(scanned: &Scanned) -> Vec<u64> {
        scanned.extents.iter().map(|extent| extent.key).collect()
    }

    #[test]
    fn the_same_is_found_by_the_index_and_without_it_and_with_a_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes, extents) = sample(folder.path());
        let whole = scan(&path, 0).unwrap();
        assert_eq!((&whole.extents, whole.seen, whole.has_nameless), (&extents, bytes.len() as u64, false));
        assert_eq!(scan(&path, extents[1].at).unwrap().extents, extents[1..]);
        let index = fs::read(index_of(&path)).unwrap();
        for at in 0..index.len() {
            let mut damaged = index.clone();
            damaged[at] ^= 1;
            fs::write(index_of(&path), &damaged).unwrap();
            assert_eq!(scan(&path, 0).unwrap(), whole, "byte {at} of the index is flipped");
            fs::write(index_of(&path), &index[..at]).unwrap();
            assert_eq!(scan(&path, 0).unwrap(), whole, "the index is cut at {at}");
        }
        fs::remove_file(index_of(&path)).unwrap();
        assert_eq!(scan(&path, 0).unwrap(), whole);
    }

    #[test]
    fn damage_of_one_record_leaves_its_neighbours_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes, extents) = sample(folder.path());
        let index = fs::read(index_of(&path)).unwrap();
        let whole = |extent: &Extent| {
            record::first(&extent.read(&path).unwrap()).is_some_and(|(_, n)| n == extent.length as usize)
        };
        for with_index in [true, false] {
            for at in 0..bytes.len() {
                let hit = extents.iter().position(|extent| (at as u64) < extent.end()).unwrap();
                let mut damaged = bytes.clone();
                damaged[at] ^= 1;
                fs::write(&path, &damaged).unwrap();
                match with_index {
                    true => fs::write(index_of(&path), &index).unwrap(),
                    false => drop(fs::remove_file(index_of(&path))),
                }
                let scanned = scan(&path, 0).unwrap();
                for (place, extent) in extents.iter().enumerate().filter(|(place, _)| *place != hit) {
                    assert!(
                        scanned.extents.contains(extent) && whole(extent),
                        "byte {at} cost record {place}"
                    );
                }
                let verified = scanned.extents.iter().filter(|extent| whole(extent)).count();
                assert_eq!(verified, 2, "byte {at}: a damaged record passes");
                let is_last = hit == 2;
                assert!(
                    scanned.has_nameless || scanned.extents.len() == 3 || is_last,
                    "byte {at} is told nowhere"
                );
            }
        }
    }

    #[test]
    fn a_record_on_its_way_is_seen_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (path, bytes, extents) = sample(folder.path());
        fs::remove_file(index_of(&path)).unwrap();
        for cut in extents[2].at as usize + 1..bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            let begun = scan(&path, 0).unwrap();
            assert_eq!((&keys(&begun)[..2], begun.seen), (&[1, 2][..], extents[2].at), "cut at {cut}");
            assert!(!begun.has_nameless);
            fs::write(&path, &bytes).unwrap();
            assert_eq!(scan(&path, begun.seen).unwrap().extents, extents[2..]);
        }
    }

    #[test]
    fn names_of_16_digits_have_a_key() {
        assert_eq!((key("00000000000000ff"), key("ffffffffffffffff")), (Some(255), Some(u64::MAX)));
        for id in ["", "ff", "00000000000000fF", "+0000000000000ff", "00000000000000ff.partial"] {
            assert_eq!(key(id), None, "{id}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.segment");
        fs::create_dir(&path).unwrap();
        assert!(scan(&path, 0).unwrap_err().to_string().contains("no file"));
    }
}
