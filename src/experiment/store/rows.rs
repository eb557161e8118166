//! Rows as CSV text: how tables are kept inside records and how they are put together.
//!
//! A record knows neither its arm nor its experiment, so the leading identity columns are left out there and put
//! before each line when the tables are merged.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// CSV lines of `rows` without header, each without its first `skip` cells.
pub fn encode<T: Serialize>(rows: &[T], skip: usize) -> Result<Vec<u8>, csv::Error> {
    let mut whole = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    for row in rows {
        whole.serialize(row)?;
    }
    let bytes = whole.into_inner().map_err(|e| csv::Error::from(e.into_error()))?;
    if skip == 0 {
        return Ok(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        // Identity cells are hexadecimal or integers: never quoted, so a comma there is a separator.
        let start =
            line.iter().enumerate().filter(|(_, b)| **b == b',').nth(skip - 1).map_or(0, |(i, _)| i + 1);
        out.extend(&line[start..]);
    }
    Ok(out)
}

/// Rows of `columns`, read from lines that lack their first cells; `lead` stands in for them.
pub fn decode<T: DeserializeOwned>(
    bytes: &[u8],
    columns: &[&str],
    lead: &[&str],
) -> Result<Vec<T>, csv::Error> {
    let header = csv::StringRecord::from(columns.to_vec());
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut cells = csv::StringRecord::new();
    let mut rows = Vec::new();
    while reader.read_record(&mut cells)? {
        let full: csv::StringRecord = lead.iter().copied().chain(cells.iter()).collect();
        rows.push(full.deserialize(Some(&header))?);
    }
    Ok(rows)
}

/// Puts `lead` (already CSV text, ending in a comma) before each line.
pub fn prefix(lines: &[u8], lead: &str, out: &mut impl std::io::Write) -> std::io::Result<()> {
    for line in lines.split_inclusive(|&b| b == b'\n') {
        out.write_all(lead.as_bytes())?;
        out.write_all(line)?;
    }
    Ok(())
}

/// `cells` as CSV text ending in a comma.
pub fn lead(cells: &[String]) -> String {
    cells.iter().map(|cell| quoted(cell) + ",").collect()
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tables::TruthRow;

    #[test]
    fn rows_survive_the_round_trip_to_the_last_bit() {
        let rows: Vec<TruthRow> = [0.1 + 0.2, 1e-308, -7.0, f64::MAX]
            .iter()
            .map(|&v| TruthRow {
                train_id: "ab".into(),
                trajectory: 3,
                utility: v,
                error: -v,
                class: 1,
                hack: true,
            })
            .collect();
        let bytes = encode(&rows, 1).unwrap();
        assert!(bytes.starts_with(b"3,0.30000000000000004,"), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(decode::<TruthRow>(&bytes, TruthRow::COLUMNS, &["ab"]).unwrap(), rows);
        let mut out = Vec::new();
        prefix(&bytes, &lead(&["a,b".to_owned()]), &mut out).unwrap();
        assert!(out.starts_with(b"\"a,b\",3,"));
    }
}
