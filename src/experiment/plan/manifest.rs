//! With what the results were made.

use super::ids::SEMANTICS;
use crate::experiment::store::numerics::{Tally, numerics};
use crate::policies::Backend;
use crate::record::folder::Manifest;

/// Describes this process, and what made the records that its tables were put together from.
pub fn manifest(seed: u64, backend: &Backend, threads: usize, made_with: &Tally) -> Manifest {
    Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        semantics: SEMANTICS,
        git_commit: option_env!("TAILCATCH_COMMIT").map(str::to_owned),
        seed,
        device: backend.device_name().to_owned(),
        kernels: backend.kernels().name().to_owned(),
        threads,
        numerics: numerics().clone(),
        made_with: made_with.all().to_vec(),
    }
}
