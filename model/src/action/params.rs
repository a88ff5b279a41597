//! Values of parameters. A sorted list: there are a handful, and a tree would cost the browser 20 KB of code.

use crate::json::{FromJson, Json, Mismatch};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use std::fmt;

/// Parameter values by name, as text, in the order of the names. A JSON object; of two equal keys the last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    pub const fn new() -> Self {
        Params(Vec::new())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, name: &str) -> Option<&String> {
        let at = self.place(name).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Sets a value; the answer is the one before.
    pub fn insert(&mut self, name: String, value: String) -> Option<String> {
        match self.place(&name) {
            Ok(at) => self.0.get_mut(at).map(|(_, old)| std::mem::replace(old, value)),
            Err(at) => {
                self.0.insert(at, (name, value));
                None
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(name, _)| name)
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
}

impl FromIterator<(String, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut params = Params::new();
        for (name, value) in pairs {
            params.insert(name, value);
        }
        params
    }
}

impl IntoIterator for Params {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<const N: usize> From<[(String, String); N]> for Params {
    fn from(pairs: [(String, String); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl FromJson for Params {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        let mut params = Params::new();
        for (name, value) in json.object()? {
            params.insert(name, value.text()?);
        }
        Ok(params)
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Params;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
                let mut params = Params::new();
                while let Some((name, value)) = map.next_entry()? {
                    params.insert(name, value);
                }
                Ok(params)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn names_are_in_order_and_the_last_value_counts() {
        let mut params = Params::from([pair("b", "2"), pair("a", "1"), pair("b", "3")]);
        let names: Vec<_> = params.keys().cloned().collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(params.insert("a".into(), "9".into()), Some("1".into()));
        assert_eq!((params.get("a"), params.get("c")), (Some(&"9".to_owned()), None));
    }

    #[test]
    fn it_is_an_object_in_json_and_nothing_else_is_taken() {
        let params = Params::from([pair("b", "2"), pair("a", "1")]);
        let text = serde_json::to_string(&params).unwrap();
        assert_eq!(text, r#"{"a":"1","b":"2"}"#);
        assert_eq!(serde_json::from_str::<Params>(&text).unwrap(), params);
        for bad in [r#"{"a":1}"#, r#"["a"]"#, r#""a""#] {
            assert!(serde_json::from_str::<Params>(bad).is_err(), "{bad}");
        }
    }
}
