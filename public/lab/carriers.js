/**
 * Five carriers of one channel, and an echo. Each is a small, whole client of Farol (docs/PROTOCOL.md), written to be read:
 * docs/TRANSPORTS.md says when to choose which.
 *
 * A carrier is a function of a line, which it tells what comes (page.js), and of a signal that ends it. Its promise never
 * resolves while the carrier lives: it rejects when the carrier is lost, and the line tries again.
 */

import { bytesIn, chunkBytes, frameBytes, headBytes, requestBytes } from "./bytes.js";

/** Distance of plain polls and of echoes. */
const EVERY_MS = 1000;

/** The server said no, and asking again will not change that. Any other error is a loss, and the line tries again. */
export class Refused extends Error {}

/** Two ways over one connection (RFC 6455). Messages are JSON lines; we say who we are, subscribe, and answer pings. */
function websocket(line, signal) {
  return new Promise((_, lost) => {
    const socket = new WebSocket(socketUrl("/connection/websocket"));
    const say = (text) => {
      line.sent(frameBytes(text) + 4); // a client masks its frames with four bytes
      socket.send(text);
    };
    const talk = conversation(line, say);
    line.asked(0);
    socket.onopen = () => say(talk.begin);
    socket.onmessage = ({ data }) => {
      line.received(frameBytes(data));
      guarded(lost, () => data.split("\n").forEach(talk.hear));
    };
    socket.onclose = ({ code, reason }) => lost(ending(code, reason));
    signal.addEventListener("abort", () => hangUp(socket));
  });
}

/** The same conversation without WebSocket: one response that never ends brings messages, each command is a request. */
async function httpStream(line, signal) {
  let session;
  const say = (data) => {
    const body = JSON.stringify({ ...session, data });
    // When it fails the stream fails too, and says so.
    request(line, "/emulation", { method: "POST", body, signal }).catch(() => {});
  };
  const talk = conversation(line, say, (connected) => (session = { session: connected.session, node: connected.node }));
  const response = await request(line, "/connection/http_stream", { method: "POST", body: talk.begin, signal });
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of chunks(response.body)) {
    line.received(chunkBytes(bytes.length));
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop();
    lines.forEach(talk.hear);
  }
  throw new Error("the server ended the stream");
}

/** One way: the server talks, `EventSource` listens, comes back by itself and says what it has (Last-Event-ID). */
function events(line, signal) {
  return new Promise((_, lost) => {
    const path = oneWay("/live/events", line);
    const source = new EventSource(path);
    const take = ({ type, data, lastEventId }) => {
      const name = type === "message" ? "" : `event: ${type}\n`;
      line.received(chunkBytes(bytesIn(`${name}id: ${lastEventId}\ndata: ${data}\n\n`)));
      line.since = lastEventId;
      guarded(lost, () => happened(line, JSON.parse(data)));
    };
    line.asked(0);
    source.onmessage = take;
    for (const name of ["subscribed", "unsubscribed", "disconnected"]) source.addEventListener(name, take);
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) return lost(new Error("the server refused the stream"));
      line.tell("reconnecting", "Lost: the browser connects again by itself");
      line.asked(requestBytes("GET", path));
    };
    signal.addEventListener("abort", () => source.close());
  });
}

/** The server holds each request until there is something to say. */
const longPoll = (line, signal) => poll(line, signal, 0);

/** We ask once a second, and the server answers at once, with news or without. */
const polling = (line, signal) => poll(line, signal, EVERY_MS);

async function poll(line, signal, every_ms) {
  while (!signal.aborted) {
    const next = performance.now() + every_ms;
    const path = oneWay("/live/poll", line) + (every_ms ? "&wait_ms=0" : "");
    const response = await request(line, path, { signal });
    const text = await response.text();
    line.received(bytesIn(text));
    const answer = JSON.parse(text);
    // Where the next request goes on: nothing is missed between two requests.
    line.since = answer.since;
    for (const event of answer.events) happened(line, event);
    line.alive();
    await pause(next - performance.now(), signal);
  }
}

/** The round-trip meter: a WebSocket that sends everything back. */
function echo(line, signal) {
  return new Promise((_, lost) => {
    const socket = new WebSocket(socketUrl("/live/echo"));
    const send = () => socket.readyState === WebSocket.OPEN && socket.send(String(performance.now()));
    const timer = setInterval(send, EVERY_MS);
    socket.onopen = send;
    socket.onmessage = ({ data }) => {
      line.alive();
      line.delayed(performance.now() - Number(data));
    };
    socket.onclose = ({ code, reason }) => lost(ending(code, reason));
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      hangUp(socket);
    });
  });
}

export const CARRIERS = { websocket, http_stream: httpStream, events, long_poll: longPoll, polling, echo };

// What the carriers share.

/** Our half of the live protocol, as far as one subscription needs it. `say` sends a line to the server. */
function conversation(line, say, connected = () => {}) {
  const subscribe = { channel: line.channel, data: { history_ms: 1 } };
  const hear = (text) => {
    if (!text) return;
    const reply = JSON.parse(text);
    if (Object.keys(reply).length === 0) return say("{}"); // a ping: answer within 8 s, or the server hangs up
    if (reply.error) throw new Refused(reply.error.message);
    if (reply.connect) connected(reply.connect);
    if (reply.subscribe) line.alive();
    const push = reply.push ?? {};
    if (push.pub) line.published(push.pub.data);
    if (push.unsubscribe) throw new Error(push.unsubscribe.reason);
    if (push.disconnect) throw ending(push.disconnect.code, push.disconnect.reason);
  };
  return { begin: `{"id":1,"connect":{"name":"lab"}}\n${JSON.stringify({ id: 2, subscribe })}`, hear };
}

/** One event of the one-way carriers. */
function happened(line, { event, data, code, message, reconnect }) {
  if (event === "subscribed") line.alive();
  if (event === "publication") line.published(data);
  if (event === "unsubscribed") throw new Refused(message);
  if (event === "disconnected") throw reconnect ? new Error(message) : ending(code, message);
}

/** Codes 3500-3999 and 4500-4999 are final; after all others a client comes back. */
function ending(code, reason) {
  const final = (code >= 3500 && code < 4000) || code >= 4500;
  const words = reason || "the server does not answer";
  return final ? new Refused(words) : new Error(words);
}

/** The address of a one-way carrier, from where the line is. */
function oneWay(path, { channel, since }) {
  const from = since ? `&since=${encodeURIComponent(since)}` : "";
  return `${path}?channels=${encodeURIComponent(channel)}&history_ms=1${from}`;
}

/** A request whose cost is counted. */
async function request(line, path, options) {
  line.asked(requestBytes(options.method ?? "GET", path, options.body));
  const response = await fetch(path, options);
  line.received(headBytes(response));
  if (response.ok) return response;
  const words = (await response.text()) || `the server answers ${response.status}`;
  throw [400, 401, 403, 404].includes(response.status) ? new Refused(words) : new Error(words);
}

/** Runs what may throw where nobody awaits it. */
function guarded(lost, run) {
  try {
    run();
  } catch (error) {
    lost(error);
  }
}

/** Not every browser can iterate over a stream yet. */
async function* chunks(stream) {
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}

export const socketUrl = (path) => location.origin.replace(/^http/, "ws") + path;

/** Says goodbye. A socket that is still opening does so first: browsers complain of one that is closed before. */
function hangUp(socket) {
  socket.onmessage = null;
  if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(1000);
  else socket.close(1000);
}

/** Waits, and not longer than the carrier runs. */
export function pause(ms, signal) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, Math.max(0, ms));
    signal.addEventListener("abort", end);
  });
}
