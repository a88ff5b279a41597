//! Who is looking, at which host, and how they like it. Read once per page load.

use crate::error::AppError;
use farol_model::Viewer;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Which theme is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    pub fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Theme::ALL.into_iter().find(|theme| theme.as_str() == text)
    }

    /// The value of `data-theme`; absent means that the system decides.
    pub fn attribute(self) -> Option<&'static str> {
        (self != Theme::System).then_some(self.as_str())
    }
}

/// How much room rows and cards take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Density {
    #[default]
    Comfortable,
    Compact,
}

impl Density {
    pub const ALL: [Density; 2] = [Density::Comfortable, Density::Compact];

    pub fn as_str(self) -> &'static str {
        match self {
            Density::Comfortable => "comfortable",
            Density::Compact => "compact",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Density::ALL.into_iter().find(|density| density.as_str() == text)
    }

    /// The value of `data-density`.
    pub fn attribute(self) -> Option<&'static str> {
        (self == Density::Compact).then_some(self.as_str())
    }
}

/// What the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prefs {
    pub theme: Theme,
    pub density: Density,
}

/// The frame's own data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub viewer: Viewer,
    /// The machine as it calls itself.
    pub host: String,
    pub prefs: Prefs,
    /// The server's clock when the page was drawn.
    pub now_ms: i64,
}

/// Read once per page load.
#[server(prefix = "/api/fn", endpoint = "session", input = server_fn::codec::GetUrl)]
pub async fn get_session() -> Result<Session, AppError> {
    let (ports, viewer) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    Ok(Session {
        viewer,
        host: ports.metrics.host().name,
        prefs: crate::request::prefs(),
        now_ms: ports.metrics.now_ms(),
    })
}

/// Keeps theme or density in a cookie. Open to everybody: it changes nothing but the caller's own browser.
#[server(prefix = "/api/fn", endpoint = "prefs")]
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
