//! The addresses of boards. Each form is a plain POST that works without script and leads to a page, which says how it went. They
//! are for people; with a token a board is read, as its file.

use super::{BoardError, Boards, By, file};
use crate::{
    access::{Identity, forms::encode},
    error::Refusal,
    live::{PeerAddress, Proof},
};
use axum::{
    Extension, Form, Router,
    extract::{FromRequestParts, Path, Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use farol_app::pages::explore::{
    draft::{Asked, Draft},
    view::{Said, Start},
};
use farol_model::{Fault, Permission, Viewer};
use http::{HeaderValue, Method, header, request::Parts};
use std::{net::IpAddr, net::Ipv4Addr, time::Instant};

/// All of them.
pub fn routes(boards: Boards) -> Router {
    Router::new()
        .route("/api/boards", post(create))
        .route("/api/boards/import", post(import))
        .route("/api/boards/start", post(start))
        .route("/api/boards/{id}", post(save))
        .route("/api/boards/{id}/rename", post(rename))
        .route("/api/boards/{id}/share", post(share))
        .route("/api/boards/{id}/duplicate", post(duplicate))
        .route("/api/boards/{id}/delete", post(delete))
        .route("/boards/{id}/board.toml", get(export))
        .with_state(boards)
}

/// Somebody who is there and may see metrics.
impl FromRequestParts<Boards> for By {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Boards) -> Result<Self, Refusal> {
        let identity = parts.extensions.get::<Identity>();
        let identity = identity.ok_or_else(|| Refusal(Fault::unauthenticated()))?;
        identity
            .viewer
            .require(Permission::ViewMetrics)
            .map_err(Refusal)?;
        if !matches!(identity.proof, Proof::Session(_)) {
            let text = "Boards are changed by a person who is signed in, not with an API token.";
            return Err(Refusal(Fault::forbidden(text)));
        }
        let address = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(By {
            viewer: identity.viewer.clone(),
            from: address.to_string(),
        })
    }
}

/// What a form was filled with.
type Fields = Form<Vec<(String, String)>>;

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let found = fields.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value.as_str())
}

fn version(fields: &[(String, String)]) -> i64 {
    field(fields, "v").parse().unwrap_or_default()
}

async fn create(State(boards): State<Boards>, by: By, Form(fields): Fields) -> Response {
    let Asked { draft, .. } = Draft::of_pairs(fields);
    match boards.create(&by, &draft.board).await {
        Ok(id) => boards.said(
            &by,
            &board(id),
            Ok(format!("The board {} is kept.", draft.board.title)),
        ),
        Err(error) => boards.said(&by, &draft.href(), Err(error)),
    }
}

/// In place of what it was. Whoever has been told that somebody else changed it may want just that (`over`).
async fn save(State(boards): State<Boards>, by: By, Path(id): Path<i64>, Form(fields): Fields) -> Response {
    let over = field(&fields, "over").parse::<i64>().ok();
    let Asked { draft, .. } = Draft::of_pairs(fields);
    let seen = over.or(draft.of.map(|(_, version)| version)).unwrap_or_default();
    match boards.save(&by, id, seen, &draft.board).await {
        Ok(()) => boards.said(
            &by,
            &board(id),
            Ok(format!("The board {} is saved.", draft.board.title)),
        ),
        Err(error) => boards.said(&by, &draft.href(), Err(error)),
    }
}

async fn import(State(boards): State<Boards>, by: By, Form(fields): Fields) -> Response {
    let made = async {
        let read = file::read(field(&fields, "file")).map_err(|why| Fault::invalid("file", why))?;
        let id = boards.create(&by, &read).await?;
        Ok((id, read.title))
    };
    match made.await {
        Ok((id, title)) => boards.said(&by, &board(id), Ok(format!("{title} is a board of yours now."))),
        Err(error) => boards.said(&by, "/boards", Err(error)),
    }
}

async fn start(State(boards): State<Boards>, by: By, Form(fields): Fields) -> Response {
    let id = field(&fields, "id").parse::<i64>().ok();
    let back = match field(&fields, "at").parse::<i64>() {
        Ok(at) => board(at),
        Err(_) => "/boards".to_owned(),
    };
    let said = match id {
        Some(_) => "Farol opens with this board from now on. The overview stays in the menu.",
        None => "Farol opens with the overview from now on.",
    };
    let done = boards.set_start(&by, id).await;
    boards.said(&by, &back, done.map(|()| said.to_owned()))
}

async fn rename(State(boards): State<Boards>, by: By, Path(id): Path<i64>, Form(fields): Fields) -> Response {
    let title = field(&fields, "title");
    let done = boards.rename(&by, id, version(&fields), title).await;
    boards.said(
        &by,
        &board(id),
        done.map(|()| format!("It is called {} now.", title.trim())),
    )
}

async fn share(State(boards): State<Boards>, by: By, Path(id): Path<i64>, Form(fields): Fields) -> Response {
    let shared = field(&fields, "shared") == "true";
    let done = boards.share(&by, id, shared).await;
    let said = match shared {
        true => "Everybody who may see metrics sees this board now.",
        false => "Only its owner sees this board now.",
    };
    // An administrator who unshares what is somebody else's does not see it any more.
    let gone = done.is_ok() && boards.one(&by.viewer, id).await.is_err();
    let back = if gone { "/boards".to_owned() } else { board(id) };
    boards.said(&by, &back, done.map(|_| said.to_owned()))
}

async fn duplicate(State(boards): State<Boards>, by: By, Path(id): Path<i64>) -> Response {
    match boards.duplicate(&by, id).await {
        Ok(new) => boards.said(&by, &board(new), Ok("This is your copy.".to_owned())),
        Err(error) => boards.said(&by, &board(id), Err(error)),
    }
}

async fn delete(State(boards): State<Boards>, by: By, Path(id): Path<i64>, Form(fields): Fields) -> Response {
    match boards.delete(&by, id, version(&fields)).await {
        Ok(title) => boards.said(&by, "/boards", Ok(format!("The board {title} is deleted."))),
        Err(error) => boards.said(&by, &board(id), Err(error)),
    }
}

/// `GET /boards/{id}/board.toml`: the board as a file.
async fn export(
    State(boards): State<Boards>,
    identity: Option<Extension<Identity>>,
    Path(id): Path<i64>,
) -> Result<Response, Refusal> {
    let Some(Extension(identity)) = identity else {
        return Err(Refusal(Fault::unauthenticated()));
    };
    identity
        .viewer
        .require(Permission::ViewMetrics)
        .map_err(Refusal)?;
    let saved = boards.one(&identity.viewer, id).await.map_err(Refusal)?;
    let mut response = file::write(&saved.board).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/toml; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = format!("attachment; filename=\"{}.toml\"", file_name(&saved.board.title));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// A title as the name of a file: letters, digits and dashes.
fn file_name(title: &str) -> String {
    let letters = title.to_lowercase();
    let parts = letters.split(|c: char| !c.is_ascii_alphanumeric());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    match parts.is_empty() {
        true => "board".to_owned(),
        false => parts.join("-"),
    }
}

fn board(id: i64) -> String {
    format!("/boards/{id}")
}

impl Boards {
    /// Leads to a page, which says how it went. A board that is not there is 404, what is not allowed 403.
    fn said(&self, by: &By, to: &str, done: Result<String, BoardError>) -> Response {
        let said = match done {
            Ok(text) => Said {
                good: true,
                text,
                secret: None,
            },
            Err(error) => {
                let fault = told(error);
                Said {
                    good: false,
                    text: fault.message,
                    secret: None,
                }
            }
        };
        let to = match self.sayings.keep(by.viewer.user_id, said, Instant::now()) {
            Some(key) => format!(
                "{to}{}said={}",
                if to.contains('?') { '&' } else { '?' },
                encode(&key)
            ),
            None => to.to_owned(),
        };
        Redirect::to(&to).into_response()
    }

    /// What a form has to say to this viewer, once.
    pub fn take_said(&self, viewer: &Viewer, key: &str) -> Option<Said> {
        self.sayings.take(viewer.user_id, key, Instant::now())
    }
}

/// What a person is told of a change that was not made. What is no fault of theirs goes to the log.
fn told(error: BoardError) -> Fault {
    let text = match &error {
        BoardError::Refused(_) => "",
        BoardError::NotWritten(_) => {
            "The audit log cannot be written, so nothing was changed. Look at the server's disk and log."
        }
        BoardError::Database(_) => {
            "The database cannot be used, so nothing was changed. The server log says why."
        }
    };
    match error {
        BoardError::Refused(fault) => fault,
        error => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a board was not changed"
            );
            Fault::unavailable(text)
        }
    }
}

/// Layer: whoever has a board as start page is led from `/` to it. `/?overview` is the overview for everybody.
pub async fn start_page(State(boards): State<Boards>, request: Request, next: Next) -> Response {
    let here = matches!(*request.method(), Method::GET | Method::HEAD)
        && request.uri().path() == "/"
        && request.uri().query().is_none();
    let viewer = request.extensions().get::<Identity>().filter(|_| here);
    if let Some(viewer) = viewer.map(|identity| identity.viewer.clone())
        && viewer.may(Permission::ViewMetrics)
        && let Ok(Start::Board(id)) = boards.start(&viewer).await
    {
        return Redirect::to(&board(id)).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_the_name_of_a_file() {
        assert_eq!(file_name("Disks: sda/sdb \"x\""), "disks-sda-sdb-x");
        assert_eq!(file_name("ü"), "board");
    }
}
