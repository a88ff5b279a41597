//! The query of a page, as the server reads it.

/// Its pairs, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked(Vec<(String, String)>);

impl Asked {
    /// With or without `?`.
    pub fn read(query: &str) -> Asked {
        let pairs = form_urlencoded::parse(query.trim_start_matches('?').as_bytes());
        Asked(pairs.into_owned().collect())
    }

    /// The first value of a name; nothing when there is none.
    pub fn one(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_come_twice_and_values_are_decoded() {
        let asked = Asked::read("?p=a%20b&p=c+d&range=1h&empty");
        assert_eq!(asked.all("p").collect::<Vec<_>>(), ["a b", "c d"]);
        assert_eq!(
            (asked.one("range"), asked.one("empty"), asked.one("none")),
            ("1h", "", "")
        );
    }
}
