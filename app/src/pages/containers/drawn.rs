//! What stands above the table, or in its place where there is no engine: what was looked for and how to enable one. Drawn by the
//! server.

use crate::prelude::*;
use crate::{
    pages::watched::Row,
    ui::{Notice, Tone},
};
use farol_model::container::{ContainerDetails, ContainerPage, EngineState};

/// HTML; nothing when there is nothing to say.
pub fn notice(page: &ContainerPage) -> String {
    let engine = match &page.engine {
        EngineState::Ready { .. } => None,
        EngineState::Looking => Some(view! {
            <div class="engine-help">
                <p>"Looking for a container engine."</p>
            </div>
        }),
        EngineState::Off => Some(view! {
            <div class="engine-help card">
                <div class="card-body prose">
                    <h2>"Containers are switched off"</h2>
                    <p>
                        "farol.toml says " <code>"enabled = false"</code> " under " <code>"[containers]"</code>
                        ". Take it out and start Farol again to see them here."
                    </p>
                </div>
            </div>
        }),
        EngineState::Absent { places } => Some(view! { <Help places=places.clone()/> }),
        EngineState::Lost { socket, reason } => {
            let text =
                format!("{socket}: {reason}. What is shown was last known. Looking again every few seconds.");
            Some(view! { <Notice tone=Tone::Warn title="The container engine does not answer" text/> })
        }
    };
    let limits = page.limits.iter().map(|text| {
        view! { <Notice tone=Tone::Info title="Not everything is shown" text=text.clone()/> }
    });
    engine
        .into_iter()
        .chain(limits)
        .map(|one| one.to_html())
        .collect()
}

/// How a container is made, as HTML in one cell; nothing when it was not asked for.
pub fn made(details: ContainerDetails) -> Vec<Row> {
    if details.facts.is_empty() {
        return Vec::new();
    }
    let facts = details
        .facts
        .into_iter()
        .map(|(word, value)| {
            view! {
                <div>
                    <dt>{word}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
        .collect::<Vec<_>>();
    vec![vec![view! { <dl class="facts rows">{facts}</dl> }.to_html()]]
}

#[component]
fn Help(places: Vec<(String, String)>) -> AnyView {
    let looked = places
        .into_iter()
        .map(|(place, found)| {
            view! {
                <li>
                    <code>{place}</code>
                    ": "
                    {found}
                    "."
                </li>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <div class="engine-help card">
            <div class="card-body prose">
                <h2>"No container engine answers"</h2>
                <p>"Farol shows containers of Docker or Podman through the engine's socket on this machine. It looks again every few seconds; nothing has to be restarted. This is where it looked:"</p>
                <ul>{looked}</ul>
                <h3>"Docker"</h3>
                <p>"Start it, and let the account that Farol runs as use its socket. Whoever may use that socket may do everything on this machine, so think before you do:"</p>
                <pre tabindex="0">"sudo systemctl enable --now docker\nsudo usermod --append --groups docker farol"</pre>
                <h3>"Podman for one account, without root"</h3>
                <p>"Run Farol as the account that owns the containers, and enable its socket:"</p>
                <pre tabindex="0">"systemctl --user enable --now podman.socket\nloginctl enable-linger"</pre>
                <h3>"Podman for the whole machine"</h3>
                <pre tabindex="0">"sudo systemctl enable --now podman.socket"</pre>
                <h3>"Another place"</h3>
                <p>"Name the socket in farol.toml, or in the variable " <code>"DOCKER_HOST"</code> " as " <code>"unix:///path"</code> ":"</p>
                <pre tabindex="0">"[containers]\nsocket = \"/run/user/1000/podman/podman.sock\""</pre>
                <p>"A group that an account was added to counts from its next sign-in or the next start of its service."</p>
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(engine: EngineState, limits: Vec<String>) -> String {
        let page = ContainerPage {
            engine,
            limits,
            ..Default::default()
        };
        Owner::new().with(|| notice(&page))
    }

    #[test]
    fn without_an_engine_it_says_where_it_looked_and_what_to_do() {
        let places = vec![("/run/<b>.sock".to_owned(), "there is no socket".to_owned())];
        let html = drawn(EngineState::Absent { places }, vec![]);
        for word in [
            "there is no socket",
            "usermod",
            "podman.socket",
            "[containers]",
            "/run/&lt;b&gt;.sock",
        ] {
            assert!(html.contains(word), "{word} in {html}");
        }
    }

    #[test]
    fn an_engine_that_is_lost_and_limits_are_told_and_all_else_is_silent() {
        let ready = EngineState::Ready {
            name: "x".into(),
            socket: "/s".into(),
        };
        assert_eq!(drawn(ready.clone(), vec![]), "");
        assert!(drawn(ready, vec!["Limit reached.".into()]).contains("Limit reached."));
        let lost = EngineState::Lost {
            socket: "/s".into(),
            reason: "the connection broke off".into(),
        };
        assert!(drawn(lost, vec![]).contains("/s: the connection broke off. What is shown"));
    }
}
