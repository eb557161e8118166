//! Columns in memory, handed to the readers as a Parquet file.

use crate::convert::text;
use crate::failure::{bad, guarded, refused};
use numpy::PyReadonlyArray1;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyString};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of a group.
const GROUP: usize = 1 << 18;

/// A column. Numbers lie in the caller's arrays.
enum Column<'a> {
    Numbers(&'a [f64]),
    Whole(&'a [i64]),
    Texts(Vec<Option<ByteArray>>),
}

enum Held<'py> {
    Numbers(PyReadonlyArray1<'py, f64>),
    Whole(PyReadonlyArray1<'py, i64>),
    Texts(Vec<Option<ByteArray>>),
}

/// Writes named columns of one length into a Parquet file: contiguous arrays of float64 (NaN is no value) or int64, or lists of
/// texts and None.
#[pyfunction]
pub fn write_columns(
    py: Python<'_>,
    path: PathBuf,
    columns: Vec<(String, Bound<'_, PyAny>)>,
) -> PyResult<()> {
    let mut held = Vec::with_capacity(columns.len());
    for (name, of) in &columns {
        let column = if let Ok(numbers) = of.extract() {
            Held::Numbers(numbers)
        } else if let Ok(whole) = of.extract() {
            Held::Whole(whole)
        } else {
            Held::Texts(texts(of, name)?)
        };
        held.push((name.as_str(), column));
    }
    let mut given = Vec::with_capacity(held.len());
    for (name, column) in held.iter_mut() {
        let scattered = || bad(py, format!("column `{name}`: its numbers do not lie side by side"));
        given.push((
            *name,
            match column {
                Held::Numbers(numbers) => Column::Numbers(numbers.as_slice().map_err(|_| scattered())?),
                Held::Whole(whole) => Column::Whole(whole.as_slice().map_err(|_| scattered())?),
                Held::Texts(texts) => Column::Texts(std::mem::take(texts)),
            },
        ));
    }
    let rows = given.first().map_or(0, |(_, column)| column.len());
    if let Some((name, column)) = given.iter().find(|(_, column)| column.len() != rows) {
        return Err(bad(py, format!("column `{name}` has {} rows, the first has {rows}", column.len())));
    }
    let write = || write(&path, &given, rows);
    guarded(py, write)?.map_err(|error| refused(py, &format!("{}: {error}", path.display()), None, 1))
}

fn texts(of: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<Option<ByteArray>>> {
    let mut out = Vec::with_capacity(of.len().unwrap_or(0));
    for (at, item) in of.try_iter()?.enumerate() {
        let item = item?;
        if item.is_none() {
            out.push(None);
            continue;
        }
        let Ok(item) = item.cast::<PyString>() else {
            let kind = item.get_type().name()?;
            return Err(bad(
                of.py(),
                format!(
                    "column `{name}`, row {at}: a value of type {kind} where text is needed; write such a log to a file"
                ),
            ));
        };
        out.push(Some(text(item).into_bytes().into()));
    }
    Ok(out)
}

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Whole(whole) => whole.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    fn field(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, repetition, logical) = match self {
            Self::Numbers(_) => (Physical::DOUBLE, Repetition::OPTIONAL, None),
            Self::Whole(_) => (Physical::INT64, Repetition::REQUIRED, None),
            Self::Texts(_) => (Physical::BYTE_ARRAY, Repetition::OPTIONAL, Some(LogicalType::String)),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()
    }
}

fn write(path: &PathBuf, columns: &[(&str, Column<'_>)], rows: usize) -> Result<(), ParquetError> {
    let fields = (columns.iter())
        .map(|(name, column)| Ok(Arc::new(column.field(name)?)))
        .collect::<Result<_, ParquetError>>()?;
    let schema = Type::group_type_builder("log").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
    let mut file = SerializedFileWriter::new(File::create(path)?, Arc::new(schema), Arc::new(properties))?;
    for from in (0..rows).step_by(GROUP) {
        let to = rows.min(from + GROUP);
        let mut group = file.next_row_group()?;
        for (_, column) in columns {
            match column {
                Column::Whole(whole) => {
                    put::<Int64Type>(&mut group, whole.get(from..to).unwrap_or_default(), None)?;
                }
                Column::Numbers(numbers) => {
                    let piece = numbers.get(from..to).unwrap_or_default();
                    let levels: Vec<i16> = piece.iter().map(|value| i16::from(!value.is_nan())).collect();
                    if levels.contains(&0) {
                        let there: Vec<f64> = piece.iter().copied().filter(|value| !value.is_nan()).collect();
                        put::<DoubleType>(&mut group, &there, Some(&levels))?;
                    } else {
                        put::<DoubleType>(&mut group, piece, Some(&levels))?;
                    }
                }
                Column::Texts(texts) => {
                    let piece = texts.get(from..to).unwrap_or_default();
                    let levels: Vec<i16> = piece.iter().map(|text| i16::from(text.is_some())).collect();
                    let there: Vec<ByteArray> = piece.iter().flatten().cloned().collect();
                    put::<ByteArrayType>(&mut group, &there, Some(&levels))?;
                }
            }
        }
        group.close()?;
    }
    file.close()?;
    Ok(())
}

fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}
