/** Asks for the words of the pages of applications and checks again, and shows what changed. Charts are live by themselves. */

const EVERY_MS = 5000;
/** An answer is on its way. */
let busy = false;

function place() {
  const here = location.pathname;
  if (here !== "/apps" && here !== "/checks" && !here.startsWith("/apps/")) return null;
  // A time that is past stands still.
  if (/[?&](range|from|to)=/.test(location.search)) return null;
  return document.querySelector(".apps .drawn");
}

/** Somebody types, or has marked something to copy. */
function inUse(element) {
  const focus = document.activeElement;
  if (focus && element.contains(focus) && focus.matches("input, textarea, select")) return true;
  const marked = getSelection();
  return Boolean(marked && !marked.isCollapsed && element.contains(marked.anchorNode));
}

/** What a person can be at, by what stays the same when the page is drawn anew. */
function name(element) {
  return element.id || element.getAttribute("href") || element.getAttribute("aria-label");
}

function show(element, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  if (fresh.body.innerHTML === element.dataset.shown) return;
  // The first numbers have come: their charts come with the page.
  if (element.querySelector("[data-waiting]") && !fresh.querySelector("[data-waiting]")) return location.reload();
  const scrolled = [...element.querySelectorAll(".table-wrap, pre")].map((one) => one.scrollLeft);
  const focus = element.contains(document.activeElement) ? name(document.activeElement) : null;
  element.dataset.shown = fresh.body.innerHTML;
  element.replaceChildren(...fresh.body.childNodes);
  [...element.querySelectorAll(".table-wrap, pre")].forEach((one, at) => (one.scrollLeft = scrolled[at] ?? 0));
  if (focus) [...element.querySelectorAll("a, button, input, [tabindex]")].find((one) => name(one) === focus)?.focus({ preventScroll: true });
}

async function again() {
  const element = place();
  if (!element || busy || document.hidden || inUse(element)) return;
  const at = location.pathname + location.search;
  busy = true;
  try {
    const answer = await fetch(`/api/fn/apps?at=${encodeURIComponent(at)}&by_itself=true`);
    if (!answer.ok) return;
    const html = (await answer.json()).html;
    // The page may have been left meanwhile.
    const still = at === location.pathname + location.search && place() === element;
    if (html && still && !inUse(element)) show(element, html);
  } catch {
    // The server is away; the top bar says so.
  } finally {
    busy = false;
  }
}

setInterval(again, EVERY_MS);
