//! Enums of plain words: one list gives `ALL`, `as_str`, `parse` and the form in JSON, so that they cannot differ. Reading
//! goes through text, in a few hundred bytes of wasm where a derived reader takes two thousand.

use crate::json::Mismatch;
use serde::{Deserialize, Deserializer, de::Error};

/// Reads a word. What [`words!`](crate::words!) calls.
///
/// # Errors
/// Not text, or not a word of this enum.
pub fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| D::Error::custom(unknown(&text)))
}

/// What is said of a word that is none of an enum's.
pub fn unknown(word: &str) -> Mismatch {
    Mismatch::new(&["`", word, "` is not a word that belongs here"])
}

/// The schema of an enum of words, where schemas are wanted. What [`words!`](crate::words!) calls.
#[cfg(feature = "schema")]
#[macro_export]
#[doc(hidden)]
macro_rules! words_schema {
    ($type:ident { $($word:literal),+ }) => {
        impl $crate::schema::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut $crate::schema::SchemaGenerator) -> $crate::schema::Schema {
                $crate::schema::words(&[$($word),+])
            }
        }
    };
}

#[cfg(not(feature = "schema"))]
#[macro_export]
#[doc(hidden)]
macro_rules! words_schema {
    ($($nothing:tt)*) => {};
}

/// Gives an enum without data its words, in display order.
#[macro_export]
macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// All of them, in display order.
            pub const ALL: [$type; [$($word),+].len()] = [$($type::$variant),+];

            /// The word in JSON, in files and in addresses.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($type::$variant => $word),+
                }
            }

            /// The one with this word.
            pub fn parse(text: &str) -> Option<Self> {
                $type::ALL.into_iter().find(|one| one.as_str() == text)
            }
        }

        $crate::words_schema!($type { $($word),+ });

        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl $crate::json::FromJson for $type {
            fn from_json(json: $crate::json::Json) -> Result<Self, $crate::json::Mismatch> {
                let word = json.text()?;
                $type::parse(&word).ok_or_else(|| $crate::words::unknown(&word))
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::words::read(deserializer, $type::parse)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::{FaultCode, Permission, Role, action::RunStatus};

    #[test]
    fn every_word_is_written_and_read_back() {
        for status in RunStatus::ALL {
            let text = serde_json::to_string(&status).unwrap();
            assert_eq!(text, format!("\"{}\"", status.as_str()));
            assert_eq!(serde_json::from_str::<RunStatus>(&text).unwrap(), status);
        }
        assert_eq!(Role::parse("admin"), Some(Role::Admin));
        assert_eq!(
            serde_json::to_string(&Permission::ViewMetrics).unwrap(),
            r#""view_metrics""#
        );
    }

    #[test]
    fn another_word_is_an_error_that_names_it() {
        let error = serde_json::from_str::<FaultCode>(r#""exploded""#).unwrap_err();
        assert!(error.to_string().contains("exploded"), "{error}");
        assert!(serde_json::from_str::<FaultCode>("7").is_err());
    }
}
