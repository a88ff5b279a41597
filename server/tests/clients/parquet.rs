//! What DuckDB, which nobody here wrote, reads from a Parquet file of ours: what the CSV says.

use crate::{common::TestServer, process::python};
use reqwest::header;
use serde_json::{Value, json};
use std::future::ready;

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_reads_the_same_from_parquet_as_the_csv_says() {
    let server = TestServer::start().await;
    let token = server.token("viewer").await;
    let mut headers = header::HeaderMap::new();
    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let client = server.client().default_headers(headers).build().unwrap();
    let start = farol::time::now_ms() / 1000 - 60;
    let lines = |text: &str| text.lines().count() > 4;
    let used = format!("/api/v1/export.csv?match=memory_used_bytes&start={start}&step=1");
    server.until(&client, &used, lines).await;
    // A time that is over, so that both say the same.
    let end = farol::time::now_ms() / 1000;
    let asked = format!("match=memory_used_bytes&match=cpu_usage_percent&start={start}&end={end}&step=1");
    let get = async |format: &str| {
        let answer = client
            .get(server.url(&format!("/api/v1/export.{format}?{asked}")))
            .send();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200, "{format}");
        (answer.headers().clone(), answer.bytes().await.unwrap())
    };
    let (_, csv) = get("csv").await;
    let (headers, parquet) = get("parquet").await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/vnd.apache.parquet");
    assert_eq!(
        headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"farol.parquet\""
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &parquet).unwrap();
    let read = python("parquet.py", &[file.path().to_str().unwrap()], ready(())).await;
    assert_eq!(
        read["columns"],
        json!([
            ["time", "TIMESTAMP WITH TIME ZONE"],
            ["channel", "VARCHAR"],
            ["series", "VARCHAR"],
            ["unit", "VARCHAR"],
            ["min", "DOUBLE"],
            ["max", "DOUBLE"],
            ["mean", "DOUBLE"],
            ["last", "DOUBLE"],
            ["count", "BIGINT"]
        ])
    );
    assert_eq!(read["packed"], json!([["SNAPPY"]]));
    let csv = String::from_utf8(csv.to_vec()).unwrap();
    let told: Vec<Vec<&str>> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    let rows = read["rows"].as_array().unwrap();
    assert!(rows.len() >= 4 && rows.len() == told.len(), "{read}\n{csv}");
    for (row, told) in rows.iter().zip(told) {
        let time = ::time::OffsetDateTime::parse(told[0], &::time::format_description::well_known::Rfc3339);
        assert_eq!(row[0], Value::from(time.unwrap().unix_timestamp() * 1000));
        assert_eq!(
            (row[1].as_str(), row[2].as_str(), row[3].as_str()),
            (Some(told[1]), Some(told[2]), Some(told[3]))
        );
        for column in 4..8 {
            let (read, told) = (
                row[column].as_f64().unwrap(),
                told[column].parse::<f64>().unwrap(),
            );
            // JSON is read to within the last bit.
            assert!((read - told).abs() <= 1e-12 * told.abs(), "{row} {column}");
        }
        assert_eq!(row[8].as_u64().unwrap().to_string(), told[8]);
    }
    let refused = client
        .get(server.url("/api/v1/export.parquet?match=a{&start=1"))
        .send()
        .await;
    assert_eq!(refused.unwrap().status(), 422);
    assert_eq!(
        server.status(&format!("/api/v1/export.parquet?{asked}")).await,
        401
    );
    server.stop().await;
}
