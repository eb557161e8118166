//! One experiment at a time in a run folder: processes of the same plan share it, those of another are refused.

use super::error::StoreError;
use crate::foundation::atomic_file;
use crate::record::folder::{CONFIG, PLAN};
use std::fs::{self, File, TryLockError};
use std::path::Path;

/// The file whose lock says that somebody is at work.
const LOCK: &str = ".lock";

/// What an experiment is, as its folder tells it.
#[derive(Debug, Clone, Copy)]
pub struct Description<'a> {
    /// Text of the plan.
    pub plan: &'a str,
    /// Text of the resolved config.
    pub config: &'a str,
}

/// A run folder that is held for one plan, until this is dropped.
#[derive(Debug)]
pub struct Held {
    /// Where the file system has locks.
    _lock: Option<File>,
}

impl Description<'_> {
    /// Whether the folder is described so.
    pub fn is_of(&self, out: &Path) -> bool {
        let same = |file: &str, text: &str| fs::read(out.join(file)).is_ok_and(|own| own == text.as_bytes());
        same(PLAN, self.plan) && same(CONFIG, self.config)
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
        let path = out.join(LOCK);
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
        }
        let lock = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(StoreError::io("open", &path))?;
        let is_alone = match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(_)) => {
                if !own.is_of(out) {
                    describe()?;
                }
                return Ok(Self { _lock: None });
            }
        };
        if is_alone {
            if !own.is_of(out) {
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
    /// It is described as another.
    pub fn check(&self, out: &Path, own: Description<'_>) -> Result<(), StoreError> {
        if own.is_of(out) { Ok(()) } else { Err(StoreError::Occupied { out: out.to_owned() }) }
    }
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
            fs::write(out.join(PLAN), own.plan).unwrap();
            fs::write(out.join(CONFIG), own.config).unwrap();
            Ok(())
        }
    }

    #[test]
    fn the_same_plan_is_let_in_and_another_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        let own = Description { plan: "a", config: "c" };
        let first = Held::take(out, own, describing(out, own)).unwrap();
        let second = Held::take(out, own, || panic!("it is described")).unwrap();
        let other = Description { plan: "b", config: "c" };
        let refused = Held::take(out, other, || panic!("somebody is at work")).unwrap_err();
        assert!(matches!(refused, StoreError::Occupied { .. }), "{refused}");
        assert_eq!(fs::read_to_string(out.join(PLAN)).unwrap(), "a");
        drop(first);
        assert!(Held::take(out, other, || panic!("somebody is at work")).is_err());
        drop(second);
        let third = Held::take(out, other, describing(out, other)).unwrap();
        assert!(third.check(out, other).is_ok() && third.check(out, own).is_err());
    }
}
