// The carriers of the live connection, as only a browser has them: it moves bytes and decides nothing. Every event goes to
// `on(code, bytes)`: code 0 brings bytes, any other says that the connection is over, with the reason. `on` is never called
// before `dial` has returned, nor after the end or `close`.

/** Bytes of commands that wait at most, and how long the server may take for them, milliseconds. */
const WAITING_BYTES = 1 << 20;
const POST_LIMIT_MS = 10000;
/** What a browser says of a socket that ended without a word, and what the server says of a session that is over. */
const BROKEN = 1006;
const SIGNED_OUT = 4501;

// The first who asks for the time zone waits 15 ms for it: asked here, while the program is still on its way, and not where a page comes
// alive.
setTimeout(() => new Date().getTimezoneOffset());

/** Opens carrier 0 (WebSocket), 1 (HTTP stream) or 2 (Server-Sent Events) and sends the connect command. */
export function dial(rung, connect, on) {
  const cancel = new AbortController();
  const over = cancel.signal;
  const say = (code, bytes) => over.aborted || on(code, bytes);
  const end = (code, reason) => {
    say(code, new TextEncoder().encode(reason));
    cancel.abort();
  };
  const first = connect.slice();
  let send = outbox(over, end);
  // Later, so that a refusal comes like any other end.
  queueMicrotask(() => {
    if (over.aborted) return;
    try {
      if (rung === 1) stream(first, say, end, over);
      else if (rung === 2) events(first, say, end, over);
      else send = socket(first, say, end, over);
    } catch {
      end(BROKEN);
    }
  });
  return { send: (bytes) => send(bytes), close: () => cancel.abort() };
}

function socket(first, say, end, over) {
  const opened = new WebSocket(location.origin.replace("http", "ws") + "/connection/websocket", "centrifuge-protobuf");
  opened.binaryType = "arraybuffer";
  opened.onopen = () => opened.send(first);
  opened.onmessage = (event) => say(0, new Uint8Array(event.data));
  opened.onclose = (event) => end(event.code, event.reason);
  over.addEventListener("abort", () => opened.close());
  // One that is closing is about to say so.
  return (bytes) => opened.readyState === 1 && opened.send(bytes);
}

async function stream(first, say, end, over) {
  try {
    const answer = await post("/connection/http_stream", first, over);
    // Somebody else's page is not the server's word.
    if (!answer.ok || answer.headers.get("content-type") !== BYTES) {
      return end(answer.status === 401 ? SIGNED_OUT : BROKEN);
    }
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      say(0, value);
    }
  } catch {
    // Aborted, or the network is gone.
  }
  end(BROKEN);
}

function events(first, say, end, over) {
  const text = btoa(String.fromCharCode(...first)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const source = new EventSource("/connection/sse?cf_protocol=protobuf&cf_connect=" + text);
  source.onmessage = (event) => {
    try {
      say(0, Uint8Array.from(atob(event.data), (letter) => letter.charCodeAt(0)));
    } catch {
      end(BROKEN);
    }
  };
  // It would come back by itself, to a session that is over.
  source.onerror = () => end(BROKEN);
  over.addEventListener("abort", () => source.close());
}

/** Commands by requests of their own, one after the other: two at once could arrive in the other order. */
function outbox(over, end) {
  let last = Promise.resolve();
  let waiting = 0;
  return (bytes) => {
    const body = bytes.slice();
    waiting += body.length;
    if (waiting > WAITING_BYTES) return queueMicrotask(() => end(BROKEN));
    last = last.then(async () => {
      const late = setTimeout(end, POST_LIMIT_MS, BROKEN);
      try {
        const answer = await post("/emulation", body, over);
        if (!answer.ok) end(BROKEN);
      } catch {
        end(BROKEN);
      }
      clearTimeout(late);
      waiting -= body.length;
    });
  };
}

const BYTES = "application/octet-stream";

const post = (path, body, signal) =>
  fetch(path, { method: "POST", body, signal, headers: { "content-type": BYTES }, cache: "no-store", redirect: "error" });

/** Status of this page as the server would answer now: 0 for a redirect, 599 when nobody answers. */
export const probe = async () => {
  try {
    const asked = { method: "HEAD", redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(POST_LIMIT_MS) };
    return (await fetch(location.pathname, asked)).status;
  } catch {
    return 599;
  }
};

/** The carrier that worked last in this tab; the storage may be forbidden. */
export const recall = () => {
  try {
    return +sessionStorage.getItem("live-carrier");
  } catch {
    return 0;
  }
};

export const keep = (rung) => {
  try {
    sessionStorage.setItem("live-carrier", rung);
  } catch {
    // Then a reload starts from the top.
  }
};
