//! Records that lie near each other in segments, read together: whether each verifies, and what made it.
//!
//! Nothing is kept of what they hold, so that a finished sweep of a million runs is looked at in seconds. Only what verifies is told: who
//! asks for another record reads it alone, and hears there what is wrong with it.

use super::record;
use super::segment::{Extent, key, stretch};
use crate::record::folder::Numerics;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes that are read at once, but for a record that is longer.
const AT_ONCE: u64 = 1 << 20;
/// Bytes between two records that are read with them.
const GAP: u64 = 1 << 14;

/// Some records that verify, each with what made it.
#[derive(Debug, Clone, Default)]
pub struct Near {
    made_with: Vec<Numerics>,
    whole: HashMap<u64, usize>,
}

impl Near {
    /// What verifies of the records at these places, which are in the order of each segment.
    pub fn read(places: &[(PathBuf, Vec<Extent>)]) -> Self {
        let mut near = Self::default();
        for (segment, extents) in places {
            // What cannot be read is not told of.
            let _ = near.add(segment, extents);
        }
        near
    }

    /// What made a record; `None` where nothing is told of it.
    pub fn made(&self, id: &str) -> Option<&Numerics> {
        self.made_with.get(*self.whole.get(&key(id)?)?)
    }

    fn add(&mut self, segment: &Path, mut extents: &[Extent]) -> io::Result<()> {
        let mut file = File::open(segment)?;
        let mut bytes = Vec::new();
        while let Some(first) = extents.first() {
            let is_near = |pair: &&[Extent]| {
                pair[1].at.saturating_sub(pair[0].end()) <= GAP
                    && pair[1].end().saturating_sub(first.at) <= AT_ONCE
            };
            let (now, later) = extents.split_at(1 + extents.windows(2).take_while(is_near).count());
            let end = now.iter().map(Extent::end).max().unwrap_or(first.at);
            stretch(&mut file, first.at, end, &mut bytes)?;
            for extent in now {
                self.verify(extent, &bytes, extent.at.saturating_sub(first.at));
            }
            extents = later;
        }
        Ok(())
    }

    /// Takes up a record that begins at `at` in `bytes`, if it is whole and has the name that it should have.
    fn verify(&mut self, extent: &Extent, bytes: &[u8], at: u64) {
        let own = usize::try_from(at).ok().and_then(|at| bytes.get(at..)?.get(..extent.length as usize));
        let stamp = own.and_then(record::stamp).filter(|stamp| key(&stamp.id) == Some(extent.key));
        let Some(stamp) = stamp else { return };
        let place = self.made_with.iter().position(|known| *known == stamp.numerics).unwrap_or_else(|| {
            self.made_with.push(stamp.numerics);
            self.made_with.len() - 1
        });
        self.whole.insert(extent.key, place);
    }
}
