//! Columns and records of one file give the same rows and the same errors.

use super::cell::Cell;
use super::parquet::{guarded, open, scan_flat, scan_records};
use super::parquet_flat::is_flat;
use super::row::Row;
use super::unfold::Unfold;
use parquet::basic::{Compression, Encoding};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::reader::FileReader as _;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

const SCHEMA: &str = "message log {
    required int64 step; optional int32 small (INTEGER(8, true)); optional int64 large (INTEGER(64, false));
    optional int32 day (DATE); optional int64 at (TIMESTAMP(MICROS, true)); required int96 old;
    optional float f; optional double reward; optional boolean flag; required boolean sure;
    optional binary text (STRING); required binary prompt (STRING); optional binary raw;
    optional fixed_len_byte_array(2) half (FLOAT16); optional int32 money (DECIMAL(9, 2));
    required int32 odd (TIME(MILLIS, true)); optional binary json (JSON);
}";

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// A file of random pages, groups, encodings and nulls.
fn write(path: &Path, random: &mut Random) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut properties = WriterProperties::builder()
        .set_data_page_row_count_limit(1 + random.below(150) as usize)
        .set_write_batch_size(1 + random.below(40) as usize)
        .set_dictionary_enabled(random.below(2) == 0)
        .set_dictionary_page_size_limit(64 << random.below(8))
        .set_compression(match random.below(4) {
            0 => Compression::SNAPPY,
            1 => Compression::LZ4_RAW,
            2 => Compression::ZSTD(Default::default()),
            _ => Compression::UNCOMPRESSED,
        });
    if random.below(2) == 0 {
        properties = properties.set_writer_version(WriterVersion::PARQUET_2_0);
    }
    if random.below(3) == 0 {
        properties = properties.set_dictionary_enabled(false).set_encoding(Encoding::PLAIN);
    }
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build())).unwrap();
    // Text that is none, in some files.
    let broken = random.below(4) == 0;
    for _ in 0..1 + random.below(3) {
        let rows = [0, 1, 63, 64, 65, 128, 300][random.below(7) as usize];
        let nulls = [0, 2, 10][random.below(3) as usize];
        let mut group = writer.next_row_group().unwrap();
        while let Some(mut column) = group.next_column().unwrap() {
            let required = ["step", "old", "sure", "prompt", "odd"];
            let path = match column.untyped() {
                ColumnWriter::BoolColumnWriter(w) => w.get_descriptor().name().to_owned(),
                ColumnWriter::Int32ColumnWriter(w) => w.get_descriptor().name().to_owned(),
                ColumnWriter::Int64ColumnWriter(w) => w.get_descriptor().name().to_owned(),
                ColumnWriter::Int96ColumnWriter(w) => w.get_descriptor().name().to_owned(),
                ColumnWriter::FloatColumnWriter(w) => w.get_descriptor().name().to_owned(),
                ColumnWriter::DoubleColumnWriter(w) => w.get_descriptor().name().to_owned(),
                ColumnWriter::ByteArrayColumnWriter(w) => w.get_descriptor().name().to_owned(),
                ColumnWriter::FixedLenByteArrayColumnWriter(w) => w.get_descriptor().name().to_owned(),
            };
            let all = nulls == 0 || required.contains(&path.as_str());
            let levels: Vec<i16> = (0..rows).map(|_| i16::from(all || random.below(nulls) > 0)).collect();
            let n = levels.iter().filter(|level| **level == 1).count();
            let levels = (!required.contains(&path.as_str())).then_some(levels.as_slice());
            let mut numbers: Vec<i64> = (0..n).map(|_| random.below(1 << 40) as i64 - (1 << 39)).collect();
            if path == "large" {
                numbers.iter_mut().step_by(3).for_each(|x| *x = i64::MAX.wrapping_sub(*x));
            }
            let small = |numbers: &[i64]| numbers.iter().map(|x| (*x % 90_000) as i32).collect::<Vec<_>>();
            match column.untyped() {
                ColumnWriter::BoolColumnWriter(w) => {
                    let values: Vec<bool> = numbers.iter().map(|x| x % 2 == 0).collect();
                    w.write_batch(&values, levels, None).unwrap();
                }
                ColumnWriter::Int32ColumnWriter(w) => {
                    w.write_batch(&small(&numbers), levels, None).unwrap();
                }
                ColumnWriter::Int64ColumnWriter(w) => {
                    w.write_batch(&numbers, levels, None).unwrap();
                }
                ColumnWriter::Int96ColumnWriter(w) => {
                    let day = |x: &i64| {
                        let mut value = Int96::new();
                        value.set_data(*x as u32, 0, 2_440_588 + (x % 9999) as u32);
                        value
                    };
                    let values: Vec<Int96> = numbers.iter().map(|x| day(&x.abs())).collect();
                    w.write_batch(&values, levels, None).unwrap();
                }
                ColumnWriter::FloatColumnWriter(w) => {
                    let values: Vec<f32> = numbers.iter().map(|x| *x as f32 / 7.0).collect();
                    w.write_batch(&values, levels, None).unwrap();
                }
                ColumnWriter::DoubleColumnWriter(w) => {
                    let odd = |x: i64| if x % 50 == 0 { f64::NAN } else { x as f64 / 7.0 };
                    let values: Vec<f64> = numbers.iter().map(|x| odd(*x)).collect();
                    w.write_batch(&values, levels, None).unwrap();
                }
                ColumnWriter::ByteArrayColumnWriter(w) => {
                    let text = |x: &i64| match x % 97 {
                        0 if broken || path == "raw" => vec![0xff, b'a'],
                        1 => Vec::new(),
                        rest => format!("é {rest} → [{rest}]").into_bytes(),
                    };
                    let values: Vec<ByteArray> = numbers.iter().map(|x| text(x).into()).collect();
                    w.write_batch(&values, levels, None).unwrap();
                }
                ColumnWriter::FixedLenByteArrayColumnWriter(w) => {
                    let half = |x: &i64| FixedLenByteArray::from(vec![*x as u8, (x >> 8) as u8]);
                    let values: Vec<FixedLenByteArray> = numbers.iter().map(half).collect();
                    w.write_batch(&values, levels, None).unwrap();
                }
            }
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

/// What a visitor sees, and how it ends.
fn seen(path: &Path, wanted: &[&str], limit: u64, flat: bool) -> (Vec<String>, Result<usize, String>) {
    let mut rows = Vec::new();
    let result = guarded(path, || {
        let reader = open(path, u64::MAX)?;
        let schema = reader.metadata().file_metadata().schema();
        let roots: Vec<Arc<Type>> =
            schema.get_fields().iter().filter(|field| wanted.contains(&field.name())).cloned().collect();
        assert!(is_flat(&roots, schema));
        let mut visit = |row: &Row<'_>| {
            let cells: Vec<Cell<'_>> = (0..wanted.len() + 1).map(row.cell).collect();
            let text = |cell: &Cell<'_>| cell.text().map(|text| text.into_owned());
            let cell = |cell: &Cell<'_>| format!("{:?} {:?} {:?}", cell.parse(), cell.numbers(), text(cell));
            rows.push(format!("{} {:?}", row.row, cells.iter().map(cell).collect::<Vec<_>>()));
            Ok(())
        };
        match flat {
            true => scan_flat(path, &reader, &roots, limit, wanted, &mut visit),
            false => scan_records(path, &reader, roots, limit, (wanted, &Unfold::One), &mut visit),
        }
    });
    (rows, result.map_err(|error| error.to_string()))
}

fn wanted(random: &mut Random) -> Vec<&'static str> {
    let names = [
        "step", "small", "large", "day", "at", "old", "f", "reward", "flag", "sure", "text", "prompt", "raw",
        "half", "money", "odd", "json",
    ];
    let mut wanted: Vec<&str> = names.into_iter().filter(|_| random.below(3) > 0).collect();
    wanted.push("reward");
    wanted.reverse();
    wanted
}

#[test]
fn columns_give_the_rows_that_records_give() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut whole, mut failed) = (0, 0);
    for file in 0..40 {
        write(&path, &mut random);
        for _ in 0..3 {
            let wanted = wanted(&mut random);
            let limit = if random.below(5) == 0 { random.below(20_000) } else { u64::MAX };
            let (columns, records) = (seen(&path, &wanted, limit, true), seen(&path, &wanted, limit, false));
            assert_eq!(columns, records, "file {file}: {wanted:?}");
            whole += usize::from(columns.1.as_ref().is_ok_and(|rows| *rows > 0));
            failed += usize::from(columns.1.is_err());
        }
    }
    assert!(whole > 40 && failed > 15, "{whole} {failed}");
}

#[test]
fn columns_fail_where_records_fail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut failed = 0;
    for file in 0..25 {
        write(&path, &mut random);
        let bytes = fs::read(&path).unwrap();
        let footer = 8 + u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
        let data = bytes.len() - footer;
        for damage in 0..6 {
            let mut damaged = bytes.clone();
            match damage {
                0 => drop(damaged.drain(data / 2..data)),
                1 => damaged.truncate(random.below(bytes.len() as u64) as usize),
                _ => (0..damage)
                    .for_each(|_| damaged[random.below(data as u64) as usize] ^= 1 << random.below(8)),
            }
            fs::write(&path, &damaged).unwrap();
            let wanted = wanted(&mut random);
            let (columns, records) =
                (seen(&path, &wanted, u64::MAX, true), seen(&path, &wanted, u64::MAX, false));
            assert_eq!(columns, records, "file {file}, damage {damage}: {wanted:?}");
            failed += usize::from(columns.1.is_err());
        }
    }
    assert!(failed > 50, "{failed}");
}
