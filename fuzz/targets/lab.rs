//! What is done with any bytes as a config: it ends in an answer or in an error, and never in a panic.

use tailcatch::config::{from_bytes, resolved};

/// A config that overrides are put on.
const BASE: &[u8] =
    b"question = '?'\n[environment.bandit]\noutcomes = 50\n[trainer.reinforce]\nbatch = 8\nsteps = 5\n";

/// A config: what loads is written out and loads again to the same.
pub fn toml(bytes: &[u8]) {
    let Ok(loaded) = from_bytes("fuzz.toml", bytes, &[]) else { return };
    let Ok(text) = resolved(&loaded.document) else { panic!("a loaded config cannot be written") };
    match from_bytes("resolved.toml", text.as_bytes(), &[]) {
        Ok(again) => assert!(again.document == loaded.document, "other values:\n{text}"),
        Err(faults) => panic!("a resolved config has faults: {faults}\n{text}"),
    }
}

/// A `--set` argument.
pub fn set(bytes: &[u8]) {
    let set = String::from_utf8_lossy(bytes).into_owned();
    let _ = from_bytes("fuzz.toml", BASE, &[set]);
}
