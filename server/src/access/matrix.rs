//! Who may reach what: every address of the process, one line each. The guard reads it before a request reaches anything, and
//! an address that is not here is refused to everybody.
//!
//! What is not an address has its permission where it is named, so that none can be without: channels in
//! `farol_model::channel::Kind`, rpc methods in `live::Method`, actions in [`ACTIONS`] as their specs say.
//! `server/tests/matrix.rs` takes the addresses from the router itself, the server functions from their registry, the actions from
//! the runner, and asks for each of them with every role.

use farol_model::Permission as P;
use http::Method;

/// What is asked of whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: strangers too.
    Open,
    /// A session or a token.
    SignedIn,
    /// A session: somebody who is there, not a program with a token.
    Person,
    /// Somebody who is there, with this permission.
    PersonMay(P),
    /// A session or a token of somebody with this permission.
    May(P),
    /// A carrier that asks at its own door: a stranger gets 401.
    Carrier,
    /// A carrier that lets a stranger connect and asks in the first message: a token, or the end.
    CarrierLater,
    /// Goes with a stream that was opened before, whose secret name it must bring.
    CarrierBeside,
    /// A token, or loopback where the configuration says so.
    Scraper,
    /// Everybody is refused: the address is not in the matrix.
    Missing,
}

/// One address: method, path as the router has it, need.
pub type Row = (&'static str, &'static str, Need);

use Need::{Carrier, CarrierBeside, CarrierLater, May, Open, Person, PersonMay, Scraper, SignedIn};

/// In the order of the rooms.
#[rustfmt::skip]
pub const ADDRESSES: &[Row] = &[
    // The process itself.
    ("GET",    "/healthz",                            Open),
    ("GET",    "/readyz",                             Open),
    ("GET",    "/metrics",                            Scraper),
    ("POST",   "/csp-report",                         Open),
    // Pages.
    ("GET",    "/sign-in",                            Open),
    ("GET",    "/sign-in/code",                       Open),
    ("GET",    "/setup",                              Open),
    ("GET",    "/prove",                              SignedIn),
    ("GET",    "/account",                            Person),
    ("GET",    "/",                                   May(P::ViewMetrics)),
    ("GET",    "/host",                               May(P::ViewMetrics)),
    ("GET",    "/explore",                            May(P::ViewMetrics)),
    ("GET",    "/boards",                             May(P::ViewMetrics)),
    ("GET",    "/boards/{id}",                        May(P::ViewMetrics)),
    ("GET",    "/boards/{id}/board.toml",             May(P::ViewMetrics)),
    ("GET",    "/processes",                          May(P::ViewProcesses)),
    ("GET",    "/services",                           May(P::ViewProcesses)),
    ("GET",    "/containers",                         May(P::ViewProcesses)),
    ("GET",    "/containers/{id}/log.txt",            May(P::ViewLogs)),
    ("GET",    "/apps",                               May(P::ViewMetrics)),
    ("GET",    "/apps/{name}",                        May(P::ViewMetrics)),
    ("GET",    "/checks",                             May(P::ViewMetrics)),
    ("GET",    "/controls",                           May(P::ViewRuns)),
    ("GET",    "/controls/runs/{id}",                 May(P::ViewRuns)),
    ("GET",    "/controls/runs/{id}/output.txt",      May(P::ViewRuns)),
    ("GET",    "/runs",                               May(P::ViewRuns)),
    ("GET",    "/runs/compare",                       May(P::ViewRuns)),
    ("GET",    "/connections",                        May(P::ViewConnections)),
    ("GET",    "/audit",                              May(P::ViewAudit)),
    ("GET",    "/lab",                                May(P::ViewMetrics)),
    ("GET",    "/settings",                           SignedIn),
    ("GET",    "/settings/users",                     May(P::ManageUsers)),
    ("GET",    "/settings/users/{name}",              May(P::ManageUsers)),
    ("GET",    "/settings/{section}",                 SignedIn),
    // What pages ask. The functions themselves refuse, so that a refusal is told and written down as they do.
    ("POST",   "/api/fn/prefs",                       Open),
    ("GET",    "/api/fn/overview",                    May(P::ViewMetrics)),
    ("GET",    "/api/fn/host",                        May(P::ViewMetrics)),
    ("GET",    "/api/fn/explore",                     May(P::ViewMetrics)),
    ("GET",    "/api/fn/earlier",                     May(P::ViewMetrics)),
    ("GET",    "/api/fn/lab",                         May(P::ViewMetrics)),
    ("GET",    "/api/fn/processes",                   May(P::ViewProcesses)),
    ("GET",    "/api/fn/controls",                    May(P::ViewRuns)),
    ("GET",    "/api/fn/run-view",                    May(P::ViewRuns)),
    ("POST",   "/api/fn/run",                         May(P::RunActions)),
    ("POST",   "/api/fn/preview",                     May(P::RunActions)),
    ("POST",   "/api/fn/decide",                      May(P::Approve)),
    ("POST",   "/api/fn/cancel",                      May(P::ViewRuns)),
    ("GET",    "/api/fn/runs",                        May(P::ViewRuns)),
    ("GET",    "/api/fn/compare",                     May(P::ViewRuns)),
    ("GET",    "/api/fn/services",                    May(P::ViewProcesses)),
    ("GET",    "/api/fn/containers",                  May(P::ViewProcesses)),
    ("GET",    "/api/fn/apps",                        May(P::ViewMetrics)),
    ("GET",    "/api/fn/find",                        SignedIn),
    ("GET",    "/api/fn/connections",                 May(P::ViewConnections)),
    ("GET",    "/api/fn/audit",                       May(P::ViewAudit)),
    ("GET",    "/api/fn/account",                     Person),
    ("GET",    "/api/fn/settings",                    SignedIn),
    // Signing in and out.
    ("POST",   "/api/auth/sign-in",                   Open),
    ("POST",   "/api/auth/sign-out",                  Open),
    ("POST",   "/api/auth/setup",                     Open),
    ("POST",   "/api/auth/code",                      Open),
    ("POST",   "/api/auth/passkey/begin",             Open),
    ("POST",   "/api/auth/passkey/finish",            Open),
    ("GET",    "/api/auth/oidc/begin",                Open),
    ("GET",    "/api/auth/oidc/callback",             Open),
    ("POST",   "/api/auth/prove",                     Person),
    ("POST",   "/api/v1/tickets",                     SignedIn),
    // One's own account.
    ("POST",   "/api/account/password",               Person),
    ("POST",   "/api/account/totp/begin",             Person),
    ("POST",   "/api/account/totp/confirm",           Person),
    ("POST",   "/api/account/totp/remove",            Person),
    ("POST",   "/api/account/recovery",               Person),
    ("POST",   "/api/account/passkeys/begin",         Person),
    ("POST",   "/api/account/passkeys/finish",        Person),
    ("POST",   "/api/account/passkeys/remove",        Person),
    // Settings.
    ("POST",   "/api/settings/users",                 PersonMay(P::ManageUsers)),
    ("POST",   "/api/settings/users/{name}/role",     PersonMay(P::ManageUsers)),
    ("POST",   "/api/settings/users/{name}/password", PersonMay(P::ManageUsers)),
    ("POST",   "/api/settings/users/{name}/disabled", PersonMay(P::ManageUsers)),
    ("POST",   "/api/settings/users/{name}/sign-out", PersonMay(P::ManageUsers)),
    ("POST",   "/api/settings/users/{name}/reset-proofs", PersonMay(P::ManageUsers)),
    ("POST",   "/api/settings/tokens",                Person),
    ("POST",   "/api/settings/tokens/{id}/revoke",    Person),
    ("POST",   "/api/settings/tokens/{id}/trust",     PersonMay(P::ManageUsers)),
    ("POST",   "/api/settings/tokens/{id}/distrust",  Person),
    ("POST",   "/api/settings/sessions/{id}/revoke",  Person),
    ("POST",   "/api/settings/sessions/revoke-others", Person),
    // Boards: with a token they are read, not changed.
    ("POST",   "/api/boards",                         PersonMay(P::ViewMetrics)),
    ("POST",   "/api/boards/import",                  PersonMay(P::ViewMetrics)),
    ("POST",   "/api/boards/start",                   PersonMay(P::ViewMetrics)),
    ("POST",   "/api/boards/{id}",                    PersonMay(P::ViewMetrics)),
    ("POST",   "/api/boards/{id}/rename",             PersonMay(P::ViewMetrics)),
    ("POST",   "/api/boards/{id}/share",              PersonMay(P::ViewMetrics)),
    ("POST",   "/api/boards/{id}/duplicate",          PersonMay(P::ViewMetrics)),
    ("POST",   "/api/boards/{id}/delete",             PersonMay(P::ViewMetrics)),
    // REST.
    ("GET",    "/api/v1/openapi.json",                Open),
    ("GET",    "/api/v1/actions",                     SignedIn),
    ("GET",    "/api/v1/runs",                        May(P::ViewRuns)),
    ("POST",   "/api/v1/runs",                        May(P::RunActions)),
    ("GET",    "/api/v1/runs/{id}",                   May(P::ViewRuns)),
    ("GET",    "/api/v1/runs/{id}/output",            May(P::ViewRuns)),
    ("POST",   "/api/v1/runs/{id}/cancel",            May(P::ViewRuns)),
    ("GET",    "/api/v1/history",                     May(P::ViewMetrics)),
    ("GET",    "/api/v1/series",                      May(P::ViewMetrics)),
    ("GET",    "/api/v1/query_range",                 May(P::ViewMetrics)),
    ("GET",    "/api/v1/export.csv",                  May(P::ViewMetrics)),
    ("GET",    "/api/v1/export.parquet",              May(P::ViewMetrics)),
    ("GET",    "/api/v1/render.svg",                  May(P::ViewMetrics)),
    ("GET",    "/api/v1/render.png",                  May(P::ViewMetrics)),
    ("GET",    "/api/v1/annotations",                 May(P::ViewMetrics)),
    ("POST",   "/api/v1/annotations",                 May(P::PushMetrics)),
    ("DELETE", "/api/v1/annotations/{id}",            May(P::PushMetrics)),
    ("GET",    "/api/v1/apps",                        May(P::ViewMetrics)),
    ("GET",    "/api/v1/checks",                      May(P::ViewMetrics)),
    // Metrics of applications.
    ("POST",   "/api/v1/push",                        May(P::PushMetrics)),
    ("POST",   "/v1/metrics",                         May(P::PushMetrics)),
    // Carriers of the live protocol. What their clients may do there is asked of each command.
    ("GET",    "/connection/websocket",               CarrierLater),
    ("POST",   "/connection/http_stream",             CarrierLater),
    ("GET",    "/connection/sse",                     CarrierLater),
    ("POST",   "/emulation",                          CarrierBeside),
    ("GET",    "/live/events",                        Carrier),
    ("GET",    "/live/poll",                          Carrier),
    ("GET",    "/live/echo",                          Carrier),
    ("ANY",    "/socket.io/",                         CarrierLater),
    ("POST",   "/signalr/negotiate",                  Carrier),
    ("GET",    "/signalr",                            Carrier),
    ("POST",   "/signalr",                            CarrierBeside),
    ("DELETE", "/signalr",                            CarrierBeside),
];

/// Permission of each action, by its id; `*` ends a beginning.
#[rustfmt::skip]
pub const ACTIONS: &[(&str, P)] = &[
    ("runbook.*",             P::RunActions),
    ("process.signal",        P::RunActions),
    ("process.renice",        P::RunActions),
    ("service.*",             P::RunActions),
    ("container.*",           P::RunActions),
    ("live.disconnect",       P::RunActions),
    ("farol.*",               P::Administer),
    ("collector.pause",       P::Administer),
    ("collector.resume",      P::Administer),
    ("collector.interval",    P::Administer),
];

/// What is asked at an address, as the router has it. HEAD is as GET.
pub fn need(method: &Method, path: &str) -> Option<Need> {
    let method = match method.as_str() {
        "HEAD" => "GET",
        other => other,
    };
    let found = ADDRESSES
        .iter()
        .find(|(known, at, _)| *at == path && (*known == method || *known == "ANY"));
    found.map(|(_, _, need)| *need)
}

/// Whether there is such an address, whatever the method.
pub fn knows(path: &str) -> bool {
    ADDRESSES.iter().any(|(_, at, _)| *at == path)
}

/// What the matrix says of an action; none is a fault that the test finds.
pub fn action(id: &str) -> Option<P> {
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(beginning) => id.starts_with(beginning),
        None => id == pattern,
    };
    let found = ACTIONS.iter().find(|(pattern, _)| matches(pattern));
    found.map(|(_, permission)| *permission)
}
