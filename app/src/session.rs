//! Who is looking, at which host, and how they like it: what comes with a page.

use crate::{drawing, error::AppError, json::JsonText};
use farol_model::{Fault, Viewer, fields, words};
use leptos::prelude::*;
use serde::Serialize;

/// Which theme is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    Light,
    Dark,
}

words!(Theme {
    System = "system",
    Light = "light",
    Dark = "dark",
});

impl Theme {
    /// The value of `data-theme`; absent means that the system decides.
    pub fn attribute(self) -> Option<&'static str> {
        (self != Theme::System).then_some(self.as_str())
    }
}

/// How much room rows and cards take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Density {
    #[default]
    Comfortable,
    Compact,
}

words!(Density {
    Comfortable = "comfortable",
    Compact = "compact",
});

impl Density {
    /// The value of `data-density`.
    pub fn attribute(self) -> Option<&'static str> {
        (self == Density::Compact).then_some(self.as_str())
    }
}

/// What the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Prefs {
    pub theme: Theme,
    pub density: Density,
}

fields!(Prefs { theme, density });

/// The frame's own data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Session {
    pub viewer: Viewer,
    /// The machine as it calls itself.
    pub host: String,
    pub prefs: Prefs,
    /// The server's clock when the page was drawn.
    pub now_ms: i64,
}

fields!(Session {
    viewer,
    host,
    prefs,
    now_ms
});

/// Puts into context whose page this is, as the server knew when it drew it. It comes with the page and never afterwards,
/// so whoever signs in or out loads a new page. Call once, in `App`.
pub fn provide_page_session() {
    let session = SharedValue::<_, JsonText>::new_with_encoding(drawing::session);
    provide_context::<Result<Session, AppError>>(session.into_inner());
}

/// Whose page this is.
///
/// # Errors
/// Nobody is signed in.
pub fn page_session() -> Result<Session, AppError> {
    use_context().unwrap_or_else(|| Err(Fault::unauthenticated().into()))
}

/// Why the plain form that led here was refused. With scripts forms tell that themselves.
pub fn came_back() -> Option<AppError> {
    SharedValue::<_, JsonText>::new_with_encoding(drawing::came_back).into_inner()
}

/// Keeps theme or density in a cookie. Open to everybody: it changes nothing but the caller's own browser.
#[server(prefix = "/api/fn", endpoint = "prefs", output = crate::json::Json)]
pub async fn set_prefs(
    #[server(default)] theme: Option<String>,
    #[server(default)] density: Option<String>,
) -> Result<(), AppError> {
    if let Some(theme) = theme.as_deref().and_then(Theme::parse) {
        crate::request::keep("farol_theme", theme.as_str());
    }
    if let Some(density) = density.as_deref().and_then(Density::parse) {
        crate::request::keep("farol_density", density.as_str());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_preferences_parse_back_and_others_do_not() {
        for theme in Theme::ALL {
            assert_eq!(Theme::parse(theme.as_str()), Some(theme));
        }
        for density in Density::ALL {
            assert_eq!(Density::parse(density.as_str()), Some(density));
        }
        assert_eq!(Theme::parse("dark\"><script>"), None);
        assert_eq!(Density::parse(""), None);
    }

    #[test]
    fn the_system_theme_sets_no_attribute() {
        assert_eq!(Theme::System.attribute(), None);
        assert_eq!(Theme::Dark.attribute(), Some("dark"));
        assert_eq!(Density::Comfortable.attribute(), None);
    }
}
