//! The past as Apache Parquet, for DuckDB, pandas, Spark and the like. The columns are those of the CSV; times are a timestamp in
//! milliseconds UTC.

use super::Past;
use crate::{
    access::Identity,
    history::{grid::Found, query::Answer},
    rest::problem::Problem,
};
use ::parquet::{
    basic::Compression,
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use axum::{
    Extension,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use farol_model::Fault;
use http::header;
use std::sync::Arc;

/// What a row is. Its words are those that readers know of old (the logical types of the format).
const SCHEMA: &str = "message farol {
    REQUIRED INT64 time (TIMESTAMP(MILLIS,true));
    REQUIRED BYTE_ARRAY channel (STRING);
    REQUIRED BYTE_ARRAY series (STRING);
    REQUIRED BYTE_ARRAY unit (STRING);
    REQUIRED DOUBLE min;
    REQUIRED DOUBLE max;
    REQUIRED DOUBLE mean;
    REQUIRED DOUBLE last;
    REQUIRED INT64 count;
}";
/// Rows that are gathered before they are written: what bounds the memory beside the answer and the file.
const GROUP_ROWS: usize = 65_536;

/// The same as Parquet: a row for each point and series that has values, in groups of 65,536 rows, packed with Snappy.
#[utoipa::path(
    get, path = "/api/v1/export.parquet", tag = "history", operation_id = "exportParquet",
    params(
        ("match" = Vec<String>, Query, description = "As with query_range"),
        ("start" = String, Query, description = "As with query_range"),
        ("end" = Option<String>, Query, description = "As with query_range"),
        ("step" = Option<String>, Query, description = "As with query_range"),
    ),
    responses((status = 200, description = "time (TIMESTAMP, milliseconds UTC), channel, series, unit (STRING), min, max, mean, last (DOUBLE), count (INT64)",
        body = Vec<u8>, content_type = "application/vnd.apache.parquet"))
)]
pub async fn export_parquet(
    State(past): State<Past>,
    identity: Option<Extension<Identity>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let written = past.answer(identity, query.as_deref(), |answer| {
        write(&answer, GROUP_ROWS).map_err(|error| {
            tracing::error!(%error, "an answer could not be written as Parquet");
            Fault::internal()
        })
    });
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.apache.parquet"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"farol.parquet\"",
        ),
    ];
    Ok((headers, written.await?).into_response())
}

fn write(answer: &Answer, group_rows: usize) -> Result<Vec<u8>, ParquetError> {
    // Dictionaries are what is made of columns when nobody says otherwise: names are there once in each group.
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("farol version ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let times = answer.grid.times_ms();
    let mut rows = Rows::default();
    for found in &answer.series {
        let names = names(found);
        for (at, count) in found.count.iter().enumerate().filter(|(_, count)| **count > 0) {
            rows.times.push(times[at]);
            for (column, name) in rows.names.iter_mut().zip(&names) {
                column.push(name.clone());
            }
            let values = [found.min[at], found.max[at], found.mean[at], found.last[at]];
            for (column, value) in rows.values.iter_mut().zip(values) {
                column.push(value);
            }
            rows.counts.push(i64::try_from(*count).unwrap_or(i64::MAX));
            if rows.times.len() >= group_rows {
                std::mem::take(&mut rows).write(&mut writer)?;
            }
        }
    }
    if !rows.times.is_empty() {
        rows.write(&mut writer)?;
    }
    writer.into_inner()
}

/// Channel, series and unit.
fn names(found: &Found) -> [ByteArray; 3] {
    let spec = &found.series.spec;
    [
        found.series.channel.as_ref(),
        spec.key().as_str(),
        &super::unit_word(spec),
    ]
    .map(|name| ByteArray::from(name.as_bytes().to_vec()))
}

/// Rows of one group, column by column.
#[derive(Default)]
struct Rows {
    times: Vec<i64>,
    names: [Vec<ByteArray>; 3],
    values: [Vec<f64>; 4],
    counts: Vec<i64>,
}

impl Rows {
    /// Writes a group.
    fn write(self, writer: &mut SerializedFileWriter<Vec<u8>>) -> Result<(), ParquetError> {
        let mut group = writer.next_row_group()?;
        let mut numbers = [&self.times, &self.counts].into_iter();
        let (mut names, mut values) = (self.names.iter(), self.values.iter());
        while let Some(mut column) = group.next_column()? {
            match column.untyped() {
                ColumnWriter::Int64ColumnWriter(writer) => {
                    writer.write_batch(numbers.next().map_or(&[][..], Vec::as_slice), None, None)?
                }
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    writer.write_batch(names.next().map_or(&[][..], Vec::as_slice), None, None)?
                }
                ColumnWriter::DoubleColumnWriter(writer) => {
                    writer.write_batch(values.next().map_or(&[][..], Vec::as_slice), None, None)?
                }
                _ => return Err(ParquetError::General("a column of another kind".to_owned())),
            };
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{grid::Grid, registry::Series};
    use ::parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };
    use bytes::Bytes;
    use farol_model::metric::{MetricSpec, Unit};

    fn found(name: &str, values: &[f64]) -> Found {
        let column = |add: f64| values.iter().map(|value| value + add).collect();
        Found {
            series: Arc::new(Series {
                id: 1,
                channel_id: 1,
                channel: "metrics/local/x".into(),
                spec: MetricSpec::gauge(name, Unit::BytesPerSecond, "c", "t", "h").label("device", "é,\"a"),
            }),
            min: column(-1.0),
            max: column(1.0),
            mean: column(0.25),
            last: column(0.0),
            count: values
                .iter()
                .map(|value| u64::from(value.is_finite()) * 3)
                .collect(),
        }
    }

    #[test]
    fn what_was_written_is_read_again_group_by_group() {
        let answer = Answer {
            grid: Grid::over(1_790_000_000_000, 1_790_000_050_000, 10_000),
            series: vec![
                found("a", &[1.0, f64::NAN, 3.0, 4.0, 5.0]),
                found("b", &[f64::NAN; 5]),
                found("c", &[-0.5, 1e300, 0.1, 7.0, 8.0]),
            ],
        };
        let file = Bytes::from(write(&answer, 4).unwrap());
        let reader = SerializedFileReader::new(file).unwrap();
        let groups: Vec<i64> = reader
            .metadata()
            .row_groups()
            .iter()
            .map(|group| group.num_rows())
            .collect();
        assert_eq!(groups, [4, 4, 1]);
        let by = reader.metadata().file_metadata().created_by();
        assert!(by.unwrap().starts_with("farol version "), "{by:?}");
        let rows: Vec<Vec<(String, Field)>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| {
                row.unwrap()
                    .get_column_iter()
                    .map(|(name, field)| (name.clone(), field.clone()))
                    .collect()
            })
            .collect();
        assert_eq!(rows.len(), 9);
        let names: Vec<&str> = rows[0].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "time", "channel", "series", "unit", "min", "max", "mean", "last", "count"
            ]
        );
        let fields = |row: usize| {
            rows[row]
                .iter()
                .map(|(_, field)| field.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            fields(1),
            [
                Field::TimestampMillis(1_790_000_020_000),
                Field::Str("metrics/local/x".into()),
                Field::Str("a{device=\"é,\\\"a\"}".into()),
                Field::Str("bytes_per_second".into()),
                Field::Double(2.0),
                Field::Double(4.0),
                Field::Double(3.25),
                Field::Double(3.0),
                Field::Long(3),
            ]
        );
        assert_eq!(fields(5)[7], Field::Double(1e300));
    }

    #[test]
    fn an_answer_without_values_is_a_file_without_rows() {
        let answer = Answer {
            grid: Grid::over(0, 10_000, 10_000),
            series: Vec::new(),
        };
        let reader = SerializedFileReader::new(Bytes::from(write(&answer, 4).unwrap())).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
