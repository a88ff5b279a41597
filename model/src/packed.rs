//! Serde helpers: rows and history inside JSON as Protobuf in Base64 (RFC 4648 section 4). About half the size of their JSON,
//! exact to the last bit, and the browser needs one reader for them, not two.

use crate::{
    json::{Json, Mismatch},
    process::{ProcessRow, ProcessUpdate},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use prost::Message;
use serde::Serializer;

/// Writes any message.
pub fn serialize<T: Message, S: Serializer>(message: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(message.encode_to_vec()))
}

/// Takes any message out of a tree.
///
/// # Errors
/// Not Base64, or not this message.
pub fn from_json<T: Message + Default>(json: Json) -> Result<T, Mismatch> {
    let wrong = |error: &dyn std::fmt::Display| Mismatch::new(&[&error.to_string()]);
    let bytes = STANDARD.decode(json.text()?).map_err(|error| wrong(&error))?;
    T::decode(bytes.as_slice()).map_err(|error| wrong(&error))
}

/// For a field that is a list of rows.
pub mod rows {
    use super::*;

    pub fn from_json(json: Json) -> Result<Vec<ProcessRow>, Mismatch> {
        let table: ProcessUpdate = super::from_json(json)?;
        Ok(table.rows)
    }

    pub fn serialize<S: Serializer>(rows: &[ProcessRow], serializer: S) -> Result<S::Ok, S::Error> {
        let table = ProcessUpdate {
            t_ms: 0,
            whole: true,
            rows: rows.to_vec(),
            gone: Vec::new(),
        };
        super::serialize(&table, serializer)
    }
}

#[cfg(test)]
mod tests {
    use crate::{process::ProcessRow, sample::ChannelView};
    use serde::Serialize;

    #[derive(Debug, PartialEq, Serialize)]
    struct Page {
        #[serde(serialize_with = "super::rows::serialize")]
        rows: Vec<ProcessRow>,
        channel: ChannelView,
    }

    crate::fields!(Page { rows by super::rows::from_json, channel });

    #[test]
    fn what_is_packed_is_unpacked_as_it_was() {
        let page = Page {
            rows: vec![ProcessRow {
                pid: 7,
                name: "a".into(),
                ..Default::default()
            }],
            channel: ChannelView {
                channel: "metrics/local/cpu".into(),
                offset: 9,
                ..Default::default()
            },
        };
        let text = serde_json::to_string(&page).unwrap();
        assert_eq!(serde_json::from_str::<Page>(&text).unwrap(), page);
    }

    #[test]
    fn what_is_not_packed_is_an_error() {
        for bad in [r#"{"rows":"%%","channel":""}"#, r#"{"rows":"/w==","channel":""}"#] {
            assert!(serde_json::from_str::<Page>(bad).is_err(), "{bad}");
        }
    }
}
