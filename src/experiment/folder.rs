//! A run folder as it is described and as its tables are put into it.

use super::error::ExperimentError;
use super::plan::manifest::manifest;
use super::plan::runs::{Planned, describe};
use super::store::numerics::Tally;
use super::store::occupied::{Description, Held};
use super::store::{Store, StoreError, write_atomic};
use super::summary::merge::{self, Table};
use crate::config::{Document, Loaded, SlurmSection, resolved};
use crate::policies::Backend;
use crate::record::folder::{CONFIG, Described, MANIFEST, PLAN};
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

    /// Whether this is the plan of the experiment.
    pub fn is_told_by(&self, plan: &str) -> bool {
        self.plan == plan
    }

    fn description(&self) -> Description<'_> {
        Description { plan: &self.plan, config: &self.config }
    }

    /// Holds the folder for this experiment, and describes it where another was there or none. The tables of another that is
    /// finished are given up only where `takes_over`.
    ///
    /// # Errors
    /// Another experiment is at work there, or is finished and not to be taken over; a file that cannot be written.
    pub fn hold(&self, takes_over: bool) -> Result<Held, ExperimentError> {
        if !takes_over && !self.description().is_of(self.out) && self.is_finished() {
            return Err(StoreError::Taken { out: self.out.to_owned() }.into());
        }
        let made_with = self.manifest(&Tally::default())?;
        Ok(Held::take(self.out, self.description(), || {
            let put = |file: &str, text: &str| write_atomic(&self.out.join(file), text.as_bytes());
            // Tables that lie there are of another plan from here on.
            if self.out.join(ReplicateRow::FILE).exists() {
                self.mark(&Made::default())?;
            }
            put(PLAN, &self.plan)?;
            put(CONFIG, &self.config)?;
            put(MANIFEST, &made_with)
        })?)
    }

    /// Whether whole tables lie in the folder.
    fn is_finished(&self) -> bool {
        Described::open(self.out)
            .is_ok_and(|told| told.owns_its_tables() && self.out.join(ReplicateRow::FILE).exists())
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
        held.check(self.out, self.description())?;
        let made = Made { of: digest(&self.plan, &self.config), missing };
        // Where the same tables lie there already, others may be reading them.
        if Described::open(self.out)?.made.as_ref() != Some(&made) {
            self.mark(&Made::default())?;
        }
        merged.tables.into_iter().try_for_each(Table::finish)?;
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

fn text(file: &'static str, text: Result<String, serde_json::Error>) -> Result<String, ExperimentError> {
    text.map_err(|e| ExperimentError::Describe { file, problem: e.to_string() })
}
