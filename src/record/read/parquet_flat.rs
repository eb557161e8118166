//! Columns of a Parquet file without lists and groups, decoded column by column: the same rows as its row reader has, without
//! a record for each.

use super::cell::Cell;
use super::parquet_field::{bytes, cell};
use parquet::basic::{ConvertedType, Repetition};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
    Int96Type,
};
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use parquet::record::Field;
use parquet::schema::types::{ColumnDescPtr, ColumnPath, Type};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Whether these fields of a file can be read this way.
pub(super) fn is_flat(fields: &[Arc<Type>], schema: &Type) -> bool {
    let single = |field: &Type| {
        field.is_primitive()
            && field.get_basic_info().has_repetition()
            && field.get_basic_info().repetition() != Repetition::REPEATED
    };
    let mut names = BTreeSet::new();
    schema.get_fields().iter().all(|field| names.insert(field.name()))
        && fields.iter().all(|field| single(field))
}

/// The rows of one row group.
pub(super) struct Group {
    columns: Vec<Column>,
    left: usize,
}

impl Group {
    /// A row group's `fields`, of which `at_once` rows are decoded together.
    pub fn open(
        reader: &dyn FileReader,
        number: usize,
        fields: &[Arc<Type>],
        at_once: usize,
    ) -> Result<Self, ParquetError> {
        let group = reader.get_row_group(number)?;
        let metadata = group.metadata();
        let mut columns = Vec::with_capacity(fields.len());
        for field in fields {
            let path = ColumnPath::new(vec![field.name().to_owned()]);
            let place = metadata.columns().iter().rposition(|column| *column.column_path() == path);
            let place = place.ok_or_else(|| ParquetError::General(format!("Path {path:?} not found")))?;
            let descr = metadata.column(place).column_descr_ptr();
            columns.push(Column::new(group.get_column_reader(place)?, descr, at_once));
        }
        columns.iter_mut().try_for_each(|column| column.values.load())?;
        Ok(Self { columns, left: usize::try_from(metadata.num_rows()).unwrap_or(usize::MAX) })
    }

    /// Goes on to the next row; whether there is one.
    pub fn advance(&mut self) -> Result<bool, ParquetError> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        self.columns.iter_mut().try_for_each(Column::advance)?;
        Ok(true)
    }

    /// Bytes of each text, 8 of anything else.
    pub fn sizes(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(Column::size)
    }

    /// The cell of a column.
    pub fn cell(&self, column: usize) -> Cell<'_> {
        self.columns.get(column).map_or(Cell::Missing, Column::cell)
    }
}

struct Column {
    descr: ColumnDescPtr,
    values: Values,
    kind: Kind,
    /// The value of this row, of a kind that is converted at once.
    converted: Field,
}

/// How a value becomes a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Without a fault.
    Plain,
    /// As bytes, once they were seen to be UTF-8.
    Text,
    /// As text where they are UTF-8.
    Bytes,
    /// By the reader, which may not know the type.
    Converted,
}

impl Column {
    fn new(reader: ColumnReader, descr: ColumnDescPtr, at_once: usize) -> Self {
        let (values, kind) = Values::of(reader, &descr, at_once);
        Self { descr, values, kind, converted: Field::Null }
    }

    fn advance(&mut self) -> Result<(), ParquetError> {
        self.values.begin()?;
        match self.kind {
            Kind::Plain | Kind::Bytes => {}
            Kind::Text => {
                if self.values.text().is_some_and(|text| std::str::from_utf8(text).is_err()) {
                    self.values.field(&self.descr)?;
                }
            }
            Kind::Converted => self.converted = self.values.field(&self.descr)?,
        }
        self.values.end()
    }

    fn size(&self) -> usize {
        match self.kind {
            Kind::Plain => 8,
            Kind::Text | Kind::Bytes => self.values.text().map_or(8, <[u8]>::len),
            Kind::Converted => bytes(&self.converted),
        }
    }

    fn cell(&self) -> Cell<'_> {
        match (self.kind, self.values.text()) {
            (Kind::Converted, _) => cell(&self.converted),
            (Kind::Text, Some(text)) => Cell::Bytes(text),
            (Kind::Bytes, Some(text)) if std::str::from_utf8(text).is_ok() => Cell::Bytes(text),
            _ => match self.values.field(&self.descr) {
                Ok(field) => owned(cell(&field)),
                Err(_) => Cell::Missing,
            },
        }
    }
}

fn owned(cell: Cell<'_>) -> Cell<'static> {
    match cell {
        Cell::Missing => Cell::Missing,
        Cell::Number(value) => Cell::Number(value),
        Cell::Flag(flag) => Cell::Flag(flag),
        Cell::Numbers(numbers) => Cell::Numbers(numbers),
        Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
        Cell::Bytes(bytes) => Cell::Text(Cow::Owned(String::from_utf8_lossy(bytes).into_owned())),
    }
}

/// The values of a column, by how they are stored.
enum Values {
    Bool(Typed<BoolType>),
    Int32(Typed<Int32Type>),
    Int64(Typed<Int64Type>),
    Int96(Typed<Int96Type>),
    Float(Typed<FloatType>),
    Double(Typed<DoubleType>),
    Bytes(Typed<ByteArrayType>),
    Fixed(Typed<FixedLenByteArrayType>),
}

/// The same for each kind of values.
macro_rules! each {
    ($values:expr, $typed:ident => $do:expr) => {
        match $values {
            Values::Bool($typed) => $do,
            Values::Int32($typed) => $do,
            Values::Int64($typed) => $do,
            Values::Int96($typed) => $do,
            Values::Float($typed) => $do,
            Values::Double($typed) => $do,
            Values::Bytes($typed) => $do,
            Values::Fixed($typed) => $do,
        }
    };
}

impl Values {
    fn of(reader: ColumnReader, descr: &ColumnDescPtr, at_once: usize) -> (Self, Kind) {
        use ConvertedType as Of;
        let plain = |plain: bool| if plain { Kind::Plain } else { Kind::Converted };
        let of = descr.converted_type();
        let most = descr.max_def_level();
        match reader {
            ColumnReader::BoolColumnReader(r) => (Self::Bool(Typed::new(r, most, at_once)), Kind::Plain),
            ColumnReader::Int32ColumnReader(r) => {
                let whole = matches!(
                    of,
                    Of::NONE | Of::INT_8 | Of::INT_16 | Of::INT_32 | Of::UINT_8 | Of::UINT_16 | Of::UINT_32
                );
                (Self::Int32(Typed::new(r, most, at_once)), plain(whole))
            }
            ColumnReader::Int64ColumnReader(r) => {
                let whole = matches!(of, Of::NONE | Of::INT_64 | Of::UINT_64);
                (Self::Int64(Typed::new(r, most, at_once)), plain(whole))
            }
            ColumnReader::Int96ColumnReader(r) => {
                (Self::Int96(Typed::new(r, most, at_once)), Kind::Converted)
            }
            ColumnReader::FloatColumnReader(r) => (Self::Float(Typed::new(r, most, at_once)), Kind::Plain),
            ColumnReader::DoubleColumnReader(r) => (Self::Double(Typed::new(r, most, at_once)), Kind::Plain),
            ColumnReader::ByteArrayColumnReader(r) => {
                let kind = match of {
                    Of::UTF8 | Of::ENUM | Of::JSON => Kind::Text,
                    Of::BSON | Of::NONE => Kind::Bytes,
                    _ => Kind::Converted,
                };
                (Self::Bytes(Typed::new(r, most, at_once)), kind)
            }
            ColumnReader::FixedLenByteArrayColumnReader(r) => {
                (Self::Fixed(Typed::new(r, most, at_once)), Kind::Converted)
            }
        }
    }

    fn load(&mut self) -> Result<(), ParquetError> {
        each!(self, typed => typed.load())
    }

    fn begin(&mut self) -> Result<(), ParquetError> {
        each!(self, typed => typed.begin())
    }

    fn end(&mut self) -> Result<(), ParquetError> {
        each!(self, typed => typed.end())
    }

    /// The bytes of this row's value.
    fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(typed) => typed.value().map(|value| value.data()),
            _ => None,
        }
    }

    /// This row's value as the row reader has it.
    fn field(&self, descr: &ColumnDescPtr) -> Result<Field, ParquetError> {
        let field = match self {
            Self::Bool(typed) => typed.value().map(|v| Field::convert_bool(descr, *v)),
            Self::Int32(typed) => typed.value().map(|v| Field::convert_int32(descr, *v)),
            Self::Int64(typed) => typed.value().map(|v| Field::convert_int64(descr, *v)),
            Self::Int96(typed) => typed.value().map(|v| Field::convert_int96(descr, *v)),
            Self::Float(typed) => typed.value().map(|v| Field::convert_float(descr, *v)),
            Self::Double(typed) => typed.value().map(|v| Field::convert_double(descr, *v)),
            Self::Bytes(typed) => {
                typed.value().map(|v| Field::convert_byte_array(descr, v.clone())).transpose()?
            }
            Self::Fixed(typed) => {
                typed.value().map(|v| Field::convert_byte_array(descr, v.clone().into())).transpose()?
            }
        };
        Ok(field.unwrap_or(Field::Null))
    }
}

/// Values of one type, some rows at a time. The rows that follow are decoded when the last of these begins, as the row reader does.
struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    at_once: usize,
    /// The definition level of a value that is there.
    most: i16,
    batch: Batch<T::T>,
    next: Batch<T::T>,
    /// Rows of the batch that have begun, and values among them.
    begun: usize,
    passed: usize,
    /// This row's value among those of the batch.
    current: Option<usize>,
}

/// Rows that were decoded together: a level for each, unless all have values, and the values.
struct Batch<V> {
    levels: Vec<i16>,
    values: Vec<V>,
    rows: usize,
}

impl<T: DataType> Typed<T> {
    fn new(reader: ColumnReaderImpl<T>, most: i16, at_once: usize) -> Self {
        let batch = || Batch { levels: Vec::new(), values: Vec::new(), rows: 0 };
        Self { reader, at_once, most, batch: batch(), next: batch(), begun: 0, passed: 0, current: None }
    }

    /// Decodes the batch that comes next.
    fn load(&mut self) -> Result<(), ParquetError> {
        let Batch { levels, values, rows } = &mut self.next;
        levels.clear();
        values.clear();
        let (records, ..) = self.reader.read_records(self.at_once, Some(levels), None, values)?;
        *rows = records;
        Ok(())
    }

    /// Begins the next row.
    fn begin(&mut self) -> Result<(), ParquetError> {
        if self.begun == self.batch.rows {
            std::mem::swap(&mut self.batch, &mut self.next);
            self.next.rows = 0;
            (self.begun, self.passed) = (0, 0);
            if self.batch.rows == 0 {
                return Err(ParquetError::General("Unexpected end of column data".to_owned()));
            }
        }
        let there = self.batch.levels.get(self.begun).is_none_or(|level| *level == self.most);
        self.current = there.then_some(self.passed);
        self.passed += usize::from(there);
        self.begun += 1;
        Ok(())
    }

    /// Ends the row: after the last of a batch the next one is decoded.
    fn end(&mut self) -> Result<(), ParquetError> {
        if self.begun == self.batch.rows { self.load() } else { Ok(()) }
    }

    fn value(&self) -> Option<&T::T> {
        self.batch.values.get(self.current?)
    }
}
