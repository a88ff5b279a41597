//! JSON schemas of what travels, from which `farol asyncapi` makes docs/asyncapi.yaml. Only with the feature `schema`, which
//! the server has and the browser does not: the words above derive theirs, and here are those that no derive can know.

use crate::{
    action::Params,
    wire::codec::{RawJson, Text},
};
use schemars::json_schema;
pub use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use std::borrow::Cow;

/// One of some words.
pub fn words(words: &[&str]) -> Schema {
    json_schema!({"type": "string", "enum": words})
}

impl JsonSchema for RawJson {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RawJson".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"description": "Any JSON value. Under Protobuf: bytes, see the message of the channel."})
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

impl JsonSchema for Params {
    fn schema_name() -> Cow<'static, str> {
        "Params".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Values by the names of the action's parameters, all as text.",
            "type": "object",
            "additionalProperties": {"type": "string"},
        })
    }
}
