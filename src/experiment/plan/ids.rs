//! Identities: what decides the numbers of a run is in them, and nothing else.

use crate::config::{Document, bytes_of};
use crate::reward::{RewardSection, Twin};

/// Version of the meaning of numbers; bumped when the same config gives other numbers, or a default changes.
pub const SEMANTICS: u32 = 5;

/// Identity of one training run: environment (with the contents of files that it names), reward, policy, trainer, seed,
/// replicate. The clean twin is simply the
/// run of another reward section; the swapped one is marked, because its section is the same.
pub fn train_id(document: &Document, replicate: u64, twin: Twin) -> Result<String, serde_json::Error> {
    let reward = match twin {
        Twin::Clean => document.reward.clean(),
        Twin::Itself | Twin::Swapped => RewardSection { swap_twin: false, ..document.reward.clone() },
    };
    let trained = Document { reward, ..document.clone() };
    let decisive = bytes_of(&trained, &["environment", "reward", "policy", "trainer", "seed"])?;
    // A file that cannot be read stops the run when its table is made; here it only has no contents.
    let files: Vec<u8> = (document.environment.part().files().iter())
        .flat_map(|path| *blake3::hash(&std::fs::read(path).unwrap_or_default()).as_bytes())
        .collect();
    let flags = [u8::from(twin == Twin::Swapped), u8::from(document.record.activations)];
    Ok(hash("train", &[&decisive, &replicate.to_le_bytes(), &flags, &files]))
}

/// Identity of one judgement: the training run, its twins, and all that looks at them.
pub fn judge_id(document: &Document, train_id: &str) -> Result<String, serde_json::Error> {
    let decisive = bytes_of(document, &["detectors", "calibration", "audit"])?;
    Ok(hash("judge", &[&decisive, train_id.as_bytes(), &[u8::from(document.reward.swap_twin)]]))
}

/// A short name of everything in `parts`.
fn hash(kind: &str, parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes());
    hasher.update(&SEMANTICS.to_le_bytes());
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
