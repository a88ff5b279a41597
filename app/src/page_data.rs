//! What a page reads from the server, once per visit. It crosses as JSON text and is read where it is shown, so resources,
//! server functions and waiting are compiled once for all pages and not once per type.

use crate::prelude::*;
use crate::{error::AppError, json::JsonText, pages::error::Trouble, ui::skeleton::Skeleton};
use farol_model::{
    Fault,
    json::{self, FromJson, Json, Mismatch},
};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::{any::Any, future::Future, pin::Pin, sync::Arc};

/// Any value that can be written as JSON.
#[derive(Clone)]
pub struct PageData(Held);

#[derive(Clone)]
enum Held {
    /// On the side that made it: its text, and the value itself, so that drawing there reads nothing.
    Made {
        text: Arc<RawValue>,
        value: Arc<dyn Any + Send + Sync>,
    },
    /// On the other side.
    Came(Arc<Json>),
}

/// What a server function of a page answers.
pub type Answer = Result<PageData, AppError>;

impl PageData {
    /// # Errors
    /// [`Fault::internal`] when the value has no JSON form, e.g. a map whose keys are no text.
    pub fn of<T: Serialize + Send + Sync + 'static>(value: T) -> Answer {
        let text = serde_json::value::to_raw_value(&value).map_err(|_| Fault::internal())?;
        Ok(PageData(Held::Made {
            text: text.into(),
            value: Arc::new(value),
        }))
    }

    /// The value of the type it was made from.
    ///
    /// # Errors
    /// [`AppError::Transport`] when the text is of another type: the page is older or newer than the server.
    pub fn read<T: FromJson + Clone + 'static>(&self) -> Result<T, AppError> {
        let read = match &self.0 {
            Held::Made { text, value } => match value.downcast_ref::<T>() {
                Some(value) => Ok(value.clone()),
                None => json::read(text.get()),
            },
            Held::Came(tree) => T::from_json(Json::clone(tree)),
        };
        read.map_err(other_version)
    }
}

fn other_version(error: Mismatch) -> AppError {
    AppError::Transport(format!(
        "the page and the server are not of one version ({error})"
    ))
}

impl Serialize for PageData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Held::Made { text, .. } => text.serialize(serializer),
            Held::Came(tree) => tree.serialize(serializer),
        }
    }
}

impl FromJson for PageData {
    fn from_json(json: Json) -> Result<Self, Mismatch> {
        Ok(PageData(Held::Came(Arc::new(json))))
    }
}

/// The data of one page. Make it in the body of the page's component and never inside what waits for other data: the
/// server may run that more than once, and the browser would then take another reading than the one it sees.
pub type PageResource = Resource<Answer, JsonText>;

type Fetch = Box<dyn Fn(String) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// Reads now, and again whenever `key` changes.
pub fn page_data<F>(
    key: impl Fn() -> String + Send + Sync + 'static,
    fetch: impl Fn(String) -> F + Send + Sync + 'static,
) -> PageResource
where
    F: Future<Output = Answer> + Send + 'static,
{
    let key: Box<dyn Fn() -> String + Send + Sync> = Box::new(key);
    let fetch: Fetch = Box::new(move |key| Box::pin(fetch(key)));
    Resource::new_with_options(key, fetch, false)
}

/// Waits for the data and shows it, the skeleton, or what went wrong. While newer data is on its way the older stays.
pub fn load<T>(resource: PageResource, view: impl Fn(T) -> AnyView + Send + Sync + 'static) -> AnyView
where
    T: FromJson + Clone + 'static,
{
    wait(
        resource,
        Arc::new(move |answer| match answer.and_then(|data| data.read()) {
            Ok(data) => view(data),
            Err(error) => view! { <Trouble error/> },
        }),
    )
}

fn wait(resource: PageResource, draw: Arc<dyn Fn(Answer) -> AnyView + Send + Sync>) -> AnyView {
    view! {
        <Transition fallback=|| {
            view! { <Skeleton/> }
        }>
            {move || {
                let draw = draw.clone();
                Suspend::new(async move { draw(resource.await) })
            }}
        </Transition>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize)]
    struct View {
        rows: Vec<u32>,
    }

    farol_model::fields!(View { rows });

    fn view() -> View {
        View { rows: vec![1, 2] }
    }

    #[test]
    fn a_value_crosses_as_plain_json_inside_the_answer() {
        let answer: Answer = PageData::of(view());
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(text, r#"{"Ok":{"rows":[1,2]}}"#);
        let back: Answer = json::read(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
        assert_eq!(back.unwrap().read::<View>().unwrap(), view());
    }

    #[test]
    fn the_side_that_made_it_reads_what_it_gave() {
        assert_eq!(PageData::of(view()).unwrap().read::<View>().unwrap(), view());
    }

    #[test]
    fn text_of_another_type_is_an_error_that_says_so() {
        let data = PageData::of(view()).unwrap();
        let error = data.read::<u32>().unwrap_err().to_string();
        assert!(error.contains("not of one version"), "{error}");
    }
}
