//! The pages of boards: all that one may see, and one of them.

use super::{
    board::{PANELS, TITLE},
    draft::Draft,
    drawn::{chart, said_words, usual},
    view::{BoardList, BoardRow, SavedBoard, Start},
};
use crate::{
    pages::{
        controls::words::ago,
        drawn::{armed, counted, pairs},
    },
    past::{
        Range,
        bar::{self, Place},
    },
    ports::Ports,
    prelude::*,
    ui::{Badge, Card, Empty, Glyph, Icon, Tone, moment::utc},
};
use farol_model::{Fault, Viewer};

/// Bytes of a file that can be pasted; the server takes no more.
const FILE: usize = 32 * 1024;

/// All boards that a viewer may see.
///
/// # Errors
/// They cannot be read.
pub async fn boards(ports: &Ports, viewer: &Viewer, query: &str) -> Result<String, Fault> {
    let list = ports.boards.list(viewer).await?;
    let lost = ports.boards.start(viewer).await? == Start::Lost;
    let said = ports.boards.said(viewer, &word(query, "said"));
    let now_ms = ports.metrics.now_ms();
    let page = view! {
        <div class="page boards">
            <div class="page-head">
                <div class="page-head-words">
                    <h1>"Boards"</h1>
                    <p>{words(&list)}</p>
                </div>
                <div class="page-head-end">
                    <a class="button primary" href="/explore">
                        "New board"
                    </a>
                </div>
            </div>
            {said.as_ref().map(said_words)}
            {lost.then(lost_start)}
            {own(&list, now_ms)}
            {shared(&list, now_ms)}
            {import()}
        </div>
    };
    Ok(page.to_html())
}

/// A word of a query.
fn word(query: &str, name: &str) -> String {
    let found = pairs(query).into_iter().find(|(known, _)| known == name);
    found.map_or_else(String::new, |(_, value)| value)
}

fn words(list: &BoardList) -> String {
    if list.own.is_empty() && list.shared_total == 0 {
        return "Charts side by side, kept under a title.".to_owned();
    }
    format!(
        "{} of yours, {} of others.",
        counted(list.own.len() as u64, "board"),
        list.shared_total
    )
}

/// The start page is not there any more.
pub fn lost_start() -> AnyView {
    view! {
        <div class="notice warn" role="status">
            <Icon glyph=Glyph::Alert/>
            <div class="notice-words">
                <p class="notice-title">"Your start page is gone"</p>
                <p>
                    "The board that Farol opened with was deleted, or is not shared any more. Until you choose another among your "
                    <a class="link" href="/boards">
                        "boards"
                    </a> ", Farol opens with the overview."
                </p>
                <form method="post" action="/api/boards/start">
                    <button class="button small" type="submit">
                        "Keep the overview"
                    </button>
                </form>
            </div>
        </div>
    }
}

fn own(list: &BoardList, now_ms: i64) -> AnyView {
    let body = match list.own.is_empty() {
        true => view! {
            <Empty
                glyph=Glyph::Overview
                title="You have kept no board yet"
                text="Find metrics in Explore, put them side by side, and save them under a title. Or read one from a file below."
            />
        },
        false => table("Your boards", &list.own, now_ms),
    };
    view! { <Card title="Yours" flush=true>{body}</Card> }
}

fn shared(list: &BoardList, now_ms: i64) -> AnyView {
    let body = match list.shared.is_empty() {
        true => view! {
            <Empty
                glyph=Glyph::Person
                title="Nobody shares a board with you"
                text="What others share appears here. You share one of yours on its page."
            />
        },
        false => table("Boards of others", &list.shared, now_ms),
    };
    let more = (list.shared_total > list.shared.len() as u64).then(|| {
        let words = format!("The {} that were changed last.", list.shared.len());
        view! { <p class="muted boards-more">{words}</p> }
    });
    view! {
        <Card title="Shared by others" flush=true>
            {body}
            {more}
        </Card>
    }
}

fn table(title: &'static str, rows: &[BoardRow], now_ms: i64) -> AnyView {
    let rows = rows.iter().map(|row| line(row, now_ms)).collect::<Vec<_>>();
    view! {
        <div class="table-wrap" tabindex="0" role="region" aria-label=title>
            <table class="table plain-head">
                <caption class="visually-hidden">{title}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Title"</th>
                        <th scope="col">"Owner"</th>
                        <th scope="col" class="number">
                            "Panels"
                        </th>
                        <th scope="col">"Seen by"</th>
                        <th scope="col">"Changed"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn line(row: &BoardRow, now_ms: i64) -> AnyView {
    let start = row
        .start
        .then(|| view! { " " <Badge tone=Tone::Info glyph=Glyph::Overview word="start page"/> });
    view! {
        <tr>
            <th scope="row" class="name">
                <a class="row-link" href=format!("/boards/{}", row.id) title=row.title.clone()>
                    {row.title.clone()}
                </a>
                {start}
            </th>
            <td>{owner(row)}</td>
            <td class="number">{row.panels}</td>
            <td>{seen_by(row)}</td>
            <td>{when(row, now_ms)}</td>
        </tr>
    }
}

fn owner(row: &BoardRow) -> String {
    match &row.owner {
        Some(_) if row.own => "you".to_owned(),
        Some(name) => name.clone(),
        None => "nobody any more".to_owned(),
    }
}

fn seen_by(row: &BoardRow) -> AnyView {
    match row.shared {
        true => view! { <Badge tone=Tone::Info glyph=Glyph::Eye word="everybody"/> },
        false => view! { <Badge tone=Tone::Neutral glyph=Glyph::Lock word="you alone"/> },
    }
}

/// When, and by whom if it was somebody else than the owner.
fn when(row: &BoardRow, now_ms: i64) -> AnyView {
    let exact = utc(row.changed_ms);
    let machine = exact.replacen(' ', "T", 1).replace(" UTC", "Z");
    let by = (row.owner.as_ref() != Some(&row.changed_by)).then(|| format!(" by {}", row.changed_by));
    view! {
        <time class="nowrap" datetime=machine title=exact>
            {ago(row.changed_ms, now_ms)}
        </time>
        {by}
    }
}

fn import() -> AnyView {
    view! {
        <Card title="From a file">
            <form class="boards-import" method="post" action="/api/boards/import">
                <div class="field">
                    <label for="board-file">"A board as TOML"</label>
                    <textarea
                        class="input mono"
                        id="board-file"
                        name="file"
                        rows="8"
                        required
                        maxlength=FILE.to_string()
                        spellcheck="false"
                        placeholder="version = 1\ntitle = \"Disks\"\n\n[[panel]]\nexpression = 'sum by (device) (disk_written_bytes_per_second)'"
                        aria-describedby="board-file-note"
                    ></textarea>
                    <span class="field-help" id="board-file-note">
                        "As the link “As TOML” of a board gives it. It becomes a board of yours, seen by you alone."
                    </span>
                </div>
                <div class="button-row">
                    <label class="button" data-needs-script="" hidden>
                        "Choose a file\u{2026}"
                        <input class="visually-hidden" type="file" accept=".toml,text/plain" data-into="board-file"/>
                    </label>
                    <button class="button primary" type="submit">
                        "Import"
                    </button>
                </div>
            </form>
        </Card>
    }
}

/// One board over a range.
///
/// # Errors
/// There is none of this number for this viewer.
pub async fn board(ports: &Ports, viewer: &Viewer, id: &str, query: &str) -> Result<String, Fault> {
    let id = id.parse::<i64>().map_err(|_| none())?;
    let saved = ports.boards.one(viewer, id).await?;
    let now_ms = ports.metrics.now_ms();
    let (mut words, mut others) = (["", "", ""].map(str::to_owned), Vec::new());
    for (name, value) in pairs(query) {
        match name.as_str() {
            "range" => words[0] = value,
            "from" => words[1] = value,
            "to" => words[2] = value,
            "said" => {}
            _ if others.len() < 16 => others.push((name, value)),
            _ => {}
        }
    }
    let [range, from, to] = &words;
    let asked = !(range.is_empty() && from.is_empty() && to.is_empty());
    let range = if asked { range } else { &saved.board.range };
    let (range, refused) = match Range::read(range, from, to, now_ms) {
        Ok(range) => (range, None),
        Err(fault) => (None, Some(bar::refused(&fault))),
    };
    let others: Vec<(&str, &str)> = others
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let path = format!("/boards/{id}");
    let place = Place {
        path: &path,
        query: &others,
    };
    let said = ports.boards.said(viewer, &word(query, "said"));
    let panels = panels(ports, viewer, &saved, &usual(range.as_ref(), now_ms)).await;
    let every = range.is_none().then_some(super::drawn::EVERY_MS);
    let page = view! {
        <div class="page boards">
            {head(&saved, now_ms)}
            {said.as_ref().map(said_words)}
            {refused}
            {bar::bar(place, range.as_ref(), now_ms)}
            <h2 class="visually-hidden">"Panels"</h2>
            <div class="grid stretch explore-board" data-every=every>
                {panels}
            </div>
            {manage(&saved)}
        </div>
    };
    Ok(page.to_html())
}

/// What is said of a board that is not there, or not for this viewer: which of the two is nobody's business.
pub fn none() -> Fault {
    Fault::not_found("There is no such board. It was deleted, or its owner does not share it.")
}

async fn panels(ports: &Ports, viewer: &Viewer, saved: &SavedBoard, range: &Range) -> Vec<AnyView> {
    let marks = crate::request::marks_over(ports, viewer, Some(range)).await;
    let all = &saved.board.panels;
    let mut drawn = Vec::new();
    for (at, panel) in all.iter().enumerate().take(PANELS) {
        let (chart, several) = chart(ports, panel, range, &marks, all.len(), None).await;
        let class = if panel.wide || several {
            "card"
        } else {
            "card half"
        };
        let titled = (!panel.title.is_empty()).then(|| {
            view! {
                <p class="explore-expression mono" title=panel.expression.clone()>
                    {panel.expression.clone()}
                </p>
            }
        });
        drawn.push(view! {
            <section class=class id=format!("panel-{}", at + 1) aria-label=format!("Panel {}", at + 1)>
                <div class="card-body">
                    <div data-chart="">{chart}</div>
                    {titled}
                </div>
            </section>
        });
    }
    drawn
}

fn head(saved: &SavedBoard, now_ms: i64) -> AnyView {
    let row = &saved.row;
    let overview = row.start.then(|| {
        view! {
            <a class="button" href="/?overview" rel="external">
                "Overview"
            </a>
        }
    });
    let of = match &row.owner {
        _ if row.own => "Yours".to_owned(),
        Some(name) => format!("By {name}"),
        None => "Of an account that is gone".to_owned(),
    };
    let draft = Draft::of_board(row.id, row.version, &saved.board);
    let edit = if row.may_change { "Edit" } else { "Open in Explore" };
    view! {
        <div class="page-head">
            <div class="page-head-words">
                <h1 class="board-title" title=row.title.clone()>
                    {row.title.clone()}
                </h1>
                <p>
                    {of} ", seen by " {if row.shared { "everybody" } else { "you alone" }} ", changed " {when(row, now_ms)}
                </p>
            </div>
            <div class="page-head-end">
                <span class="button-row">
                    {overview} <a class="button" href="/boards">
                        "All boards"
                    </a> <a class="button primary" href=draft.href()>
                        {edit}
                    </a>
                </span>
            </div>
        </div>
    }
}

/// What can be done with a board as a whole.
fn manage(saved: &SavedBoard) -> AnyView {
    let row = &saved.row;
    let at = |verb: &str| format!("/api/boards/{}/{verb}", row.id);
    let start = start(row);
    let copy = view! {
        <form method="post" action=at("duplicate")>
            <button class="button" type="submit">
                "Duplicate"
            </button>
        </form>
    };
    let file = view! {
        <a class="button" href=format!("/boards/{}/board.toml", row.id) rel="external" download="">
            "As TOML"
        </a>
    };
    let changes = row.may_change.then(|| changes(saved));
    view! {
        <Card title="This board">
            <div class="boards-manage">
                <div class="button-row">{start} {copy} {file}</div>
                {changes}
            </div>
        </Card>
    }
}

fn start(row: &BoardRow) -> AnyView {
    let (id, words) = match row.start {
        true => (String::new(), "Open Farol with the overview again"),
        false => (row.id.to_string(), "Make it my start page"),
    };
    view! {
        <form method="post" action="/api/boards/start">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="at" value=row.id.to_string()/>
            <button class="button" type="submit">
                {words}
            </button>
        </form>
    }
}

/// For whom the board is.
fn changes(saved: &SavedBoard) -> AnyView {
    let row = &saved.row;
    let at = |verb: &str| format!("/api/boards/{}/{verb}", row.id);
    let version = row.version.to_string();
    let (shared, share, about) = match row.shared {
        true => (
            "false",
            "Share no more",
            "Everybody who may see metrics sees it. Only its owner and administrators change it.",
        ),
        false => (
            "true",
            "Share",
            "Nobody else sees it. Shared, everybody who may see metrics does.",
        ),
    };
    let whose = match row.own {
        true => String::new(),
        false => format!(" It belongs to {}.", owner(row)),
    };
    view! {
        <form class="boards-line" method="post" action=at("rename")>
            <input type="hidden" name="v" value=version.clone()/>
            <input
                class="input"
                name="title"
                value=row.title.clone()
                required
                maxlength=TITLE.to_string()
                aria-label="New title of this board"
                autocomplete="off"
            />
            <button class="button" type="submit">
                "Rename"
            </button>
        </form>
        <form class="boards-line" method="post" action=at("share")>
            <input type="hidden" name="shared" value=shared/>
            <button class="button" type="submit">
                {share}
            </button>
            <span class="muted">{about}</span>
        </form>
        {armed(
            format!("Delete {}", row.title),
            format!(
                "{} and its {} are deleted for everybody who sees it.{whose} This cannot be undone; \u{201c}As TOML\u{201d} keeps a copy.",
                row.title,
                counted(saved.board.panels.len() as u64, "panel"),
            ),
            at("delete"),
            &[("v", &version)],
        )}
    }
}

/// Of the overview, for who has lost their start page.
pub async fn lost_start_notice(ports: &Ports, viewer: &Viewer) -> String {
    match ports.boards.start(viewer).await {
        Ok(Start::Lost) => lost_start().to_html(),
        _ => String::new(),
    }
}
