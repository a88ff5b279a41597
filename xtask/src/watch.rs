//! Rebuild on change, restart the server, reload the page.
//!
//! Files are polled: no dependency, and a folder on a network share works too. The page listens on the reload port for the
//! one message that Leptos' own reload script knows, `{"all": ...}`.

use crate::{
    browser::{self, Bundle, collect_files},
    project::Project,
};
use anyhow::{Context, Result};
use std::{
    collections::HashMap,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tungstenite::{Message, WebSocket};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_millis(400);
/// Where `AutoReload` of Leptos connects; `reload-port` of the workspace metadata.
const RELOAD_ADDRESS: &str = "127.0.0.1:3001";

/// Open pages. Locked for a write of a few bytes to each.
type Pages = Arc<Mutex<Vec<WebSocket<TcpStream>>>>;

/// Never returns but by an error or Ctrl-C.
pub fn run(project: &Project) -> Result<bool> {
    let pages = listen()?;
    let mut server: Option<Child> = None;
    let mut seen = HashMap::new();
    loop {
        let now = look(project)?;
        if now != seen {
            seen = now;
            if let Some(mut old) = server.take() {
                stop(&mut old)?;
            }
            match browser::build(project, Bundle::Dev).and_then(|()| browser::server(project, false)) {
                Ok(()) => {
                    server = Some(start(project)?);
                    reload(&pages);
                }
                Err(error) => eprintln!("xtask: {error:#}\n── waiting for the next change"),
            }
        }
        pause();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "xtask has no async threads, and polling is the point"
)]
fn pause() {
    std::thread::sleep(LOOK);
}

fn look(project: &Project) -> Result<HashMap<PathBuf, SystemTime>> {
    let mut files = vec![project.root.join("Cargo.toml"), project.root.join("Cargo.lock")];
    for dir in [
        "model/src",
        "app/src",
        "server/src",
        "server/migrations",
        "style",
        "public",
    ] {
        collect_files(&project.root.join(dir), &mut files)?;
    }
    // A file may be gone between listing and looking.
    Ok(files
        .into_iter()
        .filter_map(|file| {
            file.metadata()
                .and_then(|m| m.modified())
                .ok()
                .map(|at| (file, at))
        })
        .collect())
}

fn start(project: &Project) -> Result<Child> {
    Command::new(project.server(false))
        .arg("serve")
        .arg("--data-dir")
        .arg(project.target.join("farol-data"))
        .env("LEPTOS_WATCH", "ON")
        .spawn()
        .context("cannot start the server")
}

/// TERM first: it drains.
fn stop(server: &mut Child) -> Result<()> {
    Command::new("kill").arg(server.id().to_string()).status()?;
    server.wait()?;
    Ok(())
}

fn listen() -> Result<Pages> {
    let listener =
        TcpListener::bind(RELOAD_ADDRESS).with_context(|| format!("cannot listen on {RELOAD_ADDRESS}"))?;
    let pages = Pages::default();
    let open = pages.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Ok(page) = tungstenite::accept(stream) {
                open.lock().unwrap_or_else(PoisonError::into_inner).push(page);
            }
        }
    });
    Ok(pages)
}

/// Pages that are gone are forgotten.
fn reload(pages: &Pages) {
    let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
    pages.retain_mut(|page| page.send(Message::text(r#"{"all":"farol"}"#)).is_ok());
    pages.clear();
}
