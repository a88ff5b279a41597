//! JSON that the browser reads. Text becomes one tree, and types take their fields out of it by name. A derived reader brings
//! two to five thousand bytes of wasm per type; this one brings a few hundred.
//!
//! A type that a page or a channel carries gets its reader from [`fields!`](crate::fields!), which gives it serde's `Deserialize` too, so
//! both sides read alike: a field that is missing is an error unless its type is an `Option`, a field that is not known is
//! skipped.

mod kinds;
mod tree;

use serde::{Deserialize, Deserializer};

/// A value as it was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Whole(i64),
    /// A whole number above all `i64`.
    Large(u64),
    Fraction(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Text that is not JSON, or JSON that is not what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(String);

/// What can be read from JSON.
#[diagnostic::on_unimplemented(note = "list the fields of the type with `farol_model::fields!`")]
pub trait FromJson: Sized {
    /// # Errors
    /// It is something else.
    fn from_json(json: Json) -> Result<Self, Mismatch>;

    /// What a missing field of this type means; None where it must not be missing.
    fn absent() -> Option<Self> {
        None
    }
}

/// Reads a text.
///
/// # Errors
/// Not JSON, or not of this type.
pub fn read<T: FromJson>(text: &str) -> Result<T, Mismatch> {
    T::from_json(Json::parse(text)?)
}

/// Reads through a serde reader. What [`fields!`](crate::fields!) calls.
///
/// # Errors
/// Not JSON, or not of this type.
pub fn deserialize<'de, T: FromJson, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::from_json(Json::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

impl Json {
    fn parse(text: &str) -> Result<Json, Mismatch> {
        serde_json::from_str(text).map_err(|error| Mismatch(error.to_string()))
    }

    /// # Errors
    /// It is no text.
    pub fn text(self) -> Result<String, Mismatch> {
        match self {
            Json::Text(text) => Ok(text),
            other => Err(other.not("a text")),
        }
    }

    /// # Errors
    /// It is no list.
    pub fn list(self) -> Result<Vec<Json>, Mismatch> {
        match self {
            Json::List(items) => Ok(items),
            other => Err(other.not("a list")),
        }
    }

    /// # Errors
    /// It is no object.
    pub fn object(self) -> Result<Fields, Mismatch> {
        match self {
            Json::Object(fields) => Ok(Fields(fields)),
            other => Err(other.not("an object")),
        }
    }

    fn not(&self, expected: &str) -> Mismatch {
        let found = match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Whole(_) | Json::Large(_) | Json::Fraction(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        };
        Mismatch::new(&["expected ", expected, ", found ", found])
    }
}

impl Mismatch {
    /// A message in pieces.
    pub fn new(pieces: &[&str]) -> Self {
        Mismatch(pieces.concat())
    }

    fn of_field(self, name: &str) -> Self {
        Mismatch::new(&["the field ", name, ": ", &self.0])
    }
}

/// The fields of an object that have not been taken yet.
pub struct Fields(Vec<(String, Json)>);

impl Fields {
    /// The field of this name.
    ///
    /// # Errors
    /// It is missing and must not be, or it is something else.
    pub fn take<T: FromJson>(&mut self, name: &str) -> Result<T, Mismatch> {
        match self.find(name) {
            Some(json) => T::from_json(json).map_err(|error| error.of_field(name)),
            None => T::absent().ok_or_else(|| Mismatch::new(&["the field ", name, " is missing"])),
        }
    }

    /// The field of this name, or the default when it is missing.
    ///
    /// # Errors
    /// It is something else.
    pub fn take_or_default<T: FromJson + Default>(&mut self, name: &str) -> Result<T, Mismatch> {
        let taken: Option<T> = self.take(name)?;
        Ok(taken.unwrap_or_default())
    }

    /// The field of this name by a reader of its own.
    ///
    /// # Errors
    /// It is missing, or it is something else.
    pub fn take_by<T>(&mut self, name: &str, read: fn(Json) -> Result<T, Mismatch>) -> Result<T, Mismatch> {
        read(self.find(name).unwrap_or(Json::Null)).map_err(|error| error.of_field(name))
    }

    fn find(&mut self, name: &str) -> Option<Json> {
        // Of two of one name the last counts.
        let at = self.0.iter().rposition(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }
}

impl IntoIterator for Fields {
    type Item = (String, Json);
    type IntoIter = std::vec::IntoIter<(String, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Gives a struct its reader, field by field. `field or default` may be missing; `field by path` has a reader of its own.
#[macro_export]
macro_rules! fields {
    ($type:ident { $($field:ident $($how:ident $($path:ident)::+)?),+ $(,)? }) => {
        impl $crate::json::FromJson for $type {
            fn from_json(json: $crate::json::Json) -> Result<Self, $crate::json::Mismatch> {
                let mut fields = json.object()?;
                Ok($type {
                    $($field: $crate::fields!(@take fields $field $($how $($path)::+)?)),+
                })
            }
        }

        $crate::through_json!($type);
    };
    (@take $fields:ident $field:ident) => { $fields.take(stringify!($field))? };
    (@take $fields:ident $field:ident by $($path:ident)::+) => { $fields.take_by(stringify!($field), $($path)::+)? };
    (@take $fields:ident $field:ident or default) => { $fields.take_or_default(stringify!($field))? };
}

/// Gives a type that can be read from JSON serde's `Deserialize`.
#[macro_export]
macro_rules! through_json {
    ($type:ident) => {
        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::deserialize(deserializer)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    #[derive(Debug, PartialEq, Serialize)]
    struct Row {
        name: String,
        size: u32,
        share: f64,
        note: Option<String>,
        tags: Vec<(String, i64)>,
        times: u64,
    }

    fields!(Row { name, size, share, note, tags or default, times by twice });

    fn twice(json: Json) -> Result<u64, Mismatch> {
        u64::from_json(json).map(|value| value * 2)
    }

    fn wrong(text: &str) -> String {
        read::<Row>(text).unwrap_err().to_string()
    }

    #[test]
    fn fields_are_found_by_name_and_others_are_skipped() {
        let text = r#"{"more":{"a":[null]},"tags":[["x",-1]],"share":2,"size":7,"name":"n\n","times":4}"#;
        let row = Row {
            name: "n\n".into(),
            size: 7,
            share: 2.0,
            note: None,
            tags: vec![("x".into(), -1)],
            times: 8,
        };
        assert_eq!(read::<Row>(text), Ok(row));
        let serde: Row = serde_json::from_str(text).unwrap();
        assert_eq!(Ok(serde), read(text), "both ways read alike");
        assert!(read::<Row>(r#"{"name":"n","size":7,"share":0.5,"times":1}"#).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(wrong(r#"{"name":"n"}"#), "the field size is missing");
        assert_eq!(
            wrong(r#"{"name":"n","size":-1}"#),
            "the field size: expected u32, found a number"
        );
        assert_eq!(
            wrong(r#"{"name":"n","size":1,"share":1,"tags":[["x"]]}"#),
            "the field tags: expected a pair, found a list"
        );
        assert_eq!(wrong("[]"), "expected an object, found a list");
        assert!(wrong("{").contains("EOF"), "{}", wrong("{"));
        let deep = "[".repeat(100_000);
        assert!(wrong(&deep).contains("recursion limit"), "{}", wrong(&deep));
    }

    #[test]
    fn numbers_keep_every_digit() {
        assert_eq!(read::<u64>("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(read::<i64>("-9223372036854775808"), Ok(i64::MIN));
        assert!(read::<i64>("9223372036854775808").is_err());
        assert!(read::<u32>("1.5").is_err());
    }

    #[test]
    fn a_tree_is_written_as_it_was_read() {
        let text = r#"{"a":[null,true,1,-2,0.5,18446744073709551615,"x"],"b":{}}"#;
        let tree: Json = read(text).unwrap();
        assert_eq!(serde_json::to_string(&tree).unwrap(), text);
    }

    #[test]
    fn an_answer_is_good_or_bad() {
        assert_eq!(read::<Result<u32, String>>(r#"{"Ok":1}"#), Ok(Ok(1)));
        assert_eq!(
            read::<Result<u32, String>>(r#"{"Err":"no"}"#),
            Ok(Err("no".into()))
        );
        assert!(read::<Result<u32, String>>("{}").is_err());
    }
}
