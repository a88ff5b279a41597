//! JSON between the server and its pages: of server functions, of what a page brings along, of channels. Read as one tree, see
//! [`farol_model::json`].

use bytes::Bytes;
use farol_model::json::{self, FromJson, Mismatch};
use leptos::server::codee::{Decoder, Encoder};
use serde::Serialize;
use server_fn::{ContentType, Decodes, Encodes, Format, FormatType, codec::Post};

/// What server functions, their errors and resources are written in.
pub struct JsonText;

/// Answers of server functions.
pub type Json = Post<JsonText>;

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(output).map(Bytes::from)
    }
}

impl<T: FromJson> Decodes<T> for JsonText {
    type Error = Mismatch;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        read(&bytes)
    }
}

impl<T: Serialize> Encoder<T> for JsonText {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, Self::Error> {
        serde_json::to_string(value)
    }
}

impl<T: FromJson> Decoder<T> for JsonText {
    type Error = Mismatch;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, Mismatch> {
        json::read(text)
    }
}

/// # Errors
/// Not JSON, not of this type, or not UTF-8.
pub fn read<T: FromJson>(bytes: &[u8]) -> Result<T, Mismatch> {
    let text = std::str::from_utf8(bytes).map_err(|_| Mismatch::new(&["this is no text"]))?;
    json::read(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        assert!(read::<String>(b"\"\xff\"").is_err());
        assert_eq!(read::<String>(b"\"x\"").unwrap(), "x");
    }
}
