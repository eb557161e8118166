//! With what the results were made.

use super::ids::SEMANTICS;
use crate::policies::Backend;
use crate::record::folder::{Manifest, Numerics};

/// Describes this process.
pub fn manifest(seed: u64, backend: &Backend, threads: usize) -> Manifest {
    Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        semantics: SEMANTICS,
        git_commit: option_env!("TAILCATCH_COMMIT").map(str::to_owned),
        seed,
        device: backend.device_name().to_owned(),
        kernels: backend.kernels().name().to_owned(),
        threads,
        numerics: Numerics {
            target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            cpu_features: features(),
            binary: binary(),
        },
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

/// Hash of the running program.
fn binary() -> String {
    let bytes = std::env::current_exe().and_then(std::fs::read);
    bytes.map_or_else(|_| "unknown".to_owned(), |bytes| blake3::hash(&bytes).to_hex()[..16].to_owned())
}
