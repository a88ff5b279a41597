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
        #[cfg(feature = "ssr")]
        write: fn(&dyn Any) -> Option<Box<RawValue>>,
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
        let text = written::<T>(&value).ok_or_else(Fault::internal)?;
        Ok(PageData(Held::Made {
            text: text.into(),
            value: Arc::new(value),
            #[cfg(feature = "ssr")]
            write: written::<T>,
        }))
    }

    /// A page that is nothing but HTML.
    ///
    /// # Errors
    /// As [`PageData::of`].
    #[cfg(feature = "ssr")]
    pub fn drawn(html: String) -> Answer {
        let PageData(held) = PageData::of(html)?;
        Ok(match held {
            Held::Made { text, value, .. } => PageData(Held::Made {
                text,
                value,
                write: |html| drawn::whole(html.downcast_ref::<String>()?),
            }),
            came => PageData(came),
        })
    }

    /// As it travels within the page that shows it: without what is [`drawn`] there.
    #[cfg(feature = "ssr")]
    fn within_page(self) -> PageData {
        match self.0 {
            Held::Made { text, value, write } => PageData(Held::Made {
                text: drawn::left_out(|| write(&*value)).map_or(text, Arc::from),
                value,
                write,
            }),
            came => PageData(came),
        }
    }

    /// The value of the type it was made from.
    ///
    /// # Errors
    /// [`AppError::Transport`] when the text is of another type: the page is older or newer than the server.
    pub fn read<T: FromJson + Clone + 'static>(&self) -> Result<T, AppError> {
        let read = match &self.0 {
            Held::Made { text, value, .. } => match value.downcast_ref::<T>() {
                Some(value) => Ok(value.clone()),
                None => json::read(text.get()),
            },
            Held::Came(tree) => T::from_json(Json::clone(tree)),
        };
        read.map_err(other_version)
    }
}

fn written<T: Serialize + 'static>(value: &dyn Any) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value.downcast_ref::<T>()?).ok()
}

/// For a field of HTML that the server has drawn and the page shows as it is, whatever comes of it: `#[serde(serialize_with)]`. A page that
/// comes from the server has it in itself, and is not told it a second time beside: there the field is empty, and the page comes alive
/// without looking at it. A page that another one asks for is told it.
#[cfg(feature = "ssr")]
pub mod drawn {
    use serde::{Serialize, Serializer};
    use serde_json::value::{RawValue, to_raw_value};
    use std::cell::Cell;

    thread_local! {
        static LEFT_OUT: Cell<bool> = const { Cell::new(false) };
    }

    /// Writes text.
    pub fn text<S: Serializer>(html: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if LEFT_OUT.get() { "" } else { html })
    }

    /// Writes text, if there is any.
    pub fn some<S: Serializer>(html: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
        let html = html.as_deref();
        html.map(|html| if LEFT_OUT.get() { "" } else { html })
            .serialize(serializer)
    }

    /// Text that is a whole page.
    pub(super) fn whole(html: &str) -> Option<Box<RawValue>> {
        to_raw_value(if LEFT_OUT.get() { "" } else { html }).ok()
    }

    /// What is written meanwhile has none.
    pub(super) fn left_out<R>(write: impl FnOnce() -> R) -> R {
        let before = LEFT_OUT.replace(true);
        let written = write();
        LEFT_OUT.set(before);
        written
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
    #[cfg(feature = "ssr")]
    let fetch = move |key| {
        let answer = fetch(key);
        async { answer.await.map(PageData::within_page) }
    };
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

    #[cfg(feature = "ssr")]
    #[derive(Debug, Clone, PartialEq, Serialize)]
    struct Page {
        #[serde(serialize_with = "drawn::text")]
        html: String,
        #[serde(serialize_with = "drawn::some")]
        more: Option<String>,
        #[serde(serialize_with = "drawn::some")]
        none: Option<String>,
        rows: u32,
    }

    #[cfg(feature = "ssr")]
    farol_model::fields!(Page {
        html,
        more,
        none,
        rows
    });

    #[cfg(feature = "ssr")]
    #[test]
    fn what_is_drawn_is_told_once() {
        let page = Page {
            html: "<p>1</p>".into(),
            more: Some("<p>2</p>".into()),
            none: None,
            rows: 3,
        };
        let data = PageData::of(page.clone()).unwrap();
        let whole = r#"{"html":"<p>1</p>","more":"<p>2</p>","none":null,"rows":3}"#;
        assert_eq!(serde_json::to_string(&data).unwrap(), whole);
        let within = data.within_page();
        let beside = r#"{"html":"","more":"","none":null,"rows":3}"#;
        assert_eq!(serde_json::to_string(&within).unwrap(), beside);
        assert_eq!(within.read::<Page>().unwrap(), page, "the server draws all of it");
        let again = PageData::of(page).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), whole);

        let data = PageData::drawn("<p>4</p>".into()).unwrap();
        assert_eq!(serde_json::to_string(&data).unwrap(), r#""<p>4</p>""#);
        let within = data.within_page();
        assert_eq!(serde_json::to_string(&within).unwrap(), r#""""#);
        assert_eq!(within.read::<String>().unwrap(), "<p>4</p>");
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
