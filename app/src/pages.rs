//! Every page, side by side: the menu and the routes. To add a page: a folder under `pages/`, one entry in [`MENU`] (when
//! people should find it there) and one route in [`AppRoutes`].

pub mod account;
pub mod apps;
pub mod audit;
pub mod connections;
pub mod containers;
pub mod controls;
pub mod denied;
pub mod error;
pub mod explore;
pub mod host;
pub mod lab;
pub mod not_found;
pub mod overview;
pub mod processes;
pub mod runs;
pub mod services;
pub mod settings;
pub mod watched;
pub mod whole;

#[cfg(feature = "ssr")]
pub(crate) mod drawn;

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

/// The menu in display order.
pub const MENU: [Page; 14] = [
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
        path: "/explore",
        title: "Explore",
        about: "any metric, functions, boards, dashboards",
        glyph: Glyph::Load,
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
        path: "/services",
        title: "Services",
        about: "systemd units, start, stop, logs",
        glyph: Glyph::Services,
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
        path: "/apps",
        title: "Applications",
        about: "prometheus, opentelemetry, statsd, push",
        glyph: Glyph::Columns,
        permission: Permission::ViewMetrics,
    },
    Page {
        path: "/checks",
        title: "Checks",
        about: "health, http, certificates, dns",
        glyph: Glyph::Check,
        permission: Permission::ViewMetrics,
    },
    Page {
        path: "/controls",
        title: "Controls",
        about: "actions, runbooks",
        glyph: Glyph::Controls,
        permission: Permission::ViewRuns,
    },
    Page {
        path: "/runs",
        title: "Runs",
        about: "what was run, output, approval, compare",
        glyph: Glyph::Play,
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
    Page {
        path: "/settings",
        title: "Settings",
        about: "users, roles, sessions, api tokens",
        glyph: Glyph::Sliders,
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
            <Route path=path!("/explore") view=explore::ExplorePage ssr=ssr.clone()/>
            <Route path=path!("/boards") view=explore::BoardsPage ssr=ssr.clone()/>
            <Route path=path!("/boards/:id") view=explore::BoardsPage ssr=ssr.clone()/>
            <Route path=path!("/processes") view=processes::ProcessesPage ssr=ssr.clone()/>
            <Route path=path!("/services") view=services::ServicesPage ssr=ssr.clone()/>
            <Route path=path!("/containers") view=containers::ContainersPage ssr=ssr.clone()/>
            <Route path=path!("/apps") view=apps::AppsPage ssr=ssr.clone()/>
            <Route path=path!("/apps/:name") view=apps::AppsPage ssr=ssr.clone()/>
            <Route path=path!("/checks") view=apps::AppsPage ssr=ssr.clone()/>
            <Route path=path!("/controls") view=controls::ControlsPage ssr=ssr.clone()/>
            <Route path=path!("/controls/runs/:id") view=controls::RunPage ssr=ssr.clone()/>
            <Route path=path!("/runs") view=runs::RunsPage ssr=ssr.clone()/>
            <Route path=path!("/runs/compare") view=runs::ComparePage ssr=ssr.clone()/>
            <Route path=path!("/connections") view=connections::ConnectionsPage ssr=ssr.clone()/>
            <Route path=path!("/audit") view=audit::AuditLogPage ssr=ssr.clone()/>
            <Route path=path!("/lab") view=lab::LabPage ssr=ssr.clone()/>
            <Route path=path!("/settings") view=settings::SettingsPage ssr=ssr.clone()/>
            <Route path=path!("/settings/users") view=settings::UsersPage ssr=ssr.clone()/>
            <Route path=path!("/settings/users/:name") view=settings::UsersPage ssr=ssr.clone()/>
            <Route path=path!("/settings/:section") view=settings::SettingsPage ssr=ssr.clone()/>
            <Route path=path!("/sign-in") view=entrance::SignInPage ssr=ssr.clone()/>
            <Route path=path!("/sign-in/code") view=entrance::CodePage ssr=ssr.clone()/>
            <Route path=path!("/prove") view=entrance::ProvePage ssr=ssr.clone()/>
            <Route path=path!("/account") view=account::AccountPage ssr=ssr.clone()/>
            <Route path=path!("/setup") view=entrance::SetupPage ssr/>
        </FlatRoutes>
    }
}

/// What this viewer may open.
pub fn menu(viewer: &Viewer) -> impl Iterator<Item = &'static Page> {
    MENU.iter().filter(|page| viewer.may(page.permission))
}

/// One's own account: for everybody, in the menu of the person.
pub const ACCOUNT: &str = "/account";

/// What the top bar calls the page at an address.
pub fn title_of(path: &str) -> &'static str {
    match page_of(path) {
        // They are kept by Explore, and not it.
        Some(_) if path.starts_with("/boards") => "Boards",
        Some(page) => page.title,
        None if path == ACCOUNT => "Your account",
        None => "Not found",
    }
}

/// The entry that an address belongs to.
pub fn page_of(path: &str) -> Option<&'static Page> {
    let path = path.trim_end_matches('/');
    // Boards are kept by Explore.
    let path = match path.strip_prefix("/boards") {
        Some("") => "/explore",
        Some(rest) if rest.starts_with('/') => "/explore",
        _ => path,
    };
    // One run is among the runs, wherever it was started.
    let path = path
        .strip_prefix("/controls")
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path);
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
        let viewer = Viewer::new(1, "ana", role);
        menu(&viewer).map(|page| page.title).collect()
    }

    #[test]
    fn the_menu_offers_a_viewer_only_what_a_viewer_may_open() {
        assert_eq!(
            titles(Role::Viewer),
            [
                "Overview",
                "Host",
                "Explore",
                "Processes",
                "Services",
                "Containers",
                "Applications",
                "Checks",
                "Transport lab",
                "Settings"
            ]
        );
        assert_eq!(titles(Role::Operator).len(), MENU.len());
    }

    #[test]
    fn an_address_belongs_to_its_page_and_not_to_one_that_starts_alike() {
        assert_eq!(page_of("/").map(|page| page.title), Some("Overview"));
        assert_eq!(page_of("/controls/runs/1").map(|page| page.title), Some("Runs"));
        assert_eq!(page_of("/controls").map(|page| page.title), Some("Controls"));
        assert_eq!(page_of("/boards/7").map(|page| page.title), Some("Explore"));
        assert_eq!(page_of("/hosts"), None);
        assert_eq!(page_of("/boardside"), None);
    }

    #[test]
    fn the_top_bar_has_a_word_for_every_page_that_there_is() {
        assert_eq!(title_of("/audit"), "Audit");
        assert_eq!(title_of(ACCOUNT), "Your account");
        assert_eq!(title_of("/boards/7"), "Boards");
        assert_eq!(title_of("/no/such/page"), "Not found");
    }
}
