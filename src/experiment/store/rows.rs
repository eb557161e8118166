//! Rows as CSV text: how tables are kept inside records and how they are put together.
//!
//! A record knows neither its arm nor its experiment: it holds the bodies of rows, and what says whose they are is put before each
//! line when the tables are merged.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// CSV lines of `rows`, without header.
pub fn encode<T: Serialize>(rows: &[T]) -> Result<Vec<u8>, csv::Error> {
    let mut lines = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    for row in rows {
        lines.serialize(row)?;
    }
    lines.into_inner().map_err(|e| csv::Error::from(e.into_error()))
}

/// Rows from such lines: a cell for each field, in their order.
pub fn decode<T: DeserializeOwned>(lines: &[u8]) -> Result<Vec<T>, csv::Error> {
    csv::ReaderBuilder::new().has_headers(false).from_reader(lines).into_deserialize().collect()
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
    use crate::record::tables::{TruthBody, TruthRow};

    #[test]
    fn rows_survive_the_round_trip_to_the_last_bit() {
        let rows: Vec<TruthBody> = [0.1 + 0.2, 1e-308, -7.0, f64::MAX]
            .iter()
            .map(|&v| TruthBody { trajectory: 3, utility: v, error: -v, class: 1, hack: true })
            .collect();
        let bytes = encode(&rows).unwrap();
        assert!(bytes.starts_with(b"3,0.30000000000000004,"), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(decode::<TruthBody>(&bytes).unwrap(), rows);
        assert!(decode::<TruthBody>(b"3,1,1,0,true\n4,1\n").is_err());
    }

    #[test]
    fn identity_and_body_are_a_whole_row() {
        let body = TruthBody { trajectory: 3, utility: 0.5, error: -2.0, class: 1, hack: false };
        let mut table = (TruthRow::COLUMNS.join(",") + "\n").into_bytes();
        prefix(&encode(std::slice::from_ref(&body)).unwrap(), &lead(&["a,b".to_owned()]), &mut table)
            .unwrap();
        assert!(table.ends_with(b"\n\"a,b\",3,0.5,-2.0,1,false\n"), "{}", String::from_utf8_lossy(&table));
        let row: TruthRow = csv::Reader::from_reader(&table[..]).deserialize().next().unwrap().unwrap();
        assert_eq!((row.train_id.as_str(), row.trajectory, row.utility), ("a,b", 3, 0.5));
        assert_eq!(TruthRow::IDENTITY, ["train_id"]);
    }
}
