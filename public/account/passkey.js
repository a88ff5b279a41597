/**
 * Passkeys: carries what the server asks to the browser's authenticator and the answer back (WebAuthn level 3). And times, which
 * the server writes in UTC, in the viewer's zone.
 *
 * The file is what the browser runs, as you read it. The pages are drawn by the server; what this listens to has a `data-passkey`:
 * `make` is a form with a name, `show` is a button that is hidden until this file has found that the browser can do it.
 */

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** What the server refused, with its words. */
class Refused extends Error {}

async function ask(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  if (told.code === "proof_needed") location.assign("/prove?next=" + encodeURIComponent(location.pathname));
  throw new Refused(told.message ?? "The server did not answer. Try again in a while.");
}

/** The server's options with bytes where it wrote text. */
function options(plain) {
  const credentials = (all) => all?.map((one) => ({ ...one, id: bytes(one.id) }));
  const made = { ...plain, challenge: bytes(plain.challenge) };
  if (plain.user) made.user = { ...plain.user, id: bytes(plain.user.id) };
  if (plain.excludeCredentials) made.excludeCredentials = credentials(plain.excludeCredentials);
  if (plain.allowCredentials) made.allowCredentials = credentials(plain.allowCredentials);
  return made;
}

/** A credential with text where it has bytes. */
function written(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = text(credential.response[part]);
  }
  const transports = credential.response.getTransports?.();
  if (transports) response.transports = transports;
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    extensions: credential.getClientExtensionResults(),
  };
}

async function make(name) {
  const begun = await ask("/api/account/passkeys/begin", {});
  const credential = await navigator.credentials.create({ publicKey: options(begun.publicKey) });
  return ask("/api/account/passkeys/finish", { id: begun.id, name, credential: written(credential) });
}

async function show(next) {
  const begun = await ask("/api/auth/passkey/begin", {});
  const credential = await navigator.credentials.get({ publicKey: options(begun.publicKey) });
  return ask("/api/auth/passkey/finish", { id: begun.id, next, credential: written(credential) });
}

function why(error) {
  if (error instanceof Refused) return error.message;
  if (error.name === "InvalidStateError") return "This device has a passkey for your account already.";
  if (error.name === "SecurityError") return "The browser makes no passkey under this address. Open Farol by its name, with https.";
  if (error.name === "NotAllowedError") return "It was cancelled, took too long, or the device has no passkey for this address.";
  return "The browser could not do it: " + error.message;
}

/** At most one at a time; the button says that it is under way, and the line below it why it did not work. */
async function run(element, button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const fault = element.parentElement.querySelector("[data-passkey-fault]");
  button.setAttribute("aria-disabled", "true");
  fault.textContent = "";
  try {
    const { next } = await work();
    location.assign(next);
  } catch (error) {
    fault.textContent = why(error);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** Browsers tie a passkey to a name, and take no IP address. */
const named = !/^[\d.]+$|:/.test(location.hostname);
const able = "PublicKeyCredential" in window && window.isSecureContext && named;

// One listener for the document: the page may be drawn after this file has run, and anew.
document.addEventListener("submit", (event) => {
  const form = event.target.closest?.('form[data-passkey="make"]');
  if (!form) return;
  event.preventDefault();
  run(form, form.querySelector("button"), () => {
    if (!able) throw new Refused("This browser makes no passkeys here. They need https, or http://localhost.");
    return make(form.elements.name.value);
  });
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.('[data-passkey="show"] button');
  if (!button) return;
  const place = button.closest("[data-passkey]");
  run(button, button, () => show(place.dataset.next));
});
if (able) for (const place of document.querySelectorAll('[data-passkey="show"]')) place.hidden = false;

/** `sv-SE` is the locale that writes ISO order. The exact UTC stays in `title`. */
function local() {
  for (const time of document.querySelectorAll(".account time[datetime]")) {
    const at = new Date(time.dateTime);
    const words = at.toLocaleString("sv-SE");
    if (!Number.isNaN(at.getTime()) && time.textContent !== words) time.textContent = words;
  }
}
local();
if (location.pathname === "/account") new MutationObserver(local).observe(document.body, { childList: true, subtree: true });
