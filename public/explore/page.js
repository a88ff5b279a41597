/** Explore and boards: finds while one types, and reads a file into its field. */

const TYPED_MS = 160;
let typed = 0;
/** What was asked for last; an older answer is not shown. */
let asked = 0;

const parse = (html) => new DOMParser().parseFromString(html, "text/html");

/** What stands at an address of Explore, as HTML; null when there is no answer. */
async function ask(at) {
  try {
    const answer = await fetch(`/api/fn/explore?at=${encodeURIComponent(at)}`);
    return answer.ok ? await answer.json() : null;
  } catch {
    // The server is away; the top bar says so.
    return null;
  }
}

async function find(field) {
  const list = document.getElementById("explore-found");
  const mine = ++asked;
  const html = await ask(`/explore/found?find=${encodeURIComponent(field.value)}`);
  if (html === null || mine !== asked || !list?.isConnected) return;
  list.replaceChildren(...parse(html).body.childNodes);
}

addEventListener("input", ({ target }) => {
  if (target.id !== "explore-find") return;
  clearTimeout(typed);
  typed = setTimeout(find, TYPED_MS, target);
});

// The values that are offered are those of the label that was chosen.
addEventListener("change", async ({ target }) => {
  if (target.name === "b-label") {
    const value = target.closest(".explore-filter")?.querySelector("[name=b-value]");
    value?.setAttribute("list", document.getElementById(`values-${target.value}`) ? `values-${target.value}` : "values");
  }
  const into = target.dataset?.into && document.getElementById(target.dataset.into);
  if (into && target.files.length) {
    // As much as the field takes; the server says that more is too much.
    into.value = await target.files[0].slice(0, into.maxLength + 1).text();
    target.value = "";
    into.focus();
  }
});

/** What is of use with scripts only. */
function reveal() {
  for (const one of document.querySelectorAll("[data-needs-script][hidden]")) one.hidden = false;
}

new MutationObserver(reveal).observe(document.body, { childList: true, subtree: true });
reveal();
