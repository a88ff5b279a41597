//! What numbers, texts, lists and the like are in JSON. Whole numbers that do not fit are refused, never cut.

use super::{FromJson, Json, Mismatch};

impl FromJson for Json {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        Ok(json)
    }
}

impl FromJson for () {
    fn from_json(_: Json) -> Result<Self, Mismatch> {
        Ok(())
    }
}

impl FromJson for bool {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        match json {
            Json::Bool(value) => Ok(value),
            other => Err(other.not("a boolean")),
        }
    }
}

impl FromJson for String {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        json.text()
    }
}

impl FromJson for f64 {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        match json {
            Json::Fraction(value) => Ok(value),
            Json::Whole(value) => Ok(value as f64),
            Json::Large(value) => Ok(value as f64),
            other => Err(other.not("a number")),
        }
    }
}

macro_rules! whole {
    ($($type:ident)+) => {
        $(impl FromJson for $type {
            fn from_json(json: Json) -> Result<Self, Mismatch> {
                let fits = match &json {
                    Json::Whole(value) => $type::try_from(*value).ok(),
                    Json::Large(value) => $type::try_from(*value).ok(),
                    _ => None,
                };
                fits.ok_or_else(|| json.not(stringify!($type)))
            }
        })+
    };
}

whole!(u32 u64 i32 i64);

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        match json {
            Json::Null => Ok(None),
            other => T::from_json(other).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        let mut items = Vec::new();
        for item in json.list()? {
            items.push(T::from_json(item)?);
        }
        Ok(items)
    }
}

impl<A: FromJson, B: FromJson> FromJson for (A, B) {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        let pair: Result<[Json; 2], _> = json.list()?.try_into();
        match pair {
            Ok([first, second]) => Ok((A::from_json(first)?, B::from_json(second)?)),
            Err(items) => Err(Json::List(items).not("a pair")),
        }
    }
}

impl<T: FromJson, E: FromJson> FromJson for Result<T, E> {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        let mut fields = json.object()?;
        match fields.find("Ok") {
            Some(value) => T::from_json(value).map(Ok),
            None => fields.take("Err").map(Err),
        }
    }
}
