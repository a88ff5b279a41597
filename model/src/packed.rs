//! Serde helpers: rows and history inside JSON as Protobuf in Base64 (RFC 4648 section 4). About half the size of their JSON,
//! exact to the last bit, and the browser needs one reader for them, not two.

use crate::process::{ProcessRow, ProcessUpdate};
use base64::{Engine, engine::general_purpose::STANDARD};
use prost::Message;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Writes any message.
pub fn serialize<T: Message, S: Serializer>(message: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(message.encode_to_vec()))
}

/// Reads any message.
///
/// # Errors
/// Not Base64, or not this message.
pub fn deserialize<'de, T: Message + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
    T::decode(bytes.as_slice()).map_err(D::Error::custom)
}

/// For a field that is a list of rows.
pub mod rows {
    use super::*;

    pub fn serialize<S: Serializer>(rows: &[ProcessRow], serializer: S) -> Result<S::Ok, S::Error> {
        let table = ProcessUpdate {
            t_ms: 0,
            whole: true,
            rows: rows.to_vec(),
            gone: Vec::new(),
        };
        super::serialize(&table, serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ProcessRow>, D::Error> {
        let table: ProcessUpdate = super::deserialize(deserializer)?;
        Ok(table.rows)
    }
}

#[cfg(test)]
mod tests {
    use crate::{process::ProcessRow, sample::ChannelView};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Page {
        #[serde(with = "super::rows")]
        rows: Vec<ProcessRow>,
        channel: ChannelView,
    }

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
