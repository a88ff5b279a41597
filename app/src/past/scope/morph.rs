//! Makes what stands in the document equal to what the server drew anew, and leaves alone what is equal already: the focus, what
//! somebody typed, what is open, and what the browser added (`data-own`).

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node};

/// Changes the inside of `old`.
pub(super) fn renew(old: &Element, html: &str) {
    // Neither fails: a template can always be made, and any text is HTML.
    let Ok(made) = leptos::prelude::document().create_element("div") else {
        return;
    };
    made.set_inner_html(html);
    children(old, &made);
}

fn children(old: &Node, new: &Node) {
    let (mut stands, mut comes) = (old.first_child(), new.first_child());
    loop {
        match (stands, comes) {
            (Some(own), come) if is_own(&own) => (stands, comes) = (own.next_sibling(), come),
            (Some(stand), Some(come)) => {
                let after = (stand.next_sibling(), come.next_sibling());
                if !stand.is_equal_node(Some(&come)) && !same(&stand, &come) {
                    drop(old.replace_child(&come, &stand));
                }
                (stands, comes) = after;
            }
            (Some(stand), None) => {
                let after = stand.next_sibling();
                drop(old.remove_child(&stand));
                (stands, comes) = (after, None);
            }
            (None, Some(come)) => {
                let after = come.next_sibling();
                drop(old.append_child(&come));
                (stands, comes) = (None, after);
            }
            (None, None) => return,
        }
    }
}

/// Changes one node into another where that can be done. A drawing is not changed: it is exchanged.
fn same(old: &Node, new: &Node) -> bool {
    if old.node_name() != new.node_name() || old.node_name() == "svg" {
        return false;
    }
    match (old.dyn_ref::<Element>(), new.dyn_ref::<Element>()) {
        (Some(stands), Some(comes)) => {
            attributes(stands, comes);
            children(stands, comes);
        }
        _ => old.set_node_value(new.node_value().as_deref()),
    }
    true
}

fn attributes(old: &Element, new: &Element) {
    for name in names(new) {
        let value = new.get_attribute(&name).unwrap_or_default();
        if old.get_attribute(&name).as_ref() != Some(&value) {
            drop(old.set_attribute(&name, &value));
        }
    }
    for name in names(old) {
        if name != "style" && name != "open" && !new.has_attribute(&name) {
            drop(old.remove_attribute(&name));
        }
    }
}

fn names(element: &Element) -> impl Iterator<Item = String> {
    let all = element.get_attribute_names();
    (0..all.length()).filter_map(move |at| JsValue::as_string(&all.get(at)))
}

fn is_own(node: &Node) -> bool {
    let element = node.dyn_ref::<Element>();
    element.is_some_and(|element| element.has_attribute("data-own"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use leptos::prelude::document;
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    wasm_bindgen_test_configure!(run_in_browser);

    fn made(html: &str) -> Element {
        let element = document().create_element("div").unwrap();
        element.set_inner_html(html);
        document().body().unwrap().append_child(&element).unwrap();
        element
    }

    #[wasm_bindgen_test]
    fn what_is_new_takes_the_place_of_what_was_and_all_else_stays_the_same_node() {
        let page = made("<p class='a' id='x'>one</p><ul><li>1</li><li>2</li></ul><input value='a'>");
        let (words, field) = (page.first_child().unwrap(), page.last_child().unwrap());
        field
            .dyn_ref::<web_sys::HtmlInputElement>()
            .unwrap()
            .set_value("typed");
        let wanted = "<p class=\"b\">two</p><ul><li>1</li></ul><input value=\"a\"><b>more</b>";
        renew(&page, wanted);
        assert_eq!(page.inner_html(), wanted);
        assert!(page.first_child().unwrap().is_same_node(Some(&words)));
        assert_eq!(
            field.dyn_ref::<web_sys::HtmlInputElement>().unwrap().value(),
            "typed"
        );
        page.remove();
    }

    #[wasm_bindgen_test]
    fn what_the_browser_added_and_what_is_open_stays() {
        let page = made("<details open><i>1</i><b data-own>mine</b></details>");
        renew(&page, "<details><i>2</i><u>3</u></details>");
        let html = page.inner_html();
        assert!(
            html.contains("open") && html.contains("mine") && html.contains("<i>2</i>"),
            "{html}"
        );
        assert!(html.contains("<u>3</u>"), "{html}");
        page.remove();
    }

    #[wasm_bindgen_test]
    fn a_drawing_is_exchanged_whole_and_an_equal_one_is_left() {
        let page = made("<svg><path d='M0 0'></path></svg><svg><path d='M1 1'></path></svg>");
        let (first, second) = (page.first_child().unwrap(), page.last_child().unwrap());
        renew(
            &page,
            "<svg><path d='M0 0'></path></svg><svg><path d='M2 2'></path></svg>",
        );
        assert!(page.first_child().unwrap().is_same_node(Some(&first)));
        assert!(!page.last_child().unwrap().is_same_node(Some(&second)));
        page.remove();
    }
}
