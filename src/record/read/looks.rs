//! What was seen of the files of a growing log when they were last looked at, and which are looked at again.
//!
//! To look at each of very many files in each turn takes longer than to read what is new. A file that has not changed for many turns
//! rests: of those that rest some are looked at in each turn, one after the other.

use super::error::Error;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Turns without a change after which a file rests.
const RESTS: u64 = 30;
/// Files that are looked at in a turn though they rest.
const IN_TURN: usize = 4096;

/// Size and time of the last change.
pub(super) type State = (u64, Option<SystemTime>);

/// What was seen of a file.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// Its path below the folder in which it was looked for.
    below: Option<PathBuf>,
    state: Option<State>,
    /// The turn in which it had changed.
    changed: u64,
}

/// What was seen of files, by their places.
#[derive(Debug, Default)]
pub(super) struct Looks {
    of: Vec<Option<Seen>>,
    turn: u64,
    /// The first of a listing that is looked at though it rests.
    next: usize,
}

impl Looks {
    /// A new turn, with so many files in a listing.
    pub fn turn(&mut self, files: usize) {
        self.turn += 1;
        self.next = if self.next + IN_TURN < files { self.next + IN_TURN } else { 0 };
    }

    /// Whether the file at a place was not found before.
    pub fn is_new(&self, at: usize) -> bool {
        self.of.get(at).is_none_or(Option::is_none)
    }

    /// The file at a place was found, `below` a folder in which it was looked for.
    pub fn found(&mut self, at: usize, below: Option<PathBuf>) {
        if self.of.len() <= at {
            self.of.resize(at + 1, None);
        }
        if let Some(place) = self.of.get_mut(at) {
            *place = Some(Seen { below, ..Seen::default() });
        }
    }

    /// Whether the file at a place, the `nth` of the listing, is looked at.
    pub fn is_due(&self, at: usize, nth: usize) -> bool {
        let Some(Some(seen)) = self.of.get(at) else { return true };
        let rests = seen.state.is_some() && self.turn - seen.changed >= RESTS;
        !rests || (self.next..self.next + IN_TURN).contains(&nth)
    }

    /// Its path below the folder in which it was found.
    pub fn below(&self, at: usize) -> Option<&PathBuf> {
        self.of.get(at)?.as_ref()?.below.as_ref()
    }

    /// Looks at a file: its state, and that of the last look.
    pub fn look(&mut self, at: usize, path: &Path) -> Result<(State, Option<State>), Error> {
        let (state, turn) = (state(path)?, self.turn);
        let before = self.of.get_mut(at).and_then(Option::as_mut).and_then(|seen| {
            if seen.state != Some(state) {
                seen.changed = turn;
            }
            seen.state.replace(state)
        });
        Ok((state, before))
    }
}

/// The state of a file.
pub(super) fn state(path: &Path) -> Result<State, Error> {
    let metadata = path.metadata().map_err(|source| Error::Io { path: path.to_owned(), source })?;
    if !metadata.is_file() {
        return Err(Error::NotRegular { path: path.to_owned() });
    }
    Ok((metadata.len(), metadata.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_files_that_rest_each_is_looked_at_in_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "1").unwrap();
        let files = 3 * IN_TURN;
        let mut looks = Looks::default();
        for at in 0..files {
            assert!(looks.is_new(at));
            looks.found(at, None);
            looks.look(at, &path).unwrap();
        }
        let due = |looks: &Looks| (0..files).filter(|at| looks.is_due(*at, *at)).count();
        assert_eq!(due(&looks), files, "all have changed");
        for _ in 0..RESTS {
            looks.turn(files);
        }
        let mut looked_at = vec![0; files];
        for _ in 0..3 {
            looks.turn(files);
            assert_eq!(due(&looks), IN_TURN);
            (0..files).filter(|at| looks.is_due(*at, *at)).for_each(|at| looked_at[at] += 1);
        }
        assert!(looked_at.iter().all(|times| *times == 1));
        std::fs::write(&path, "22").unwrap();
        let ((size, _), before) = looks.look(0, &path).unwrap();
        assert_eq!((size, before.map(|before| before.0)), (2, Some(1)));
        let looked_at_anyway = looks.is_due(1, 0);
        assert!(looks.is_due(0, files) && !looks.is_due(1, files), "one that has changed rests no more");
        assert_eq!(due(&looks) - IN_TURN, usize::from(!looked_at_anyway));
        looks.turn(IN_TURN);
        assert!(looks.is_due(9, 9), "few files are all looked at");
    }
}
