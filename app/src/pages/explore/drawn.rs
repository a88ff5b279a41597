//! The page Explore. It is one form: whatever button is pressed, what was typed elsewhere on the page is not lost.

use super::{
    board::{EXPRESSION, PANELS, Panel, TITLE},
    build::Built,
    draft::{Asked, Draft, FIND},
    editor::editor,
    found,
    panel::{self, DRAWN},
    view::{Said, SavedBoard},
};
use crate::{
    past::{
        Range,
        bar::{self, Place},
    },
    ports::Ports,
    prelude::*,
    ui::{Glyph, Icon, Notice, Tone, moment::utc},
};
use farol_model::{Fault, Viewer, action::Mark};

/// How often charts of the present are drawn again, milliseconds.
pub const EVERY_MS: &str = "3000";
/// Values of one label that are offered.
const VALUES: usize = 100;

/// The page at an address.
///
/// # Errors
/// None now: what is wrong is said where it is wrong.
pub async fn explore(ports: &Ports, viewer: &Viewer, query: &str) -> Result<String, Fault> {
    let Asked { draft, go } = Draft::ask(query);
    if let Some(go) = go {
        crate::request::go_after_form(&go);
        // A script follows no redirect; it gets the page.
        if crate::request::is_page() {
            return Ok(String::new());
        }
    }
    let now_ms = ports.metrics.now_ms();
    let (range, refused) = match Range::read(&draft.range, &draft.from, &draft.to, now_ms) {
        Ok(range) => (range, None),
        Err(fault) => (None, Some(bar::refused(&fault))),
    };
    let found = found::find(ports.metrics.as_ref(), &draft).await;
    let saved = match draft.of {
        Some((id, _)) => ports.boards.one(viewer, id).await.ok(),
        None => None,
    };
    let too_much = draft.board.check_panels().err();
    let panels = panels(ports, viewer, &draft, &usual(range.as_ref(), now_ms)).await;
    let said = ports.boards.said(viewer, &draft.said);
    let pairs = draft.pairs();
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let place = Place {
        path: "/explore",
        query: &pairs,
    };
    let some = !draft.board.panels.is_empty();
    let page = view! {
        <div class="page explore">
            {head()}
            {said.as_ref().map(said_words)}
            <form class="page" method="get" action="/explore" id="explore">
                <button class="visually-hidden" type="submit" name="do" value="draw" tabindex="-1">
                    "Draw"
                </button>
                {search(&draft, found.as_ref())}
                {hidden(&draft)}
                {too_much.map(|fault| view! { <Notice tone=Tone::Warn title="Too much for one board" text=fault.message urgent=true/> })}
                {some.then(|| save(&draft, saved.as_ref(), now_ms))}
                {refused}
                {some.then(|| {
                    view! {
                        {bar::bar(place, range.as_ref(), now_ms)}
                        <h2 class="visually-hidden">"Panels"</h2>
                        <div class="grid stretch explore-board" data-every=range.is_none().then_some(EVERY_MS)>
                            {panels}
                        </div>
                    }
                })}
            </form>
            {match some {
                true => ().into_any(),
                false => found::beginnings(ports.metrics.as_ref(), &draft).await,
            }}
        </div>
    };
    Ok(page.to_html())
}

/// The range that is drawn: the last minutes when none is asked for.
pub fn usual(range: Option<&Range>, now_ms: i64) -> Range {
    range.cloned().unwrap_or_else(|| Range {
        word: None,
        from_ms: now_ms - 900_000,
        to_ms: now_ms,
    })
}

fn head() -> AnyView {
    view! {
        <div class="page-head">
            <div class="page-head-words">
                <h1>"Explore"</h1>
                <p>"Any metric of this machine and its applications, in charts of your own."</p>
            </div>
            <div class="page-head-end">
                <a class="button" href="/boards">
                    "Boards"
                </a>
            </div>
        </div>
    }
}

/// What a form has to say that led here.
pub fn said_words(said: &Said) -> AnyView {
    let (tone, title) = match said.good {
        true => (Tone::Ok, "Done"),
        false => (Tone::Crit, "Not done"),
    };
    view! { <Notice tone title text=said.text.clone() urgent=!said.good/> }
}

fn search(draft: &Draft, found: Option<&Result<crate::past::FoundSeries, Fault>>) -> AnyView {
    view! {
        <div class="card" role="search">
            <div class="card-body explore-search">
                <label for="explore-find">"Find a metric"</label>
                <div class="explore-find">
                    <div class="search-input">
                        <Icon glyph=Glyph::Search/>
                        <input
                            class="input"
                            id="explore-find"
                            type="search"
                            name="find"
                            value=draft.find.clone()
                            maxlength=FIND.to_string()
                            placeholder="disk, memory, an application, a device: by name, label or what it measures"
                            autocomplete="off"
                            spellcheck="false"
                        />
                    </div>
                    <button class="button" type="submit" name="do" value="draw">
                        "Find"
                    </button>
                </div>
                <div class="explore-found" id="explore-found">
                    {found::list(draft, found)}
                </div>
            </div>
        </div>
    }
}

/// What the form carries along unseen.
fn hidden(draft: &Draft) -> AnyView {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            fields.push((name.to_owned(), value));
        }
    };
    if let Some((id, version)) = draft.of {
        add("board", id.to_string());
        add("v", version.to_string());
    }
    if draft.board.panels.is_empty() {
        add("title", draft.board.title.clone());
    }
    add("edit", draft.edit.map(|at| at.to_string()).unwrap_or_default());
    add("range", draft.range.clone());
    add("from", draft.from.clone());
    add("to", draft.to.clone());
    for (name, value) in &draft.others {
        add(name, value.clone());
    }
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    fields.collect::<Vec<_>>().into_any()
}

/// Title, and the buttons that keep it. A board that somebody else has changed meanwhile is not overwritten unasked.
fn save(draft: &Draft, saved: Option<&SavedBoard>, now_ms: i64) -> AnyView {
    let mine = saved.filter(|saved| saved.row.may_change);
    let moved = mine.filter(|saved| draft.of.is_some_and(|(_, version)| version != saved.row.version));
    let again = mine.map(|saved| {
        let (primary, words) = match moved.is_some() {
            true => ("button danger", "Overwrite it"),
            false => ("button primary", "Save"),
        };
        let version = saved.row.version.to_string();
        view! {
            <button
                class=primary
                type="submit"
                formmethod="post"
                formaction=format!("/api/boards/{}", saved.row.id)
                name="over"
                value=version
            >
                {words}
            </button>
        }
    });
    let (class, words) = match again.is_some() {
        true => ("button", "Save as another"),
        false => ("button primary", "Save board"),
    };
    let gone = (draft.of.is_some() && saved.is_none()).then(|| {
        view! {
            <Notice
                tone=Tone::Warn
                title="The board that this comes from is gone"
                text="It was deleted, or is not shared any more. What you see can be saved as a new board."
            />
        }
    });
    let moved = moved.map(|saved| moved_words(saved, now_ms));
    view! {
        {gone}
        {moved}
        <div class="explore-save">
            <input
                class="input"
                name="title"
                value=draft.board.title.clone()
                maxlength=TITLE.to_string()
                aria-label="Title of the board"
                placeholder="Title of the board"
                autocomplete="off"
            />
            <span class="button-row">
                {again}
                <button class=class type="submit" formmethod="post" formaction="/api/boards">
                    {words}
                </button>
                <a class="button plain" href="/explore">
                    "Begin anew"
                </a>
            </span>
        </div>
    }
}

fn moved_words(saved: &SavedBoard, now_ms: i64) -> AnyView {
    let row = &saved.row;
    let ago = crate::pages::controls::words::ago(row.changed_ms, now_ms);
    let text = format!(
        "{} changed it {ago} ({}), after you had opened it. Nothing of theirs is lost unless you overwrite it.",
        row.changed_by,
        utc(row.changed_ms)
    );
    view! {
        <div class="notice warn" role="alert">
            <Icon glyph=Glyph::Alert/>
            <div class="notice-words">
                <p class="notice-title">"Somebody else has changed this board"</p>
                <p>{text}</p>
                <p>
                    <a class="link" href=format!("/boards/{}", row.id)>
                        "See the board as it is now"
                    </a>
                </p>
            </div>
        </div>
    }
}

/// Every panel, with what belongs to it in the form.
async fn panels(ports: &Ports, viewer: &Viewer, draft: &Draft, range: &Range) -> Vec<AnyView> {
    let marks = crate::request::marks_over(ports, viewer, Some(range)).await;
    let all = &draft.board.panels;
    let mut drawn = Vec::new();
    for (at, panel) in all.iter().enumerate().take(PANELS) {
        let (chart, several) = chart(ports, panel, range, &marks, all.len(), Some(at)).await;
        let open = draft.edit == Some(at);
        let editor = match open {
            true => Some(editor(panel, &labels(ports, panel).await)),
            false => None,
        };
        let rest = match open {
            true => ().into_any(),
            false => view! { <input type="hidden" name="t" value=panel.title.clone()/> },
        };
        let class = if panel.wide || open || several {
            "card"
        } else {
            "card half"
        };
        drawn.push(view! {
            <section class=class id=format!("panel-{}", at + 1) aria-label=format!("Panel {}", at + 1)>
                <div class="card-body">
                    <div data-chart="">{chart}</div>
                    {tools(at, panel, all.len(), open)}
                    {rest}
                    <input type="hidden" name="w" value=if panel.wide { "full" } else { "" }/>
                    <input type="hidden" name="l" value=panel.look.clone()/>
                    {editor}
                </div>
            </section>
        });
    }
    drawn
}

/// The labels that a panel can be told apart by. Without them there is less to choose from, and that is all.
async fn labels(ports: &Ports, panel: &Panel) -> Vec<super::view::LabelValues> {
    let metric = Built::parse(&panel.expression).map_or_else(String::new, |built| built.metric);
    if metric.is_empty() {
        return Vec::new();
    }
    ports.metrics.labels(&metric, VALUES).await.unwrap_or_default()
}

/// The chart of a panel, and a word when it does not show all; and whether it is several charts, which want room. `at`: where it can
/// be changed.
pub async fn chart(
    ports: &Ports,
    panel: &Panel,
    range: &Range,
    marks: &[Mark],
    panels: usize,
    at: Option<usize>,
) -> (AnyView, bool) {
    if let Some((field, why)) = panel.wrong() {
        let fault = Fault::invalid(field, format!("The {field} {why}."));
        return (panel::fault(panel, &fault), false);
    }
    let answer = match panel::ask(ports.metrics.as_ref(), panel, range, panels).await {
        Ok(answer) => answer,
        Err(fault) => return (panel::fault(panel, &fault), false),
    };
    let units = answer.units();
    let more = (answer.total > DRAWN).then(|| {
        let words = format!("The first {DRAWN} of {} series are drawn. ", answer.total);
        let top = at.map(|at| {
            view! {
                <button class="button small" type="submit" name="do" value=format!("top.{at}")>
                    "Only the 10 highest"
                </button>
            }
        });
        view! { <p class="muted explore-more">{words} {top}</p> }
    });
    let drawn = view! {
        {panel::charts(panel, &answer, range, marks)}
        {more}
    };
    (drawn, units.len() > 1)
}

/// The expression, and what can be done with the panel.
fn tools(at: usize, panel: &Panel, panels: usize, open: bool) -> AnyView {
    let button = |verb: &str, sign: &'static str, words: &str| {
        let label = format!("{words} panel {}", at + 1);
        view! {
            <button
                class="button plain small"
                type="submit"
                name="do"
                value=format!("{verb}.{at}")
                aria-label=label.clone()
                title=label
            >
                {sign}
            </button>
        }
    };
    let change = (!open).then(|| button("edit", "Change", "Change"));
    let up = (at > 0).then(|| button("up", "\u{2191}", "Move up"));
    let down = (at + 1 < panels).then(|| button("down", "\u{2193}", "Move down"));
    let copy = (panels < PANELS).then(|| button("copy", "Copy", "Copy"));
    let width = match panel.wide {
        true => button("width", "Half", "Half the width for"),
        false => button("width", "Full", "Full width for"),
    };
    view! {
        <div class="explore-tools">
            <input
                class="input mono"
                name="p"
                value=panel.expression.clone()
                maxlength=EXPRESSION.to_string()
                aria-label=format!("Expression of panel {}", at + 1)
                title=panel.expression.clone()
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
            />
            <span class="explore-buttons">
                {change} {up} {down} {width} {copy} {button("remove", "\u{2715}", "Remove")}
            </span>
        </div>
    }
}
