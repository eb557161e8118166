//! Identities: what decides the numbers of a run is in them, and nothing else.

use crate::config::{Document, canonical};
use crate::reward::{RewardSection, Twin};
use serde::Serialize;

/// Version of the meaning of numbers; bumped when the same config gives other numbers, or a default changes.
pub const SEMANTICS: u32 = 1;

/// A short name of everything in `parts`.
fn hash(kind: &str, parts: &[Vec<u8>]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes());
    hasher.update(&SEMANTICS.to_le_bytes());
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Identity of one training run: environment, reward, policy, trainer, seed, replicate. The clean twin is simply the
/// run of another reward section; the swapped one is marked, because its section is the same.
pub fn train_id(document: &Document, replicate: u64, twin: Twin) -> String {
    let reward = match twin {
        Twin::Clean => document.reward.clean(),
        Twin::Itself | Twin::Swapped => RewardSection { swap_twin: false, ..document.reward.clone() },
    };
    let parts = [
        canonical::bytes_of(&document.environment),
        canonical::bytes_of(&reward),
        canonical::bytes_of(&document.policy),
        canonical::bytes_of(&document.trainer),
        bytes(&(document.seed, replicate, twin == Twin::Swapped)),
    ];
    hash("train", &parts)
}

/// Identity of one judgement: the training run, its twins, and all that looks at them.
pub fn judge_id(document: &Document, train_id: &str) -> String {
    let parts = [
        bytes(&train_id),
        canonical::bytes_of(&document.detectors),
        canonical::bytes_of(&document.calibration),
        canonical::bytes_of(&document.audit),
        bytes(&document.reward.swap_twin),
    ];
    hash("judge", &parts)
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    // Numbers, booleans and strings always serialise.
    serde_json::to_vec(value).unwrap_or_default()
}
