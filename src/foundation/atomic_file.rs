//! Files that appear under their names whole or not at all.
//!
//! A file is written to a temporary one of the same folder, synced and renamed, and the folder is synced. A symbolic link under the
//! name is replaced and never followed. The temporary file's name says who writes it, so that what dead processes left can be
//! removed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;

/// How the name of a temporary file begins.
const PARTIAL: &str = ".partial-";
/// Age from which a temporary file is left over, whoever wrote it.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A file on its way: complete under its name after [`AtomicFile::commit`], or not there.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl AtomicFile {
    /// Begins the file `path`, in a folder that is there.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{PARTIAL}{}-", owner());
        builder.prefix(&prefix);
        // Others may read it once it has its name, as far as the umask lets them.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder_of(path))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    /// Makes the file appear under its name.
    ///
    /// # Errors
    /// What the system says; nothing is left under the name then but what was there.
    pub fn commit(self) -> io::Result<()> {
        let folder = folder_of(&self.path).to_owned();
        self.name()?;
        sync(&folder)
    }

    /// The same, but the name is safe only once the folder is synced, with [`sync`].
    ///
    /// # Errors
    /// As [`AtomicFile::commit`].
    pub fn name(self) -> io::Result<()> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Makes a new file in a folder that is there, under a name of its own that ends as asked, for what is appended to. Neither the file
/// nor its name is safe before they are synced.
///
/// # Errors
/// What the system says.
pub fn fresh(folder: &Path, extension: &str) -> io::Result<(File, PathBuf)> {
    let mut builder = tempfile::Builder::new();
    let suffix = format!(".{extension}");
    builder.prefix("").suffix(&suffix).rand_bytes(12);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)?.keep().map_err(|error| error.error)
}

/// Makes the names in a folder safe.
///
/// # Errors
/// What the system says.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a file whole or not at all. A device or a pipe under the name is written into, as it is no file.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_stream(path) {
        return fs::write(path, bytes);
    }
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Makes the folder `path` where it is not there yet; one that is a symbolic link is refused, as what it leads to is somebody else's.
///
/// # Errors
/// What the system says; a link.
pub fn folder(path: &Path) -> io::Result<()> {
    if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        let problem = "it is a symbolic link, and is not followed; remove the link, or name the folder that it leads to";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    fs::create_dir_all(path)
}

/// Removes the temporary files that dead processes left in a folder; gives how many. One whose owner may live stays.
///
/// # Errors
/// What the system says of the folder. A folder that is not there has none.
pub fn sweep(folder: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix(PARTIAL)) else { continue };
        let old = || {
            let written = entry.metadata().ok().filter(fs::Metadata::is_file)?.modified().ok()?;
            SystemTime::now().duration_since(written).ok()
        };
        let left = is_dead(owner) || old().is_some_and(|age| age > ABANDONED);
        // Another process may have removed it meanwhile.
        if left && fs::remove_file(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a name leads to something that takes bytes and keeps no file.
fn is_stream(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let streams = path.symlink_metadata().is_ok_and(|found| {
            let kind = found.file_type();
            kind.is_char_device() || kind.is_fifo() || kind.is_socket()
        });
        // Links that the system keeps to open files: /dev/stdout.
        streams
            || folder_of(path) == Path::new("/dev")
            || path.starts_with("/dev/fd")
            || path.starts_with("/proc")
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// The processes among which a number names one: those of this boot and this container. `None` where the system does not tell.
fn machine() -> Option<String> {
    let boot = fs::read("/proc/sys/kernel/random/boot_id").ok()?;
    let processes = fs::read_link("/proc/self/ns/pid").ok()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&boot).update(processes.as_os_str().as_encoded_bytes());
    Some(hasher.finalize().to_hex()[..8].to_owned())
}

/// This process, as the names of its temporary files have it.
fn owner() -> String {
    format!("{}-{}", machine().as_deref().unwrap_or("unknown"), std::process::id())
}

/// Whether the owner in a temporary file's name is a process of this machine that has ended.
fn is_dead(owner: &str) -> bool {
    let mut words = owner.split('-');
    let (Some(place), Some(process)) = (words.next(), words.next()) else { return false };
    // Where the processes of others are hidden, none can be said to have ended.
    let here = machine().is_some_and(|here| here == place) && Path::new("/proc/1").exists();
    here && process.parse::<u32>().is_ok_and(|process| !Path::new("/proc").join(process.to_string()).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_committed_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        write(&path, b"before").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"before");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_replaced_and_linked_folders_refused() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let (victim, link) = (dir.path().join("victim"), dir.path().join("report.html"));
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &link).unwrap();
        write(&link, b"a report").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(fs::read_to_string(&link).unwrap(), "a report");
        let (elsewhere, figures) = (dir.path().join("elsewhere"), dir.path().join("figures"));
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, &figures).unwrap();
        assert!(folder(&figures).unwrap_err().to_string().contains("symbolic link"));
        folder(&elsewhere.join("new")).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_dead_left_is_removed_and_what_the_living_write_stays() {
        let dir = tempfile::tempdir().unwrap();
        let here = machine().unwrap();
        // Process numbers end at 2^22.
        let names = [
            (format!("{PARTIAL}{here}-4194305-abcdef"), false),
            (format!("{PARTIAL}{here}-{}-abcdef", std::process::id()), true),
            (format!("{PARTIAL}elsewhere-4194305-abcdef"), true),
            (format!("{PARTIAL}abcdef"), true),
            ("a.csv".to_owned(), true),
        ];
        for (name, _) in &names {
            fs::write(dir.path().join(name), "half").unwrap();
        }
        let open = AtomicFile::create(&dir.path().join("b.csv")).unwrap();
        assert_eq!(sweep(dir.path()).unwrap(), 1);
        for (name, stays) in &names {
            assert_eq!(dir.path().join(name).exists(), *stays, "{name}");
        }
        open.commit().unwrap();
        let aged = fs::File::options().write(true).open(dir.path().join(&names[2].0)).unwrap();
        aged.set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
        assert_eq!(sweep(dir.path()).unwrap(), 1);
        assert_eq!(sweep(&dir.path().join("none")).unwrap(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_into() {
        write(Path::new("/dev/null"), b"gone").unwrap();
        assert!(Path::new("/dev/null").metadata().is_ok_and(|found| !found.is_file()));
    }
}
