//! How every experiment begins in its folder: what is there is looked at, then the folder is held, and only then anything is written.

use super::error::ExperimentError;
use super::plan::runs::Planned;
use super::store::Store;
use super::store::numerics::find_out;
use super::store::occupied::{Held, sweep};
use super::survey::{Survey, survey};
use super::work::Options;
use crate::config::Loaded;
use crate::record::folder::{FIGURES, RECORDS};
use std::sync::atomic::AtomicBool;

/// Runs that are asked for.
pub struct Asked<'a> {
    /// The scenario that they are of, where there are several.
    pub scenario: Option<&'a str>,
    /// Its config.
    pub loaded: &'a Loaded,
    /// The runs.
    pub runs: &'a [Planned],
}

/// What is to be made of everything that is asked for, in its order, and the folder, held from here on by what `hold` does. Whether all of it
/// is allowed there is known before anything is written.
///
/// # Errors
/// As [`survey`]; something else made what is there, unless it may be mixed; the folder is another's, or cannot be written.
pub fn begin<'a>(
    asked: &[Asked<'a>],
    store: &Store,
    options: &Options,
    stop: &AtomicBool,
    hold: impl FnOnce() -> Result<Held, ExperimentError>,
) -> Result<(Vec<Survey<'a>>, Held), ExperimentError> {
    let found = asked.iter().map(|one| one.found(store, options, stop)).collect::<Result<_, _>>()?;
    store.create()?;
    let held = hold()?;
    sweep(&options.out, &[RECORDS, FIGURES])?;
    Ok((found, held))
}

impl<'a> Asked<'a> {
    /// What of them is there; nothing is written.
    ///
    /// # Errors
    /// As [`begin`].
    pub fn found(
        &self,
        store: &Store,
        options: &Options,
        stop: &AtomicBool,
    ) -> Result<Survey<'a>, ExperimentError> {
        find_out()?;
        let found =
            survey(self.loaded, self.runs, store, stop).and_then(|own| own.unmixed(options.allow_mixed));
        found.map_err(|source| match self.scenario {
            Some(name) => ExperimentError::Scenario { name: name.to_owned(), source: Box::new(source) },
            None => source,
        })
    }
}
