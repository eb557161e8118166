//! Whether something is there. A name that leads to nothing is told from one that cannot be looked at, so that no file is passed over
//! because a disk failed.

use std::fs::FileType;
use std::io;
use std::path::Path;

/// What lies under a name, links followed; `None` where nothing does.
///
/// # Errors
/// The system does not let see.
pub fn kind(path: &Path) -> io::Result<Option<FileType>> {
    match path.metadata() {
        Ok(found) => Ok(Some(found.file_type())),
        Err(problem) if is_absence(&problem) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Whether anything lies under a name.
///
/// # Errors
/// As [`kind`].
pub fn is_there(path: &Path) -> io::Result<bool> {
    kind(path).map(|kind| kind.is_some())
}

/// Whether the system says that nothing is there, and not that it cannot look.
pub fn is_absence(problem: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(problem.kind(), NotFound | NotADirectory | InvalidFilename | InvalidInput)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_file_can_be_named_is_absent_and_what_cannot_be_seen_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "").unwrap();
        assert!(is_there(&file).unwrap() && kind(folder.path()).unwrap().is_some_and(|kind| kind.is_dir()));
        for name in ["b", "a/b", "b\0c", &"x".repeat(5000)] {
            assert!(!is_there(&folder.path().join(name)).unwrap(), "{name}");
        }
        #[cfg(unix)]
        {
            let (one, other) = (folder.path().join("one"), folder.path().join("other"));
            std::os::unix::fs::symlink(&one, &other).unwrap();
            assert!(!is_there(&other).unwrap());
            std::os::unix::fs::symlink(&other, &one).unwrap();
            assert!(is_there(&other).is_err(), "links in a circle");
        }
    }
}
