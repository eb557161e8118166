//! Feature columns of rollouts that have no column of their own in `observed.csv`: the activations of a network.

use crate::record::folder::FEATURES;
use crate::record::{DISAGREEMENT, GRADIENT_NORM, Observed};

/// Name of the section of a record, and of the table of a run folder.
pub const SECTION: &str = FEATURES;

/// A CSV with a header: `trajectory` and one column a feature; `None` where there is no such feature.
pub fn encode(observed: &Observed) -> Result<Option<Vec<u8>>, csv::Error> {
    let own: Vec<_> =
        observed.features.iter().filter(|(name, _)| name != DISAGREEMENT && name != GRADIENT_NORM).collect();
    if own.is_empty() {
        return Ok(None);
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_field("trajectory")?;
    table.write_record(own.iter().map(|(name, _)| name))?;
    for (row, trajectory) in observed.trajectory.iter().enumerate() {
        table.write_field(trajectory.to_string())?;
        // The numbers come from f32 activations, whose shortest decimals are half as long.
        table.write_record(own.iter().map(|(_, column)| (column[row] as f32).to_string()))?;
    }
    Ok(Some(table.into_inner().map_err(|e| csv::Error::from(e.into_error()))?))
}

/// The columns of such a table, which must have `rows` rows.
pub fn decode(table: &[u8], rows: usize) -> Result<Vec<(String, Vec<f64>)>, String> {
    let mut reader = csv::Reader::from_reader(table);
    let header = reader.headers().map_err(|e| e.to_string())?.clone();
    let mut columns: Vec<(String, Vec<f64>)> =
        header.iter().skip(1).map(|name| (name.to_owned(), Vec::with_capacity(rows))).collect();
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        for ((name, column), cell) in columns.iter_mut().zip(record.iter().skip(1)) {
            let number =
                cell.parse::<f32>().map_err(|_| format!("{name} is '{cell}'; a number is needed"))?;
            column.push(f64::from(number));
        }
    }
    match columns.iter().find(|(_, column)| column.len() != rows) {
        None => Ok(columns),
        Some((name, column)) => Err(format!("{name} has {} rows; {rows} are needed", column.len())),
    }
}

/// The header of a table, for merging.
pub fn split(table: &[u8]) -> (&[u8], &[u8]) {
    let end = table.iter().position(|b| *b == b'\n').map_or(table.len(), |at| at + 1);
    table.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_survive_the_round_trip_and_damage_is_named() {
        let column: Vec<f64> = [0.1f32, -3e-7, 12.0].iter().map(|x| f64::from(*x)).collect();
        let observed = Observed {
            trajectory: vec![4, 5, 6],
            features: vec![(GRADIENT_NORM.to_owned(), vec![1.0; 3]), ("hidden_0".to_owned(), column.clone())],
            ..Observed::default()
        };
        let table = encode(&observed).unwrap().unwrap();
        assert!(table.starts_with(b"trajectory,hidden_0\n4,0.1\n"));
        assert_eq!(decode(&table, 3).unwrap(), vec![("hidden_0".to_owned(), column)]);
        assert!(decode(&table, 4).unwrap_err().contains("3 rows; 4 are needed"));
        assert!(decode(b"trajectory,hidden_0\n4,x\n", 1).unwrap_err().contains("'x'"));
        assert!(encode(&Observed::default()).unwrap().is_none());
    }
}
