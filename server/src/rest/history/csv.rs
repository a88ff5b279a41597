//! The past as CSV.

use super::Past;
use crate::{access::Identity, history::query::Answer, rest::problem::Problem};
use axum::{
    Extension,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::header;
use std::fmt::Write;

/// The same as CSV: a row for each point and series that has values. RFC 4180; the first line names the columns.
#[utoipa::path(
    get, path = "/api/v1/export.csv", tag = "history", operation_id = "exportCsv",
    params(
        ("match" = Option<Vec<String>>, Query, description = "As with query_range"),
        ("expr" = Option<String>, Query, description = "As with query_range"),
        ("start" = String, Query, description = "As with query_range"),
        ("end" = Option<String>, Query, description = "As with query_range"),
        ("step" = Option<String>, Query, description = "As with query_range"),
    ),
    responses((status = 200, description = "time,channel,series,unit,min,max,mean,last,count", body = String, content_type = "text/csv"))
)]
pub async fn export_csv(
    State(past): State<Past>,
    identity: Option<Extension<Identity>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let answer = past
        .answer(identity, query.as_deref(), |answer| Ok(csv(&answer)))
        .await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"farol.csv\""),
    ];
    Ok((headers, answer).into_response())
}

/// One line for each point and series that has values.
fn csv(answer: &Answer) -> String {
    let mut text = String::from("time,channel,series,unit,min,max,mean,last,count\r\n");
    let times: Vec<String> = answer.grid.times_ms().into_iter().map(written).collect();
    for found in &answer.series {
        let spec = &found.series.spec;
        let names = [
            found.series.channel.as_ref(),
            &spec.key(),
            &super::unit_word(spec),
        ]
        .map(quoted);
        let names = names.join(",");
        for (at, count) in found.count.iter().enumerate().filter(|(_, count)| **count > 0) {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "{},{names},{},{},{},{},{count}\r\n",
                times[at], found.min[at], found.max[at], found.mean[at], found.last[at]
            );
        }
    }
    text
}

fn written(t_ms: i64) -> String {
    use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
    let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(t_ms) * 1_000_000).ok();
    // A year that RFC 3339 cannot write.
    date.and_then(|date| date.format(&Rfc3339).ok())
        .unwrap_or_else(|| t_ms.to_string())
}

/// RFC 4180 section 2. A field that a spreadsheet would take for a formula is shown as text.
fn quoted(field: &str) -> String {
    let field = match field.starts_with(['=', '+', '-', '@']) {
        true => format!("'{field}"),
        false => field.to_owned(),
    };
    match field.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_csv_are_quoted_where_they_must_be() {
        assert_eq!(quoted("a{b=\"c\"}"), "\"a{b=\"\"c\"\"}\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("plain"), "plain");
    }

    #[test]
    fn times_are_written_as_dates() {
        assert_eq!(written(1_790_000_000_500), "2026-09-21T14:13:20.5Z");
    }
}
