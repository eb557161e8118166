//! One record: named sections, whose they are, and the checksum of all of it.

use crate::record::folder::Numerics;
use serde::{Deserialize, Serialize};

/// How a record begins.
const MAGIC: &str = "tailcatch-record 2\n";
/// How those of earlier versions began, which do not say whose they are.
const OLDER: &str = "tailcatch-record 1\n";
/// What stands before a record's [`Stamp`].
const STAMP: &str = "of ";
/// Bytes of the checksum's line.
const END: usize = "end ".len() + 2 * blake3::OUT_LEN + 1;

/// Named sections, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    sections: Vec<(String, Vec<u8>)>,
}

/// Whose a record is, and with what it was made. The identity is the hash of what decides the numbers: settings, place in the plan,
/// semantics; a record under another name is foreign there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Identity of what is recorded.
    pub id: String,
    /// Version of the meaning of numbers.
    pub semantics: u32,
    /// What the last digits depend on.
    pub numerics: Numerics,
}

/// A record as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose it is.
    pub stamp: Stamp,
    /// What it holds.
    pub record: Record,
}

/// What the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// A whole record.
    Whole(Kept),
    /// A whole record that does not say whose it is.
    Older,
    /// Nothing that verifies.
    Damaged,
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

    /// What a file's bytes hold; `None` unless every byte is as it was written.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match Decoded::of(bytes) {
            Decoded::Whole(kept) => Some(kept.record),
            Decoded::Older | Decoded::Damaged => None,
        }
    }

    /// The first digits of the checksum of what it holds, whosever it is.
    pub fn checksum(&self) -> String {
        let mut bytes = Vec::new();
        self.write_sections(&mut bytes);
        blake3::hash(&bytes).to_hex()[..12].to_owned()
    }

    fn write_sections(&self, out: &mut Vec<u8>) {
        for (name, bytes) in &self.sections {
            out.extend(format!("section {name} {}\n", bytes.len()).as_bytes());
            out.extend(bytes);
            out.push(b'\n');
        }
    }

    fn read_sections(mut rest: &[u8]) -> Option<Self> {
        let mut sections = Vec::new();
        while !rest.is_empty() {
            let (name, content, after) = section(rest)?;
            sections.push((name.to_owned(), content.to_vec()));
            rest = after;
        }
        Some(Self { sections })
    }
}

impl Stamp {
    /// The bytes of a file with this record, checksum last.
    ///
    /// # Errors
    /// Never: a stamp can be written as JSON.
    pub fn encode(&self, record: &Record) -> Result<Vec<u8>, serde_json::Error> {
        let mut out = MAGIC.as_bytes().to_vec();
        out.extend(format!("{STAMP}{}\n", serde_json::to_string(self)?).as_bytes());
        record.write_sections(&mut out);
        let checksum = blake3::hash(&out).to_hex();
        out.extend(format!("end {checksum}\n").as_bytes());
        Ok(out)
    }
}

impl Decoded {
    /// Reads a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let Some(body) = verified(bytes) else { return Self::Damaged };
        if body.starts_with(OLDER.as_bytes()) {
            return Self::Older;
        }
        kept(body).map_or(Self::Damaged, Self::Whole)
    }
}

/// Whose the record is that `bytes` begin with, and how long it is; `None` where none that verifies stands there. What comes after it may
/// be anything.
pub fn first(bytes: &[u8]) -> Option<(String, usize)> {
    let (_, mut rest) = line(bytes.strip_prefix(MAGIC.as_bytes())?)?;
    while let Some((_, _, after)) = section(rest) {
        rest = after;
    }
    let length = bytes.len() - rest.len() + END;
    verified(bytes.get(..length)?)?;
    Some((claimed(bytes)?, length))
}

/// Whose the record that `bytes` begin with says that it is, whether it verifies or not.
pub fn claimed(bytes: &[u8]) -> Option<String> {
    let (stamp, _) = line(bytes.strip_prefix(MAGIC.as_bytes())?)?;
    Some(serde_json::from_str::<Stamp>(stamp.strip_prefix(STAMP)?).ok()?.id)
}

/// Where the next record may begin.
pub fn next(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, MAGIC.as_bytes())
}

/// The stamp of a whole record, of which nothing is kept.
pub fn stamp(bytes: &[u8]) -> Option<Stamp> {
    let (stamp, mut rest) = stamped(verified(bytes)?)?;
    while !rest.is_empty() {
        rest = section(rest)?.2;
    }
    Some(stamp)
}

fn kept(body: &[u8]) -> Option<Kept> {
    let (stamp, sections) = stamped(body)?;
    Some(Kept { stamp, record: Record::read_sections(sections)? })
}

/// The stamp, and the sections after it.
fn stamped(body: &[u8]) -> Option<(Stamp, &[u8])> {
    let (stamp, sections) = line(body.strip_prefix(MAGIC.as_bytes())?)?;
    Some((serde_json::from_str(stamp.strip_prefix(STAMP)?).ok()?, sections))
}

/// What stands before the checksum, if that is its own.
fn verified(bytes: &[u8]) -> Option<&[u8]> {
    let (body, end) = bytes.split_at_checked(bytes.len().checked_sub(END)?)?;
    let sum = end.strip_prefix(b"end ")?.strip_suffix(b"\n")?;
    (sum == blake3::hash(body).to_hex().as_bytes()).then_some(body)
}

/// The name and the bytes of the first section, and what comes after it.
fn section(bytes: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let (header, after) = line(bytes)?;
    let mut words = header.strip_prefix("section ")?.split(' ');
    let (name, length) = (words.next()?, words.next()?.parse::<usize>().ok()?);
    let (content, after) = after.split_at_checked(length)?;
    Some((name, content, after.strip_prefix(b"\n")?))
}

/// The first line, and what comes after it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::store::numerics::numerics;

    fn sample() -> (Stamp, Record) {
        let mut record = Record::default();
        record.push("steps.csv", b"step,kl\n0,0.5\n".to_vec());
        record.push("empty", Vec::new());
        (Stamp { id: "0123456789abcdef".to_owned(), semantics: 1, numerics: numerics().clone() }, record)
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_detected() {
        let (stamp, record) = sample();
        let bytes = stamp.encode(&record).unwrap();
        assert_eq!(super::stamp(&bytes).as_ref(), Some(&stamp));
        assert_eq!(Decoded::of(&bytes), Decoded::Whole(Kept { stamp, record }));
        for at in 0..bytes.len() {
            assert_eq!(Decoded::of(&bytes[..at]), Decoded::Damaged, "truncated at {at}");
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(Decoded::of(&damaged), Decoded::Damaged, "byte {at}, bit {bit}");
                assert_eq!(super::stamp(&damaged), None, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn records_of_earlier_versions_are_told_from_damage() {
        let mut bytes = OLDER.as_bytes().to_vec();
        sample().1.write_sections(&mut bytes);
        let end = format!("end {}\n", blake3::hash(&bytes).to_hex());
        assert_eq!(Decoded::of(&bytes), Decoded::Damaged);
        bytes.extend(end.as_bytes());
        assert_eq!(Decoded::of(&bytes), Decoded::Older);
        assert_eq!(Record::decode(&bytes), None);
    }
}
