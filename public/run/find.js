/**
 * Finds words in the output of a run. Drawn as highlights of the page (CSS Custom Highlight API), so the output itself stays
 * as it is while more of it comes. Enter goes on to the next, Shift+Enter back; Escape ends it.
 */

const ALL = "found";
const HERE = "found-here";
/** Finds more than that are counted as so many. */
const MOST = 5000;

let at = 0;

/** Every place of the words in the text of an element. */
function rangesOf(root, words) {
  const texts = [];
  let all = "";
  for (const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT); walker.nextNode(); ) {
    texts.push({ node: walker.currentNode, from: all.length });
    all += walker.currentNode.data;
  }
  const ranges = [];
  const lower = all.toLowerCase();
  // Where lower case changes the length, places cannot be told.
  if (lower.length !== all.length) return ranges;
  let text = 0;
  for (let from = lower.indexOf(words); from >= 0 && ranges.length < MOST; from = lower.indexOf(words, from + words.length)) {
    const range = new Range();
    while (text + 1 < texts.length && texts[text + 1].from <= from) text++;
    range.setStart(texts[text].node, from - texts[text].from);
    let last = text;
    const to = from + words.length;
    while (last + 1 < texts.length && texts[last + 1].from < to) last++;
    range.setEnd(texts[last].node, to - texts[last].from);
    ranges.push(range);
  }
  return ranges;
}

function find(field, step) {
  const output = field.closest(".output-box")?.querySelector("[role=log]");
  const words = field.value.toLowerCase();
  CSS.highlights.delete(ALL);
  CSS.highlights.delete(HERE);
  field.removeAttribute("aria-invalid");
  field.title = "";
  if (!output || !words) return;
  const ranges = rangesOf(output, words);
  if (ranges.length === 0) {
    field.setAttribute("aria-invalid", "true");
    field.title = "Not found";
    return;
  }
  at = (((step === 0 ? 0 : at + step) % ranges.length) + ranges.length) % ranges.length;
  CSS.highlights.set(ALL, new Highlight(...ranges));
  CSS.highlights.set(HERE, new Highlight(ranges[at]));
  field.title = `${at + 1} of ${ranges.length}`;
  const place = ranges[at].getBoundingClientRect();
  const box = output.getBoundingClientRect();
  if (place.top < box.top || place.bottom > box.bottom) output.scrollTop += place.top - box.top - box.height / 3;
}

const fieldOf = (event) => (event.target instanceof HTMLInputElement && "find" in event.target.dataset ? event.target : null);

// Once per document: the module is fetched once, however often a page asks for it.
if ("highlights" in CSS) {
  document.addEventListener("input", (event) => {
    const field = fieldOf(event);
    if (field) find(field, 0);
  });
  document.addEventListener("keydown", (event) => {
    const field = fieldOf(event);
    if (!field) return;
    if (event.key === "Enter") {
      event.preventDefault();
      find(field, event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      field.value = "";
      find(field, 0);
    }
  });
}
