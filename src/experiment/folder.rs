//! A run folder as it is described and as its tables are put into it.

use super::error::ExperimentError;
use super::plan::manifest::manifest;
use super::plan::runs::{Planned, describe};
use super::store::numerics::Tally;
use super::store::occupied::{self, Description, Held};
use super::store::{Store, StoreError, write_atomic};
use super::summary::merge::{self, Complete};
use crate::config::{Document, Loaded, SlurmSection, resolved};
use crate::foundation::presence;
use crate::policies::Backend;
use crate::record::folder::{CONFIG, Described, FolderError, MANIFEST, PLAN, SCENARIOS};
use crate::record::made::{MADE, Made, MissingRun, digest};
use crate::record::tables::ReplicateRow;
use std::fs;
use std::io;
use std::path::Path;

/// An experiment as its folder tells it.
#[derive(Debug, Clone)]
pub struct Folder<'a> {
    out: &'a Path,
    loaded: &'a Loaded,
    backend: &'a Backend,
    threads: usize,
    plan: String,
    config: String,
}

impl<'a> Folder<'a> {
    /// What stands in `out` where this experiment is run there; nothing is written yet.
    ///
    /// # Errors
    /// The config or the plan cannot be written as text.
    pub fn of(
        out: &'a Path,
        loaded: &'a Loaded,
        (name, runs): (&str, &[Planned]),
        backend: &'a Backend,
        threads: usize,
    ) -> Result<Self, ExperimentError> {
        let plan = text(PLAN, serde_json::to_string_pretty(&describe(loaded, name, runs)))?;
        // How it is run on a cluster is no part of what it is.
        let document = Document { slurm: SlurmSection::default(), ..loaded.document.clone() };
        let config = text(CONFIG, resolved(&document))?;
        Ok(Self { out, loaded, backend, threads, plan, config })
    }

    /// What says whose the folder is.
    fn own(&self) -> [(&'static str, &str); 2] {
        [(PLAN, &self.plan), (CONFIG, &self.config)]
    }

    /// Holds the folder for this experiment, and describes it where another was there or none. The tables of another that is
    /// finished are given up only where `takes_over`.
    ///
    /// # Errors
    /// Another experiment is at work there, or is finished and not to be taken over; a file that cannot be written.
    pub fn hold(&self, takes_over: bool) -> Result<Held, ExperimentError> {
        let own = self.own();
        // Of a benchmark or a verdict.
        if self.has(SCENARIOS)? {
            return Err(StoreError::Taken { out: self.out.to_owned() }.into());
        }
        if !takes_over && !Description(&own).is_of(self.out)? && self.is_finished()? {
            return Err(StoreError::Taken { out: self.out.to_owned() }.into());
        }
        let made_with = self.manifest(&Tally::default())?;
        let held = Held::take(self.out, Description(&own), || {
            let put = |file: &str, text: &str| write_atomic(&self.out.join(file), text.as_bytes());
            // Tables that lie there are of another plan from here on.
            if self.has(ReplicateRow::FILE)? {
                self.mark(&Made::default())?;
            }
            // The description is whole once its last file is there: what begins and ends before it is done again.
            put(MANIFEST, &made_with)?;
            put(PLAN, &self.plan)?;
            put(CONFIG, &self.config)
        })?;
        // A manifest that cannot be read says nothing; who merges needs one.
        if read_or_absent(Described::manifest(self.out))?.is_none() {
            write_atomic(&self.out.join(MANIFEST), made_with.as_bytes())?;
        }
        Ok(held)
    }

    /// Whether whole tables lie in the folder.
    fn is_finished(&self) -> Result<bool, ExperimentError> {
        match Described::open(self.out) {
            Ok(told) => {
                let is_own = told.owns_its_tables();
                read_or_absent(told.made)?;
                Ok(is_own && self.has(ReplicateRow::FILE)?)
            }
            Err(problem) if problem.is_refusal() => Ok(false),
            Err(problem) => Err(problem.into()),
        }
    }

    /// Whether a file lies in the folder.
    fn has(&self, file: &str) -> Result<bool, StoreError> {
        let path = self.out.join(file);
        presence::is_there(&path).map_err(StoreError::io("look at", &path))
    }

    /// Writes the tables of `runs`, and tells why the others are not among them. The mark that they are whole comes last.
    ///
    /// # Errors
    /// A record that is not there or cannot be read; records of several binaries, unless `allow_mixed`; a file that cannot be written;
    /// another experiment has taken the folder over.
    pub fn tabulate(
        &self,
        held: &Held,
        runs: &[Planned],
        store: &Store,
        missing: Vec<MissingRun>,
        allow_mixed: bool,
    ) -> Result<(), ExperimentError> {
        let merged = merge::merge(self.loaded, runs, store, self.out)?;
        if !allow_mixed {
            merged.made_with.unmingled()?;
        }
        let tables =
            merged.tables.iter().map(|table| (table.name.to_owned(), table.contents.clone())).collect();
        let made = Made { of: digest(&self.plan, &self.config), missing, tables };
        // Another process may be at the same tables: who comes second finds those of the first whole.
        let _alone = occupied::at_the_tables(self.out)?;
        held.check(self.out, Description(&self.own()))?;
        // Where the same tables lie there already, others may be reading them.
        if read_or_absent(Described::made(self.out))?.as_ref() != Some(&made) {
            self.mark(&Made::default())?;
        }
        merged.tables.into_iter().try_for_each(Complete::finish)?;
        for file in merged.absent {
            let path = self.out.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::io("remove", &path)(error).into());
                }
                _ => {}
            }
        }
        let made_with = self.manifest(&merged.made_with)?;
        write_atomic(&self.out.join(MANIFEST), made_with.as_bytes())?;
        Ok(self.mark(&made)?)
    }

    fn mark(&self, made: &Made) -> Result<(), StoreError> {
        let path = self.out.join(MADE);
        let text =
            serde_json::to_string_pretty(made).map_err(|e| StoreError::io("write", &path)(e.into()))?;
        write_atomic(&path, text.as_bytes())
    }

    fn manifest(&self, made_with: &Tally) -> Result<String, ExperimentError> {
        let own = manifest(self.loaded.document.seed, self.backend, self.threads, made_with);
        text(MANIFEST, serde_json::to_string_pretty(&own))
    }
}

/// Whether a plan's text is that of these runs: it is compared as it is written, and stands in memory once.
///
/// # Errors
/// The plan cannot be written as text.
pub fn is_described_by(
    plan: &str,
    loaded: &Loaded,
    name: &str,
    runs: &[Planned],
) -> Result<bool, ExperimentError> {
    struct Same<'a>(Option<&'a [u8]>);
    impl io::Write for Same<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.and_then(|rest| rest.strip_prefix(bytes));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut same = Same(Some(plan.as_bytes()));
    let written = serde_json::to_writer_pretty(&mut same, &describe(loaded, name, runs));
    written.map_err(|e| ExperimentError::Describe { file: PLAN, problem: e.to_string() })?;
    Ok(same.0.is_some_and(<[u8]>::is_empty))
}

/// A file that does not hold what it should is none for who writes it anew.
///
/// # Errors
/// The system does not let it be read.
fn read_or_absent<T>(read: Result<Option<T>, FolderError>) -> Result<Option<T>, FolderError> {
    match read {
        Err(problem) if problem.is_refusal() => Ok(None),
        read => read,
    }
}

fn text(file: &'static str, text: Result<String, serde_json::Error>) -> Result<String, ExperimentError> {
    text.map_err(|e| ExperimentError::Describe { file, problem: e.to_string() })
}
