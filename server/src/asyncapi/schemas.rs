//! JSON schemas of the types that travel. What the server sends is described as it is written, what it takes as it is read:
//! a field that has a default may be left out of the one and never is of the other.

use farol_model::schema::{JsonSchema, SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value};

/// Both directions.
pub struct Schemas {
    sent: SchemaGenerator,
    taken: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = || {
            SchemaSettings::draft07()
                .with(|settings| settings.definitions_path = "/components/schemas".into())
        };
        Schemas {
            sent: settings().for_serialize().into_generator(),
            taken: settings().for_deserialize().into_generator(),
        }
    }
}

impl Schemas {
    /// A reference to the schema of what the server sends.
    pub fn sent<T: JsonSchema>(&mut self) -> Value {
        self.sent.subschema_for::<T>().to_value()
    }

    /// A reference to the schema of what the server takes.
    pub fn taken<T: JsonSchema>(&mut self) -> Value {
        self.taken.subschema_for::<T>().to_value()
    }

    /// A schema that was referred to.
    pub fn named(&self, name: &str) -> Option<&Value> {
        self.sent
            .definitions()
            .get(name)
            .or_else(|| self.taken.definitions().get(name))
    }

    /// All of them, by name.
    pub fn finish(mut self) -> Map<String, Value> {
        let mut all = self.taken.take_definitions(true);
        all.extend(self.sent.take_definitions(true));
        all
    }
}

#[cfg(test)]
mod tests {
    use crate::asyncapi::document;

    #[test]
    fn a_type_of_both_directions_is_described_alike_in_both() {
        // `finish` keeps one of two with the same name, so there must be no difference between them.
        let mut schemas = super::Schemas::default();
        let mut nothing = Default::default();
        crate::asyncapi::protocol::describe(&mut schemas, &mut nothing, &mut Default::default());
        for (name, sent) in schemas.sent.definitions() {
            if let Some(taken) = schemas.taken.definitions().get(name) {
                assert_eq!(sent, taken, "{name}");
            }
        }
        assert!(
            document()["components"]["schemas"]
                .as_object()
                .is_some_and(|all| all.len() > 50)
        );
    }
}
