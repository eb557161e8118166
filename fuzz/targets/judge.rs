//! What is done with any bytes as a law or a log: it ends in an answer or in an error, and never in a panic.

use std::fs;
use tailcatch::distributions::DistributionSpec;
use tailcatch::record::{LogOptions, read_log};

/// A distribution on the command line: what it gives is a number.
pub fn spec(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(law) = text.parse::<DistributionSpec>() else { return };
    let law = law.part();
    for x in [f64::MIN, -1.0, 0.0, 1e-300, 1.0, f64::MAX] {
        assert!(!law.cdf(x).is_nan() && !law.sf(x).is_nan() && !law.ln_pdf(x).is_nan(), "{text} at {x}");
    }
    for p in [0.0, 1e-12, 0.5, 1.0] {
        assert!(!law.quantile(p).is_nan(), "{text} at probability {p}");
    }
}

/// A log between commas.
pub fn csv(bytes: &[u8]) {
    log("csv", bytes);
}

/// A log of one object a line.
pub fn jsonl(bytes: &[u8]) {
    log("jsonl", bytes);
}

/// A log in Parquet.
pub fn parquet(bytes: &[u8]) {
    log("parquet", bytes);
}

fn log(extension: &str, bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join(format!("fuzz.{extension}"));
    if fs::write(&path, bytes).is_err() {
        return;
    }
    let options = LogOptions { max_expanded: 64_000_000, ..LogOptions::default() };
    if let Ok(log) = read_log(&[path], &options) {
        let seen = &log.rollouts.observed;
        assert!(seen.proxy.iter().all(|reward| reward.is_finite()), "a reward that is no number");
    }
}
