use super::{
    api::{ControlsView, get_controls, get_run},
    panel::{ActionPanel, CameBack},
    run::RunOutcome,
};
use crate::prelude::*;
use crate::{
    page_data::{load, page_data},
    ui::Card,
};
use farol_model::action::{ActionSpec, PanelNotes, Params, RunView};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

#[component]
pub fn ControlsPage() -> AnyView {
    let query = use_query_map();
    let again = move || query.get().get_str("again").unwrap_or_default().to_owned();
    let resource = page_data(again, get_controls);
    view! {
        <Title text="Controls"/>
        <div class="page">
            <div class="page-head">
                <div class="page-head-words">
                    <h1>"Controls"</h1>
                    <p>"What you may do here. Every run is written to the audit log before it starts."</p>
                </div>
            </div>
            <CameBack/>
            {load(resource, |view| view! { <Controls view/> })}
        </div>
    }
}

/// Specs under their groups, both in the order of the server.
fn grouped(specs: Vec<ActionSpec>) -> Vec<(String, Vec<ActionSpec>)> {
    let mut groups: Vec<(String, Vec<ActionSpec>)> = Vec::new();
    for spec in specs {
        match groups.iter_mut().find(|(name, _)| *name == spec.group) {
            Some((_, members)) => members.push(spec),
            None => groups.push((spec.group.clone(), vec![spec])),
        }
    }
    groups
}

#[component]
fn Controls(view: ControlsView) -> AnyView {
    let seed = view.key_seed.clone();
    let notes: Vec<(String, PanelNotes)> = view
        .specs
        .iter()
        .map(|spec| spec.id.clone())
        .zip(view.notes)
        .collect();
    let (again, values) = view.again;
    let groups = grouped(view.specs)
        .into_iter()
        .map(|(name, specs)| {
            let class = if specs.len() == 1 {
                "section one"
            } else {
                "section"
            };
            let panels = specs
                .into_iter()
                .map(|spec| {
                    let noted = notes.iter().find(|(id, _)| *id == spec.id);
                    let notes = noted.map(|(_, notes)| notes.clone()).unwrap_or_default();
                    let first = if spec.id == again {
                        values.clone()
                    } else {
                        Params::new()
                    };
                    view! { <ActionPanel spec notes first key_seed=seed.clone()/> }
                })
                .collect::<Vec<_>>();
            view! {
                <section class=class aria-label=name.clone()>
                    <div class="section-head">
                        <h2>{name.clone()}</h2>
                    </div>
                    <div class="panels">{panels}</div>
                </section>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <div class="controls">
            <div class="groups">
                <div class="above" inner_html=view.above></div>
                {groups}
            </div>
            <Card title="Recent runs" flush=true more=("/runs", "All runs")>
                <div inner_html=view.runs></div>
            </Card>
        </div>
    }
}

/// One run on its own page.
#[component]
pub fn RunPage() -> AnyView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.get().get("id").unwrap_or_default());
    let resource = page_data(move || id.get(), get_run);
    view! {
        <Title text="Run"/>
        <div class="page">
            <CameBack/>
            {load(
                resource,
                |(view, (now_ms, more)): (RunView, (i64, String))| {
                    let title = view.run.title.clone();
                    view! {
                        <div class="page-head">
                            <div class="page-head-words">
                                <h1>{title}</h1>
                                <p>
                                    <a class="link" href="/runs">
                                        "All runs"
                                    </a>
                                </p>
                            </div>
                        </div>
                        <div class="card">
                            <div class="card-body">
                                <RunOutcome view now_ms more/>
                            </div>
                        </div>
                    }
                },
            )}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::{Permission, action::Danger};

    #[test]
    fn panels_gather_under_their_group_in_the_order_of_the_server() {
        let spec = |id: &str, group: &str| ActionSpec {
            id: id.into(),
            title: id.into(),
            summary: String::new(),
            group: group.into(),
            permission: Permission::RunActions,
            danger: Danger::Safe,
            confirm: None,
            time_limit_secs: 1,
            params: vec![],
        };
        let groups = grouped(vec![spec("a", "x"), spec("b", "y"), spec("c", "x")]);
        let names: Vec<_> = groups
            .iter()
            .map(|(name, specs)| (name.as_str(), specs.len()))
            .collect();
        assert_eq!(names, [("x", 2), ("y", 1)]);
    }
}
