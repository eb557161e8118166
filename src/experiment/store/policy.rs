//! A trained policy in a record: ln(π/π₀) of each cell of its table, as compressed bytes.

use super::{Record, StoreError};
use std::io;
use std::path::Path;

const SECTION: &str = "log_ratio";

/// The policy as a record.
///
/// # Errors
/// It cannot be compressed.
pub fn to_record(log_ratio: &[f64]) -> io::Result<Record> {
    let bytes: Vec<u8> = log_ratio.iter().flat_map(|own| own.to_le_bytes()).collect();
    let mut record = Record::default();
    record.push(SECTION, zstd::bulk::compress(&bytes, zstd::DEFAULT_COMPRESSION_LEVEL)?);
    Ok(record)
}

/// The policy of a table of so many cells; `path` is named where the record holds no such policy.
pub fn from_record(record: &Record, cells: usize, path: &Path) -> Result<Vec<f64>, StoreError> {
    let damaged = |problem: String| StoreError::Section { path: path.to_owned(), section: SECTION, problem };
    let packed = record.section(SECTION).ok_or_else(|| damaged("it is missing".to_owned()))?;
    let bytes = zstd::bulk::decompress(packed, cells * 8).map_err(|e| damaged(e.to_string()))?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    if numbers.len() != cells || !rest.is_empty() {
        return Err(damaged(format!("{} bytes for {cells} cells of 8", bytes.len())));
    }
    Ok(numbers.iter().map(|own| f64::from_le_bytes(*own)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_survives_to_the_last_bit_and_damage_is_named() {
        let policy = [0.1 + 0.2, f64::NEG_INFINITY, -0.0, 1e-308];
        let record = to_record(&policy).unwrap();
        let read = from_record(&record, 4, Path::new("p")).unwrap();
        let bits = |of: &[f64]| of.iter().map(|own| own.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&policy));
        for cells in [0, 3, 5] {
            assert!(from_record(&record, cells, Path::new("p")).is_err(), "{cells}");
        }
        let fault = from_record(&Record::default(), 4, Path::new("p")).unwrap_err().to_string();
        assert!(fault.contains("log_ratio") && fault.contains("missing"), "{fault}");
    }
}
