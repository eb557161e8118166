//! Records in segments: the promises of files, for many records in one.

use super::numerics::numerics;
use super::segment::{Extent, SEGMENT, index_of};
use super::{Found, Record, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};

fn sample(text: &str) -> Record {
    let mut record = Record::default();
    record.push("steps.csv", text.as_bytes().to_vec());
    record
}

fn id(number: usize) -> String {
    format!("{number:016x}")
}

/// A store that keeps what it writes in segments.
fn large(folder: &Path) -> Store {
    Store::of([folder]).for_records(usize::MAX)
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|own| own == SEGMENT));
    found.sort();
    found
}

/// Writes the records of these numbers, each with its number as text.
fn written(store: &Store, numbers: std::ops::Range<usize>) {
    for number in numbers {
        store.write(&id(number), &sample(&number.to_string())).unwrap();
    }
    store.sync().unwrap();
}

#[test]
fn many_records_lie_in_one_file_and_are_found_by_whoever_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = large(folder.path());
    written(&store, 0..300);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a segment and its index");
    let small = Store::of([folder.path()]);
    for reader in [&store, &small, &large(folder.path())] {
        for number in 0..300 {
            assert_eq!(reader.require(&id(number)).unwrap().record, sample(&number.to_string()));
        }
        assert_eq!(reader.look(&id(300)).unwrap(), Found::Absent);
        assert!(reader.path(&id(7)).exists() && !reader.path(&id(300)).exists());
    }
    // A record that is there is not written again, and another in its place is refused.
    let before = fs::read(&segments(folder.path())[0]).unwrap();
    large(folder.path()).write(&id(7), &sample("7")).unwrap();
    store.write(&id(7), &sample("7")).unwrap();
    assert!(matches!(store.write(&id(7), &sample("8")), Err(StoreError::Conflict { .. })));
    assert_eq!(segments(folder.path()).len(), 1);
    assert_eq!(fs::read(&segments(folder.path())[0]).unwrap(), before);
    // Few records are kept in files, and lie beside.
    small.write(&id(301), &sample("301")).unwrap();
    assert!(folder.path().join(format!("{}.record", id(301))).exists());
    assert_eq!(large(folder.path()).read(&id(301)).unwrap(), Some(sample("301")));
    assert_eq!(store.path("a.partial"), folder.path().join("a.partial.record"));
}

#[test]
fn what_another_process_adds_is_seen_when_the_folder_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (large(folder.path()), large(folder.path()));
    written(&one, 0..3);
    assert_eq!(other.read(&id(1)).unwrap(), Some(sample("1")));
    written(&one, 3..6);
    assert_eq!(other.read(&id(4)).unwrap(), None);
    other.names().unwrap();
    assert_eq!(other.read(&id(4)).unwrap(), Some(sample("4")));
    // Both have made it: that is fine.
    written(&other, 6..7);
    written(&one, 6..7);
    one.names().unwrap();
    assert_eq!((segments(folder.path()).len(), one.read(&id(6)).unwrap()), (2, Some(sample("6"))));
}

#[test]
fn two_records_under_one_name_must_be_the_same_wherever_they_lie() {
    let contradict = |store: &Store| matches!(store.read(&id(1)), Err(StoreError::Contradiction { .. }));
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (large(folder.path()), large(folder.path()));
    assert!(one.read(&id(1)).unwrap().is_none() && other.read(&id(1)).unwrap().is_none());
    one.write(&id(1), &sample("1")).unwrap();
    other.write(&id(1), &sample("2")).unwrap();
    written(&one, 2..4);
    one.names().unwrap();
    assert!(contradict(&one) && contradict(&Store::of([folder.path()])));
    assert_eq!(one.read(&id(3)).unwrap(), Some(sample("3")), "the others are as they were");
    // A segment and a file, of two folders.
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    large(first.path()).write(&id(1), &sample("1")).unwrap();
    Store::of([second.path()]).write(&id(1), &sample("2")).unwrap();
    assert!(contradict(&Store::of([first.path(), second.path()])));
}

#[test]
fn what_is_damaged_in_a_segment_is_made_anew_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    written(&large(folder.path()), 0..5);
    let path = segments(folder.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let at = memchr::memmem::find(&whole, b"steps.csv 1\n2").unwrap() + b"steps.csv 1\n".len();
    for is_cut in [false, true] {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        damaged.truncate(if is_cut { at } else { whole.len() });
        fs::write(&path, &damaged).unwrap();
        let store = large(folder.path());
        assert_eq!(store.look(&id(2)).unwrap(), Found::Damaged);
        assert_eq!(store.path(&id(2)), path);
        let lost = |number: &usize| store.read(&id(*number)).unwrap().is_none();
        assert_eq!((0..5).filter(lost).collect::<Vec<_>>(), if is_cut { vec![2, 3, 4] } else { vec![2] });
        written(&store, 0..5);
        for reader in [store, large(folder.path())] {
            assert!((0..5).all(|number| reader.require(&id(number)).is_ok()));
        }
        for made in segments(folder.path()).into_iter().filter(|made| *made != path) {
            fs::remove_file(index_of(&made)).unwrap();
            fs::remove_file(made).unwrap();
        }
    }
}

#[test]
fn a_segment_ends_where_it_is_large_and_another_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let store = large(folder.path());
    let mut record = Record::default();
    record.push("arena", vec![7; 1 << 26]);
    store.write(&id(1), &record).unwrap();
    written(&store, 2..4);
    assert_eq!(segments(folder.path()).len(), 2);
    assert!(large(folder.path()).require(&id(1)).unwrap().record == record);
    assert_eq!(large(folder.path()).read(&id(3)).unwrap(), Some(sample("3")));
}

#[test]
fn a_segment_that_cannot_be_begun_is_told_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("records");
    let store = large(&gone);
    let problem = store.write(&id(1), &sample("1")).unwrap_err();
    assert!(matches!(&problem, StoreError::Io { path, .. } if *path == gone), "{problem}");
    assert_eq!(store.read(&id(1)).unwrap(), None);
    store.create().unwrap();
    written(&store, 1..2);
    assert_eq!(store.read(&id(1)).unwrap(), Some(sample("1")));
}

#[test]
fn records_read_together_are_those_that_verify_and_lie_in_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let store = large(folder.path());
    written(&store, 0..6);
    // Longer than what is read at once, and than what is read over.
    let mut long = Record::default();
    long.push("arena", vec![7; 3 << 20]);
    store.write(&id(6), &long).unwrap();
    written(&store, 7..10);
    // A second place of 3, a record of another segment, and damage of 2.
    let path = segments(folder.path()).remove(0);
    fs::write(folder.path().join("copy.segment"), records_of(&path, &[3])).unwrap();
    written(&large(folder.path()), 10..11);
    let mut damaged = fs::read(&path).unwrap();
    let at = memchr::memmem::find(&damaged, b"steps.csv 1\n2").unwrap() + b"steps.csv 1\n".len();
    damaged[at] ^= 4;
    fs::write(&path, &damaged).unwrap();
    // Lines of the index that name each other's place.
    let index = fs::read_to_string(index_of(&path)).unwrap();
    let lines: Vec<&str> = index.lines().collect();
    let swapped = |key: usize, line: &str| {
        let words: Vec<u64> = line.split(' ').skip(1).take(2).map(|word| word.parse().unwrap()).collect();
        Extent { key: key as u64, at: words[0], length: words[1] as u32 }.line()
    };
    let lines = [swapped(1, lines[0]), swapped(0, lines[1]), lines[2..].join("\n")];
    fs::write(index_of(&path), lines.concat()).unwrap();
    let reader = Store::of([folder.path()]);
    reader.names().unwrap();
    let near = |numbers: &[usize]| {
        let ids: Vec<String> = numbers.iter().map(|number| id(*number)).collect();
        let near = reader.near(ids.iter().map(String::as_str));
        let told = |number: &usize| near.made(&id(*number)).is_some_and(|made| made == numerics());
        (0..12).filter(told).collect::<Vec<_>>()
    };
    assert_eq!(near(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]), [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!((near(&[4, 9]), near(&[]), near(&[2])), (vec![4, 9], vec![], vec![]));
    // The others are found one by one, or what is wrong with them.
    assert_eq!(reader.look(&id(2)).unwrap(), Found::Damaged);
    assert_eq!(reader.read(&id(3)).unwrap(), Some(sample("3")));
    fs::remove_file(&path).unwrap();
    assert_eq!(near(&[4, 10]), [10]);
}

/// The bytes of these records of a segment of small ones.
fn records_of(path: &Path, numbers: &[usize]) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let starts: Vec<usize> = memchr::memmem::find_iter(&bytes, b"tailcatch-record").collect();
    numbers.iter().flat_map(|number| bytes[starts[*number]..starts[*number + 1]].to_vec()).collect()
}
