/**
 * Keeps a list that the server draws as it is now. The page counts changes in `data-changes` of an element with `data-list`; with
 * each the list is asked for once more, with the filter and the page of the address, and only what differs is changed: rows are
 * known by `data-key`, so what is chosen, focused or scrolled to stays. One question at a time, never in a page that nobody looks at.
 */

/** Milliseconds between two questions at least, however many runs change. */
const REST = 500;

const keyOf = (node) => (node instanceof Element ? node.dataset.key : undefined);
const alike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

/** Makes the children of `to` what those of `from` are, with as few changes as there can be. */
function become(to, from) {
  const keys = new Set(Array.from(from.children, keyOf));
  for (const child of [...to.children]) if (keyOf(child) !== undefined && !keys.has(keyOf(child))) child.remove();
  let at = to.firstChild;
  for (const wanted of [...from.childNodes]) {
    const key = keyOf(wanted);
    const known = key === undefined ? at : [...to.children].find((child) => keyOf(child) === key);
    if (!known || !alike(known, wanted)) {
      to.insertBefore(wanted, at);
      continue;
    }
    if (known !== at) to.insertBefore(known, at);
    at = known.nextSibling;
    if (!known.isEqualNode(wanted)) {
      if (!(known instanceof Element)) known.nodeValue = wanted.nodeValue;
      // What somebody types into is theirs.
      else if (key !== "filter") mend(known, wanted);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function mend(known, wanted) {
  for (const { name } of [...known.attributes]) if (!wanted.hasAttribute(name)) known.removeAttribute(name);
  for (const { name, value } of wanted.attributes) if (known.getAttribute(name) !== value) known.setAttribute(name, value);
  become(known, wanted);
}

async function look(list) {
  const query = new URLSearchParams(location.search);
  // An unattended screen must not keep its session alive.
  query.set("by_itself", "true");
  const before = list.dataset.changes;
  const answer = await fetch(`/api/fn/${list.dataset.list}?${query}`, { headers: { accept: "application/json" } });
  const html = answer.ok ? await answer.json() : null;
  // Another page or another filter stands there by now.
  if (html === null || !list.isConnected) return before;
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  for (const time of fresh.content.querySelectorAll("time[data-ms]")) time.textContent = new Date(Number(time.dataset.ms)).toLocaleString("sv-SE");
  const held = document.activeElement;
  const inside = list.contains(held);
  become(list, fresh.content);
  // The row that had the focus has left the list.
  if (inside && !held.isConnected) list.querySelector("[role=region]")?.focus({ preventScroll: true });
  return before;
}

const looking = new WeakMap();

async function follow(list) {
  if (looking.has(list)) return;
  looking.set(list, true);
  let seen;
  while (list.isConnected && seen !== list.dataset.changes) {
    if (document.hidden) await new Promise((shown) => document.addEventListener("visibilitychange", shown, { once: true }));
    else {
      // A server that does not answer tells of the next change when it is back.
      seen = await look(list).catch(() => list.dataset.changes);
      await new Promise((rested) => setTimeout(rested, REST));
    }
  }
  looking.delete(list);
}

// Once per document: the module is fetched once, however often a page asks for it.
new MutationObserver((changes) => {
  for (const { target } of changes) if (target instanceof HTMLElement && target.dataset.list) void follow(target);
}).observe(document.documentElement, { subtree: true, attributeFilter: ["data-changes"] });
