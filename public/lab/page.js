/**
 * The transport lab: the same channel over five carriers, side by side, and what each of them costs.
 *
 * These files are what a browser runs on the page /lab, as you read them: no framework, no build step. The page is drawn by
 * the server; here its cells are filled, found by their `data-` attributes. carriers.js opens connections, bytes.js counts;
 * this one keeps the clock, runs one line per carrier, and ends everything when the page is left.
 */

import { CARRIERS, Refused, pause, socketUrl } from "./carriers.js";
import { bytesIn } from "./bytes.js";

const MINUTE_MS = 60_000;
/** Waits between attempts to connect: they grow from the first to the most, each a random part of its bound. */
const BACKOFF_MS = { first: 250, most: 20_000 };

/**
 * How far the server's clock is ahead of ours, as NTP finds it (RFC 5905): the server says its time in the answer to a
 * connect command; that was somewhere between question and answer, so half of the round trip is how wrong we can be.
 */
class Clock {
  ahead_ms = NaN;
  error_ms = NaN;

  /** Asks three times and believes the quickest answer. */
  async measure() {
    let best = { error_ms: Infinity };
    for (let round = 0; round < 3; round++) {
      const seen = await this.ask().catch(() => best);
      if (seen.error_ms < best.error_ms) best = seen;
    }
    if (best.error_ms < Infinity) Object.assign(this, best);
  }

  ask() {
    return new Promise((answered, failed) => {
      const socket = new WebSocket(socketUrl("/connection/websocket"));
      let asked;
      socket.onopen = () => {
        asked = Clock.now();
        socket.send('{"id":1,"connect":{"name":"lab-clock"}}');
      };
      socket.onmessage = ({ data }) => {
        const now = Clock.now();
        const time = JSON.parse(data.split("\n")[0]).connect?.time;
        socket.close(1000);
        // The server tells whole milliseconds: on average half of one has passed.
        if (time) answered({ ahead_ms: time + 0.5 - (asked + now) / 2, error_ms: (now - asked) / 2 + 0.5 });
      };
      socket.onclose = failed;
    });
  }

  /** Our own clock, which does not jump while the page is open. */
  static now() {
    return performance.timeOrigin + performance.now();
  }
}

/** Starts, stops and restarts one carrier, and keeps what it was seen to do in the last minute. */
class Line {
  since = "";

  constructor(lab, root) {
    this.lab = lab;
    this.root = root;
    this.name = root.querySelector("[data-name]").textContent;
    this.open = CARRIERS[root.dataset.carrier];
    this.figures = [...root.querySelectorAll("[data-figure]")];
    this.button = root.querySelector("[data-toggle]");
    this.tell("stopped", "Stopped");
  }

  get channel() {
    return this.lab.channel;
  }

  get running() {
    return this.life !== undefined;
  }

  start() {
    if (this.running) return;
    this.life = new AbortController();
    Object.assign(this, { since: "", begun: performance.now(), first_ms: undefined, messages: 0, received_bytes: 0 });
    Object.assign(this, { delays: [], bytes: [], requests: [] });
    this.run(this.life.signal);
  }

  stop(words = "Stopped", state = "stopped") {
    this.draw();
    this.life?.abort();
    this.life = undefined;
    this.tell(state, words);
  }

  /** One attempt after the other. Each has a signal of its own, so that nothing of it is left when it is over. */
  async run(life) {
    for (let failures = 0; !life.aborted; failures++) {
      const attempt = new AbortController();
      life.onabort = () => attempt.abort();
      this.tell("connecting", "Connecting");
      this.heard = performance.now();
      const silence = new Promise((_, lost) => (this.lost = lost));
      const error = await Promise.race([this.open(this, attempt.signal), silence]).catch((error) => error);
      attempt.abort();
      if (life.aborted) return;
      if (error instanceof Refused) return this.stop(`Refused: ${error.message}`, "failed");
      if (this.state === "live") failures = 0;
      const wait_ms = Math.random() * Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** failures);
      const words = error instanceof TypeError ? "the server does not answer" : error?.message;
      this.tell("reconnecting", `Lost: ${words}. Again in ${(wait_ms / 1000).toFixed(1)} s`);
      await pause(wait_ms, life);
    }
  }

  /** Something that belongs to the channel has come. */
  alive() {
    this.heard = performance.now();
    this.first_ms ??= performance.now() - this.begun;
    this.tell("live", "Live");
  }

  /** A publication: `t_ms` is the server's time of the tick that its values belong to. */
  published(data) {
    this.messages++;
    this.alive();
    if (data.values?.length) this.delayed(Clock.now() - data.t_ms);
    this.note(this.bytes, { wire: 0, payload: bytesIn(JSON.stringify(data)) });
  }

  delayed(ms) {
    this.note(this.delays, { ms });
  }

  asked(bytes) {
    this.note(this.requests, {});
    this.sent(bytes);
  }

  received(bytes) {
    this.heard = performance.now();
    this.received_bytes += bytes;
    this.sent(bytes);
  }

  /** What sets a carrier up is paid once and is not in its overhead: counting begins with the first message. */
  sent(bytes) {
    if (this.first_ms !== undefined) this.note(this.bytes, { wire: bytes, payload: 0 });
  }

  note(list, seen) {
    list.push({ at: performance.now(), ...seen });
    while (list[0].at < performance.now() - MINUTE_MS) list.shift();
  }

  tell(state, words) {
    const mark = this.root.querySelector("[data-live]");
    this.state = mark.dataset.live = state;
    write(mark.querySelector("[data-words]"), words);
    write(this.button.querySelector("[data-verb]"), this.running ? "Stop" : "Start");
    this.lab.news();
  }

  /** A connection that died without a word looks like one with nothing to say; but the server says something in time. */
  listen() {
    if (this.running && performance.now() - this.heard > Number(this.lab.dataset.silentMs)) this.lost(new Error("nothing came for too long"));
  }

  /** Writes all figures of this carrier. */
  draw() {
    if (!this.running) return;
    const recent = (list) => list.filter(({ at }) => at > performance.now() - MINUTE_MS);
    const ahead_ms = this.root.dataset.carrier === "echo" ? 0 : this.lab.clock.ahead_ms;
    const delays = recent(this.delays).map(({ ms }) => ms + ahead_ms).filter(Number.isFinite);
    const sorted = [...delays].sort((a, b) => a - b);
    const share = (part) => duration(sorted[Math.ceil(sorted.length * part) - 1]);
    const sum = (key) => recent(this.bytes).reduce((all, one) => all + one[key], 0);
    const overhead = sum("wire") / sum("payload");
    const about = this.root.dataset.carrier === "websocket" ? "" : "≈ ";
    const figures = {
      last: () => duration(delays.at(-1)),
      p50: () => share(0.5),
      p99: () => share(0.99),
      max: () => share(1),
      messages: () => this.messages.toLocaleString("en"),
      received: () => about + size(this.received_bytes),
      overhead: () => (Number.isFinite(overhead) ? `${about}${overhead.toFixed(overhead < 10 ? 2 : 1)}×` : "–"),
      requests: () => String(recent(this.requests).length),
      first: () => duration(this.first_ms),
    };
    for (const cell of this.figures) write(cell, figures[cell.dataset.figure]());
    const spark = this.root.querySelector("polyline");
    const highest = Math.max(1, ...delays);
    // 60 by 20, the newest at the right.
    const points = delays.slice(-60).map((ms, index, all) => `${60 - all.length + index},${(19 - (18 * Math.max(0, ms)) / highest).toFixed(1)}`);
    spark.setAttribute("points", points.join(" "));
  }
}

/** Touches the document only where something has changed. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const duration = (ms) => (Number.isFinite(ms) ? `${Math.abs(ms) < 100 ? ms.toFixed(1) : Math.round(ms).toLocaleString("en")} ms` : "–");

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/**
 * The element around the page's content. The browser itself tells it when it comes and when it goes, so nothing that was
 * opened here outlives it, whoever takes it off the page: also an app that changes pages without loading a new one.
 */
class TransportLab extends HTMLElement {
  connectedCallback() {
    this.clock = new Clock();
    this.select = this.querySelector("select");
    this.lines = [];
    this.lines = [...this.querySelectorAll("[data-carrier]")].map((root) => new Line(this, root));
    this.gone = new AbortController();
    const on = (target, name, act) => target.addEventListener(name, act, { signal: this.gone.signal });
    for (const line of this.lines) on(line.button, "click", () => (line.running ? line.stop() : line.start()));
    on(this.querySelector("[data-start-all]"), "click", () => this.lines.forEach((line) => line.start()));
    on(this.querySelector("[data-stop-all]"), "click", () => this.stopAll());
    on(this.select, "change", () => this.restart());
    on(document, "visibilitychange", () => this.seen());
    this.timers = [setInterval(() => this.draw(), 500), setInterval(() => this.running && this.clock.measure(), MINUTE_MS)];
    this.clock.measure();
    for (const control of this.querySelectorAll("[disabled]")) control.disabled = false;
    this.news();
  }

  disconnectedCallback() {
    this.stopAll();
    this.gone.abort();
    this.timers.forEach(clearInterval);
    clearTimeout(this.unseen);
  }

  get channel() {
    return this.select.value;
  }

  get running() {
    return this.lines.filter((line) => line.running).length;
  }

  stopAll(words) {
    for (const line of this.lines) if (line.running) line.stop(words);
  }

  /** Another channel: what runs begins anew. */
  restart() {
    const running = this.lines.filter((line) => line.running);
    running.forEach((line) => line.stop());
    running.forEach((line) => line.start());
  }

  /** Nobody looks for a minute: nothing needs to be measured, and a server has better things to do. */
  seen() {
    clearTimeout(this.unseen);
    if (document.visibilityState !== "hidden") return;
    this.unseen = setTimeout(() => this.stopAll("Stopped: nobody looked for a minute"), Number(this.dataset.hiddenMs));
  }

  draw() {
    for (const line of this.lines) {
      line.draw();
      line.listen();
    }
    const { ahead_ms, error_ms } = this.clock;
    const words = `${duration(Math.abs(ahead_ms))} ${ahead_ms < 0 ? "behind" : "ahead"}, give or take ${duration(error_ms)}`;
    write(this.querySelector("[data-clock]"), Number.isFinite(ahead_ms) ? words : "not measured yet");
  }

  /** One line for all, which a screen reader reads out when it changes. */
  news() {
    const named = (state) => this.lines.filter((line) => line.state === state).map((line) => line.name);
    const lost = [...named("reconnecting"), ...named("failed")];
    const live = named("live").length;
    const words = this.running ? `${live} of ${this.lines.length} live.` : "Nothing runs. Start one, or all of them.";
    write(this.querySelector("[data-news]"), lost.length ? `${words} Lost: ${lost.join(", ")}.` : words);
  }
}

customElements.define("transport-lab", TransportLab);
