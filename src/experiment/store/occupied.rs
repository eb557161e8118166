//! One experiment at a time in a run folder: processes of the same plan share it, those of another are refused.

use super::error::StoreError;
use crate::foundation::atomic_file;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file whose lock says that somebody is at work.
const LOCK: &str = ".lock";
/// The file whose lock says that somebody puts tables into the folder.
const TABLES: &str = ".tables.lock";

/// What an experiment is, as its folder tells it.
///
/// The names of files, each with its text.
#[derive(Debug, Clone, Copy)]
pub struct Description<'a>(pub &'a [(&'static str, &'a str)]);

/// A run folder that is held for one plan, until this is dropped.
#[derive(Debug)]
pub struct Held {
    /// Where the file system has locks.
    _lock: Option<File>,
}

impl Description<'_> {
    /// Whether the folder is described so.
    ///
    /// # Errors
    /// A file that is there and cannot be read: nobody knows then whose the folder is.
    pub fn is_of(&self, out: &Path) -> Result<bool, StoreError> {
        for (file, text) in self.0 {
            let path = out.join(file);
            match fs::read(&path) {
                Ok(own) if own == text.as_bytes() => {}
                Ok(_) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(StoreError::io("read", &path)(error)),
            }
        }
        Ok(true)
    }
}

impl Held {
    /// Holds `out` for an experiment. Where nobody else is at work there and the folder is not described so, `describe` does it.
    /// Where the file system has no locks, nothing keeps others out but [`Held::check`].
    ///
    /// # Errors
    /// Another experiment is at work there; the folder cannot be written.
    pub fn take(
        out: &Path,
        own: Description<'_>,
        describe: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        fs::create_dir_all(out).map_err(StoreError::io("create the folder", out))?;
        let (lock, path) = open(out, LOCK)?;
        let is_alone = match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(_)) => {
                if !own.is_of(out)? {
                    describe()?;
                }
                return Ok(Self { _lock: None });
            }
        };
        if is_alone {
            if !own.is_of(out)? {
                describe()?;
            }
            lock.unlock().map_err(StoreError::io("unlock", &path))?;
        }
        // Who describes the folder is waited for.
        lock.lock_shared().map_err(StoreError::io("lock", &path))?;
        let held = Self { _lock: Some(lock) };
        held.check(out, own)?;
        Ok(held)
    }

    /// Whether the folder is still that of the experiment.
    ///
    /// # Errors
    /// It is described as another, or cannot be read.
    pub fn check(&self, out: &Path, own: Description<'_>) -> Result<(), StoreError> {
        if own.is_of(out)? { Ok(()) } else { Err(StoreError::Occupied { out: out.to_owned() }) }
    }
}

/// Waits until nobody else puts tables into the folder, and keeps others waiting until this is dropped. `None` where the file system has no
/// locks.
///
/// # Errors
/// The folder cannot be written.
pub fn at_the_tables(out: &Path) -> Result<Option<File>, StoreError> {
    let (lock, path) = open(out, TABLES)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => lock.lock().map_err(StoreError::io("lock", &path))?,
        Err(TryLockError::Error(_)) => return Ok(None),
    }
    Ok(Some(lock))
}

/// Opens a file of locks; a link under its name is removed, not followed.
fn open(out: &Path, name: &str) -> Result<(File, PathBuf), StoreError> {
    let path = out.join(name);
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
    }
    let lock = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    Ok((lock.map_err(StoreError::io("open", &path))?, path))
}

/// Removes what dead processes left half written in a run folder.
///
/// # Errors
/// A folder that cannot be read.
pub fn sweep(out: &Path, folders: &[&str]) -> Result<(), StoreError> {
    for folder in std::iter::once(out.to_owned()).chain(folders.iter().map(|name| out.join(name))) {
        // What a link leads to is somebody else's.
        if !folder.symlink_metadata().is_ok_and(|found| found.is_symlink()) || folder == out {
            atomic_file::sweep(&folder).map_err(StoreError::io("read the folder", &folder))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describing<'a>(out: &'a Path, own: Description<'a>) -> impl FnOnce() -> Result<(), StoreError> + 'a {
        move || {
            for (file, text) in own.0 {
                fs::write(out.join(file), text).unwrap();
            }
            Ok(())
        }
    }

    #[test]
    fn the_same_plan_is_let_in_and_another_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        let own = Description(&[("plan", "a"), ("config", "c")]);
        let first = Held::take(out, own, describing(out, own)).unwrap();
        let second = Held::take(out, own, || panic!("it is described")).unwrap();
        let other = Description(&[("plan", "b"), ("config", "c")]);
        let refused = Held::take(out, other, || panic!("somebody is at work")).unwrap_err();
        assert!(matches!(refused, StoreError::Occupied { .. }), "{refused}");
        assert_eq!(fs::read_to_string(out.join("plan")).unwrap(), "a");
        drop(first);
        assert!(Held::take(out, other, || panic!("somebody is at work")).is_err());
        drop(second);
        let third = Held::take(out, other, describing(out, other)).unwrap();
        assert!(third.check(out, other).is_ok() && third.check(out, own).is_err());
    }

    #[test]
    fn who_puts_tables_there_is_alone_until_done() {
        let folder = tempfile::tempdir().unwrap();
        let first = at_the_tables(folder.path()).unwrap();
        let (said, heard) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let second = at_the_tables(folder.path()).unwrap();
                said.send(second.is_some()).unwrap();
            });
            assert!(heard.recv_timeout(std::time::Duration::from_millis(50)).is_err());
            drop(first);
            assert!(heard.recv().unwrap());
        });
    }

    #[test]
    fn a_description_that_cannot_be_read_is_nobodys() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        fs::create_dir(out.join("plan")).unwrap();
        let own = Description(&[("plan", "a")]);
        let problem = Held::take(out, own, || panic!("it may be another's")).unwrap_err();
        assert!(matches!(problem, StoreError::Io { .. }), "{problem}");
    }
}
