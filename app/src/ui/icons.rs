//! Our own icons: 20 px, 1.5 px strokes, in the colour of the text around them. Decorative; the word beside them speaks.

use crate::prelude::*;

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyph {
    Overview,
    Host,
    Processes,
    Services,
    Containers,
    Controls,
    Audit,
    Flask,
    Connections,
    Cpu,
    Memory,
    Disk,
    Network,
    Load,
    Check,
    Cross,
    Alert,
    Info,
    Clock,
    Play,
    Stop,
    Pause,
    Search,
    Person,
    Sliders,
    Arrow,
    Question,
    Lock,
    Skull,
    Eye,
    Refresh,
    Columns,
    More,
    Full,
}

impl Glyph {
    /// The drawing as an SVG path in a 20 by 20 box.
    fn path(self) -> &'static str {
        match self {
            Glyph::Overview => "M3 11h4v6H3zM8 6h4v11H8zM13 3h4v14h-4z",
            Glyph::Host => "M3.5 4h13v5h-13zM3.5 11h13v5h-13zM6.5 6.5h.01M6.5 13.5h.01M10 6.5h4M10 13.5h4",
            Glyph::Processes => "M7.5 5H17M7.5 10H17M7.5 15H17M3.5 5h.01M3.5 10h.01M3.5 15h.01",
            Glyph::Services => {
                "M10 2.5l6.5 3.75v7.5L10 17.5l-6.5-3.75v-7.5zM10 7.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z"
            }
            Glyph::Containers => "M3 6.5 10 3l7 3.5v7L10 17l-7-3.5zM3 6.5l7 3.5 7-3.5M10 10v7",
            Glyph::Controls => "M10.5 2.5 4.5 11H10l-.5 6.5 6-8.5H10z",
            Glyph::Audit => "M5 2.5h7l3.5 3.5v11.5H5zM12 2.5V6h3.5M7.5 10h5.5M7.5 13.5h5.5",
            Glyph::Flask => "M8 3v5L3.5 17h13L12 8V3M6.5 3h7M6 12.5h8",
            Glyph::Connections => {
                "M10 8v4M10 12l-4.5 2.5M10 12l4.5 2.5M7.5 3h5v5h-5zM2 14h4v4H2zM14 14h4v4h-4z"
            }
            Glyph::Cpu => {
                "M5.5 5.5h9v9h-9zM8.5 8.5h3v3h-3zM8 2.5v3M12 2.5v3M8 14.5v3M12 14.5v3M2.5 8h3M2.5 12h3M14.5 8h3M14.5 12h3"
            }
            Glyph::Memory => {
                "M2.5 5.5h15v8h-15zM5.5 8v3M8.5 8v3M11.5 8v3M14.5 8v3M5 13.5V16M10 13.5V16M15 13.5V16"
            }
            Glyph::Disk => {
                "M3.5 5.5c0-1.4 2.9-2.5 6.5-2.5s6.5 1.1 6.5 2.5S13.6 8 10 8 3.5 6.9 3.5 5.5zv9c0 1.4 2.9 2.5 6.5 2.5s6.5-1.1 6.5-2.5v-9M3.5 10c0 1.4 2.9 2.5 6.5 2.5s6.5-1.1 6.5-2.5"
            }
            Glyph::Network => "M6.5 16.5v-13M3.5 6.5l3-3 3 3M13.5 3.5v13M10.5 13.5l3 3 3-3",
            Glyph::Load => "M3 14.5a7.5 7.5 0 1 1 14 0M10 13.5l3.5-5M10 13.5h.01",
            Glyph::Check => "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM6.8 10.2l2.2 2.2 4.2-4.6",
            Glyph::Cross => "M5 5l10 10M15 5 5 15",
            Glyph::Alert => "M10 3 2.5 16.5h15zM10 8v4M10 14.3h.01",
            Glyph::Info => "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 9.3v4.2M10 6.5h.01",
            Glyph::Clock => "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 6v4.2l2.8 1.8",
            Glyph::Play => "M6 3.8v12.4L16 10z",
            Glyph::Stop => "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM7.5 7.5h5v5h-5z",
            Glyph::Pause => "M7 4.5v11M13 4.5v11",
            Glyph::Search => "M8.8 3.3a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM12.9 12.9l4 4",
            Glyph::Person => {
                "M10 3a3.3 3.3 0 1 0 0 6.6A3.3 3.3 0 0 0 10 3zM3.5 17c.6-3.2 3.2-5 6.5-5s5.9 1.8 6.5 5"
            }
            Glyph::Sliders => "M3 6h6M13 6h4M3 14h3M10 14h7M11 4v4M8 12v4",
            Glyph::Arrow => "M5 8l5 5 5-5",
            Glyph::Question => {
                "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM7.9 8c0-1.2.9-2 2.1-2s2.1.8 2.1 1.9c0 1.5-2.1 1.7-2.1 3.3M10 13.9h.01"
            }
            Glyph::Lock => "M4.5 9h11v8h-11zM6.8 9V6.5a3.2 3.2 0 0 1 6.4 0V9",
            Glyph::Skull => "M6 14.5v2.5h8v-2.5a6 6 0 1 0-8 0zM8 10h.01M12 10h.01M10 14.5V17",
            Glyph::Eye => {
                "M2.5 10S5.2 5 10 5s7.5 5 7.5 5-2.7 5-7.5 5-7.5-5-7.5-5zM10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z"
            }
            Glyph::Refresh => "M16.5 10a6.5 6.5 0 1 1-2-4.7M16.5 2.8v3.4h-3.4",
            Glyph::More => "M4.5 10h.01M10 10h.01M15.5 10h.01",
            Glyph::Full => "M3 7.5V3h4.5M12.5 3H17v4.5M17 12.5V17h-4.5M7.5 17H3v-4.5",
            Glyph::Columns => "M3 4h14v12H3zM8 4v12M13 4v12",
        }
    }
}

/// One icon.
#[component]
pub fn Icon(glyph: Glyph, #[prop(optional)] small: bool) -> AnyView {
    view! {
        <svg
            class=if small { "icon icon-small" } else { "icon" }
            viewBox="0 0 20 20"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
            focusable="false"
        >
            <path d=glyph.path()></path>
        </svg>
    }
}
