//! What the last digits of this process's numbers depend on, and of those that are stored.

use super::error::StoreError;
use crate::record::folder::{MadeWith, Numerics};
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

static OWN: OnceLock<Numerics> = OnceLock::new();

/// Of this process: its binary and what its processor can do.
pub fn numerics() -> &'static Numerics {
    OWN.get_or_init(|| of(read().map_or_else(|_| "unknown".to_owned(), |bytes| name(&bytes))))
}

/// Finds out what this process is, before it writes records that say so.
///
/// # Errors
/// The running program cannot be read: its records would be taken for those of another.
pub fn find_out() -> Result<(), StoreError> {
    if OWN.get().is_none() {
        let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("the running program"));
        let bytes = read().map_err(StoreError::io("read", &path))?;
        OWN.get_or_init(|| of(name(&bytes)));
    }
    Ok(())
}

fn of(binary: String) -> Numerics {
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    Numerics { target, cpu_features: features(), binary }
}

/// Counts of records by what made them, in the order in which they were met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(Vec<MadeWith>);

impl Tally {
    /// One more record.
    pub fn count(&mut self, numerics: &Numerics) {
        match self.of(numerics) {
            Some(one) => one.records += 1,
            None => self.0.push(MadeWith { numerics: numerics.clone(), records: 1 }),
        }
    }

    /// The counts of what was met later.
    pub fn add(&mut self, later: Self) {
        for more in later.0 {
            match self.of(&more.numerics) {
                Some(one) => one.records += more.records,
                None => self.0.push(more),
            }
        }
    }

    fn of(&mut self, numerics: &Numerics) -> Option<&mut MadeWith> {
        self.0.iter_mut().find(|one| one.numerics == *numerics)
    }

    /// The counts.
    pub fn all(&self) -> &[MadeWith] {
        &self.0
    }

    /// Whether one binary on one kind of processor made all.
    ///
    /// # Errors
    /// Several did.
    pub fn unmingled(&self) -> Result<(), StoreError> {
        let Some(first) = self.0.first() else { return Ok(()) };
        match self.others(&first.numerics) {
            None => Ok(()),
            Some((records, found)) => Err(StoreError::Mingled {
                records,
                found: found.to_string(),
                own: first.numerics.to_string(),
            }),
        }
    }

    /// How many records something else than `numerics` made, and what that was.
    pub fn others(&self, numerics: &Numerics) -> Option<(usize, &Numerics)> {
        let mut others = self.0.iter().filter(|one| one.numerics != *numerics);
        let first = others.next()?;
        Some((first.records + others.map(|one| one.records).sum::<usize>(), &first.numerics))
    }
}

/// Features by which mathematics libraries pick their code on this processor.
fn features() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let found = [
            ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
            ("avx", std::arch::is_x86_feature_detected!("avx")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ];
        found.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        std::env::consts::ARCH.to_owned()
    }
}

/// The running program.
fn read() -> io::Result<Vec<u8>> {
    std::env::current_exe().and_then(std::fs::read)
}

/// The first digits of its hash.
fn name(binary: &[u8]) -> String {
    blake3::hash(binary).to_hex()[..16].to_owned()
}
