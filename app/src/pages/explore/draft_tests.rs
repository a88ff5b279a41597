use super::*;

fn draft(query: &str) -> Draft {
    Draft::ask(query).draft
}

fn expressions(draft: &Draft) -> Vec<&str> {
    let panels = draft.board.panels.iter();
    panels.map(|panel| panel.expression.as_str()).collect()
}

#[test]
fn an_address_is_read_and_written_as_it_was() {
    let address = "/explore?find=disk&title=My%20disks&board=7&v=3&p=a&t=First&w=full&l=stack&p=b%7Bc%3D%22d%22%7D&edit=1&style=log&range=1h";
    let query = address.split_once('?').unwrap().1;
    let asked = Draft::ask(query);
    assert_eq!(asked.go, None);
    assert_eq!(asked.draft.href(), address);
    let panels = &asked.draft.board.panels;
    assert_eq!(
        (panels[0].title.as_str(), panels[0].wide, panels[0].look.as_str()),
        ("First", true, "stack")
    );
    assert_eq!(panels[1].expression, "b{c=\"d\"}");
    assert_eq!(asked.draft.others, [("style".to_owned(), "log".to_owned())]);
    assert_eq!(
        (asked.draft.of, asked.draft.board.range.as_str()),
        (Some((7, 3)), "1h")
    );
    let more = draft(&asked.draft.with("x").replace("/explore", ""));
    assert_eq!(expressions(&more), ["a", "b{c=\"d\"}", "x"]);
}

#[test]
fn a_form_is_done_and_leads_to_an_address_without_it() {
    let asked = Draft::ask("p=a&t=&w=&l=&p=b&do=up.1&find=");
    assert_eq!(expressions(&asked.draft), ["b", "a"]);
    assert_eq!(asked.go.as_deref(), Some("/explore?p=b&p=a#panel-1"));
    let done = |query: &str| Draft::ask(query).go.unwrap();
    assert_eq!(done("p=a&p=b&do=down.0"), "/explore?p=b&p=a#panel-2");
    assert_eq!(done("p=a&p=b&edit=1&do=remove.0"), "/explore?p=b&edit=0#panel-1");
    assert_eq!(done("p=a&p=b&edit=0&do=remove.0"), "/explore?p=b#panel-1");
    assert_eq!(done("p=a&do=width.0"), "/explore?p=a&w=full#panel-1");
    assert_eq!(done("p=a&do=edit.0"), "/explore?p=a&edit=0#panel-1");
    assert_eq!(done("p=a&edit=0&do=close"), "/explore?p=a");
    assert_eq!(done("p=a&t=T&do=copy.0"), "/explore?p=a&t=T&p=a&t=T#panel-2");
    assert_eq!(done("find=x&p=a&add=b&do=draw"), "/explore?find=x&p=a&p=b");
    // What is not there cannot be moved, and does no harm.
    assert_eq!(done("p=a&do=up.0"), "/explore?p=a");
    assert_eq!(done("p=a&do=remove.9"), "/explore?p=a");
    assert_eq!(done("p=a&do=nonsense"), "/explore?p=a");
}

#[test]
fn the_look_of_the_panel_that_is_open_is_chosen_and_all_else_of_it_stays() {
    let done = |query: &str| Draft::ask(query).go.unwrap();
    assert_eq!(
        done("p=a&l=hide%3Dx%26mode%3Dlines&edit=0&b-mode=stacked&b-axis=log&b-compare=1d"),
        "/explore?p=a&l=hide%3Dx%26mode%3Dstacked%26axis%3Dlog%26compare%3D1d&edit=0#panel-1"
    );
    assert_eq!(
        done("p=a&l=mode%3Dbars&p=b&edit=0&b-mode=&b-axis=&b-compare="),
        "/explore?p=a&p=b&edit=0#panel-1"
    );
    // No panel is open: nobody chose.
    assert_eq!(done("p=a&b-mode=bars&do=draw"), "/explore?p=a");
}

#[test]
fn an_expression_that_was_emptied_is_taken_away() {
    assert_eq!(Draft::ask("p=a&p=+&p=b").go.as_deref(), Some("/explore?p=a&p=b"));
}

#[test]
fn choices_make_an_expression() {
    let form = "p=disk_read_bytes&edit=0&b-was=disk_read_bytes&b-metric=disk_read_bytes&b-label=device&b-sign=%3D~&b-value=sd.*\
                &b-label=&b-sign=%3D&b-value=&b-rate=on&b-combine=sum&b-by=device&b-by=kind&b-q=&b-keep=topk&b-k=3&do=draw";
    let asked = Draft::ask(form);
    assert_eq!(
        expressions(&asked.draft),
        ["topk(3, sum by (device, kind) (rate(disk_read_bytes{device=~\"sd.*\"})))"]
    );
    assert!(asked.go.unwrap().ends_with("&edit=0#panel-1"));
    // Somebody who has changed the text means the text.
    let typed = form.replacen("p=disk_read_bytes", "p=other", 1);
    assert_eq!(expressions(&draft(&typed)), ["other"]);
    // Words that are no choice are none.
    let odd = "p=x&edit=0&b-was=x&b-metric=x&b-combine=evil&b-keep=no&b-label=a&b-sign=%3C&b-value=b";
    assert_eq!(expressions(&draft(odd)), ["x{a=\"b\"}"]);
}

#[test]
fn what_is_not_known_is_kept_within_bounds() {
    let many: String = (0..40).map(|at| format!("x{at}=1&")).collect();
    assert_eq!(draft(&many).others.len(), 16);
    assert_eq!(draft(&format!("x={}", "y".repeat(300))).others, []);
    assert_eq!(draft(&format!("find={}", "y".repeat(300))).find.len(), 100);
    // A title of no panel, and a panel that is not there.
    let odd = draft("t=lost&edit=5&p=a&board=x&v=y");
    assert_eq!(
        (odd.edit, odd.of, odd.board.panels[0].title.as_str()),
        (None, None, "")
    );
}
