//! Every page, side by side: the menu and the routes. To add a page: a folder under `pages/`, one entry in [`MENU`] (when
//! people should find it there) and one route in [`AppRoutes`].

pub mod audit;
pub mod connections;
pub mod containers;
pub mod controls;
pub mod denied;
pub mod error;
pub mod host;
pub mod lab;
pub mod not_found;
pub mod overview;
pub mod processes;

#[cfg(not(feature = "hydrate"))]
pub mod entrance;
#[cfg(feature = "hydrate")]
#[path = "pages/entrance_absent.rs"]
pub mod entrance;

use crate::prelude::*;
use crate::ui::Glyph;
use farol_model::{Permission, Viewer};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route},
    path,
};

/// One entry of the menu.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    pub path: &'static str,
    pub title: &'static str,
    /// What is found there, for the search.
    pub about: &'static str,
    pub glyph: Glyph,
    /// What a viewer must hold to open it.
    pub permission: Permission,
}

impl Page {
    /// Whether a search for this text means this page.
    pub fn answers(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        self.title.to_lowercase().contains(&text) || self.about.to_lowercase().contains(&text)
    }
}

/// The menu in display order.
pub const MENU: [Page; 8] = [
    Page {
        path: "/",
        title: "Overview",
        about: "health at a glance",
        glyph: Glyph::Overview,
        permission: Permission::ViewMetrics,
    },
    Page {
        path: "/host",
        title: "Host",
        about: "processor, memory, disk, network",
        glyph: Glyph::Host,
        permission: Permission::ViewMetrics,
    },
    Page {
        path: "/processes",
        title: "Processes",
        about: "what is running",
        glyph: Glyph::Processes,
        permission: Permission::ViewProcesses,
    },
    Page {
        path: "/containers",
        title: "Containers",
        about: "docker, podman, logs",
        glyph: Glyph::Containers,
        permission: Permission::ViewProcesses,
    },
    Page {
        path: "/controls",
        title: "Controls",
        about: "actions, runbooks, runs",
        glyph: Glyph::Controls,
        permission: Permission::ViewRuns,
    },
    Page {
        path: "/connections",
        title: "Connections",
        about: "who is connected, live clients, frames",
        glyph: Glyph::Connections,
        permission: Permission::ViewConnections,
    },
    Page {
        path: "/audit",
        title: "Audit",
        about: "who did what",
        glyph: Glyph::Audit,
        permission: Permission::ViewAudit,
    },
    Page {
        path: "/lab",
        title: "Transport lab",
        about: "websocket, sse, polling, latency",
        glyph: Glyph::Flask,
        permission: Permission::ViewMetrics,
    },
];

/// The routes in the same order, then those outside the menu. Flat: the frame stands around them and stays as it is when
/// the page changes.
#[component]
pub fn AppRoutes() -> impl IntoView {
    let ssr = SsrMode::Async;
    view! {
        <FlatRoutes fallback=|| view! { <not_found::NotFound/> }>
            <Route path=path!("/") view=overview::OverviewPage ssr=ssr.clone()/>
            <Route path=path!("/host") view=host::HostPage ssr=ssr.clone()/>
            <Route path=path!("/processes") view=processes::ProcessesPage ssr=ssr.clone()/>
            <Route path=path!("/containers") view=containers::ContainersPage ssr=ssr.clone()/>
            <Route path=path!("/controls") view=controls::ControlsPage ssr=ssr.clone()/>
            <Route path=path!("/controls/runs/:id") view=controls::RunPage ssr=ssr.clone()/>
            <Route path=path!("/connections") view=connections::ConnectionsPage ssr=ssr.clone()/>
            <Route path=path!("/audit") view=audit::AuditLogPage ssr=ssr.clone()/>
            <Route path=path!("/lab") view=lab::LabPage ssr=ssr.clone()/>
            <Route path=path!("/sign-in") view=entrance::SignInPage ssr=ssr.clone()/>
            <Route path=path!("/setup") view=entrance::SetupPage ssr/>
        </FlatRoutes>
    }
}

/// What this viewer may open.
pub fn menu(viewer: &Viewer) -> impl Iterator<Item = &'static Page> {
    MENU.iter().filter(|page| viewer.may(page.permission))
}

/// The entry that an address belongs to.
pub fn page_of(path: &str) -> Option<&'static Page> {
    let path = path.trim_end_matches('/');
    MENU.iter().find(|page| match page.path {
        "/" => path.is_empty(),
        base => path == base || path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/')),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::Role;

    fn titles(role: Role) -> Vec<&'static str> {
        let viewer = Viewer {
            user_id: 1,
            name: "ana".into(),
            role,
        };
        menu(&viewer).map(|page| page.title).collect()
    }

    #[test]
    fn the_menu_offers_a_viewer_only_what_a_viewer_may_open() {
        assert_eq!(
            titles(Role::Viewer),
            ["Overview", "Host", "Processes", "Containers", "Transport lab"]
        );
        assert_eq!(titles(Role::Operator).len(), MENU.len());
    }

    #[test]
    fn an_address_belongs_to_its_page_and_not_to_one_that_starts_alike() {
        assert_eq!(page_of("/").map(|page| page.title), Some("Overview"));
        assert_eq!(
            page_of("/controls/runs/1").map(|page| page.title),
            Some("Controls")
        );
        assert_eq!(page_of("/hosts"), None);
    }

    #[test]
    fn the_search_finds_a_page_by_what_is_on_it() {
        let found: Vec<_> = MENU
            .iter()
            .filter(|page| page.answers(" MEMORY "))
            .map(|page| page.title)
            .collect();
        assert_eq!(found, ["Host"]);
    }
}
