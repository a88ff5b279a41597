/**
 * A container engine for tests where none can run: `node peer.mjs SOCKET [MORE]` serves the part of the Docker API that Farol speaks,
 * over a real Unix socket. What it answers was recorded from Podman 4.3.1 (files `recorded/podman-*`) and is sent again with its own
 * ids and numbers; it keeps state: orders change the list and emit events, counters grow while a container runs, logs go on.
 * MORE adds so many running containers. Says `ready` when it listens.
 */

import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const recorded = (name) => JSON.parse(readFileSync(join(import.meta.dirname, "recorded", name), "utf8"));
const LIST = recorded("podman-list.json")[0];
const INSPECT = recorded("podman-inspect.json");
const STATS = recorded("podman-stats.json");
const EVENT = recorded("podman-event.json");
const VERSION = recorded("podman-version.json");

const [socket, more = "0"] = process.argv.slice(2);
const listeners = new Set();
const containers = new Map();

class Container {
  lines = [];
  readers = new Set();

  constructor(number, name, { running = true, tty = false, cores = 0.25 } = {}) {
    this.id = number.toString(16).padStart(12, "c0ffee000000").padEnd(64, "0");
    Object.assign(this, { name, tty, cores, image: `registry.example.org/${name}:1.0`, busy_ns: 0 });
    this.state = "created";
    this.exit = 0;
    this.made = new Date(Date.now() - 3_600_000);
    if (running) this.start();
    else this.state = "exited";
    containers.set(this.id, this);
  }

  get running() {
    return this.state === "running";
  }

  start() {
    this.state = "running";
    this.started = new Date();
    this.print(1, `${this.name} started`);
    let count = 0;
    this.work = setInterval(() => this.print(++count % 5 ? 1 : 2, `${this.name} line ${count}`), 200);
  }

  end(code) {
    clearInterval(this.work);
    this.busy_ns += this.ran_ns();
    this.state = "exited";
    this.exit = code;
    this.ended = new Date();
    for (const reader of this.readers) reader.end();
    this.readers.clear();
  }

  ran_ns() {
    return this.running ? (Date.now() - this.started) * 1e6 * this.cores : 0;
  }

  print(stream, text) {
    const line = { stream, text: text + "\n", at: Date.now() / 1000 };
    this.lines.push(line);
    if (this.lines.length > 1000) this.lines.shift();
    for (const reader of this.readers) reader.write(this.frame(line));
  }

  frame({ stream, text }) {
    const content = Buffer.from(text);
    if (this.tty) return content;
    const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    head.writeUInt32BE(content.length, 4);
    return Buffer.concat([head, content]);
  }

  summary() {
    const status = this.running ? "Up 1 hour" : `Exited (${this.exit}) 1 minute ago`;
    const Ports = this.running ? [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }] : [];
    return { ...LIST, Id: this.id, Names: ["/" + this.name], Image: this.image, State: this.state, Status: status, Created: this.made / 1000 | 0, Ports };
  }

  inspect() {
    const never = "0001-01-01T00:00:00Z";
    const times = { StartedAt: this.started?.toISOString() ?? never, FinishedAt: this.ended?.toISOString() ?? never };
    const State = { ...INSPECT.State, Status: this.state, Running: this.running, ExitCode: this.exit, ...times };
    return { ...INSPECT, Id: this.id, Name: "/" + this.name, State, Config: { ...INSPECT.Config, Tty: this.tty, Image: this.image } };
  }

  stats() {
    const grown = Math.round(this.ran_ns() / 1e6);
    const network = { ...STATS.networks.network, rx_bytes: grown * 4, tx_bytes: grown * 2 };
    const cpu_usage = { ...STATS.cpu_stats.cpu_usage, total_usage: Math.round(this.busy_ns + this.ran_ns()) };
    const io = [{ major: 8, minor: 0, op: "Read", value: grown }, { major: 8, minor: 0, op: "Write", value: grown * 3 }];
    return { ...STATS, cpu_stats: { ...STATS.cpu_stats, cpu_usage }, networks: { eth0: network }, blkio_stats: { io_service_bytes_recursive: io } };
  }

  happened(action) {
    const Actor = { ID: this.id, Attributes: { name: this.name, image: this.image } };
    const event = { ...EVENT, status: action, id: this.id, from: this.image, Action: action, Actor };
    for (const listener of listeners) listener.write(JSON.stringify(event) + "\n");
  }
}

const ORDERS = {
  start(container) {
    if (container.running) return 304;
    container.start();
    container.happened("start");
  },
  stop(container) {
    if (!container.running) return 304;
    container.end(143);
    container.happened("die");
  },
  restart(container) {
    if (container.running) container.end(143);
    container.start();
    container.happened("restart");
  },
  kill(container, query) {
    if (!container.running) {
      const message = `can only kill running containers. ${container.id} is in state ${container.state}: container state improper`;
      return { status: 500, cause: "container state improper", message };
    }
    if (["KILL", "TERM", "INT"].includes(query.get("signal"))) container.end(137);
    container.happened("kill");
  },
};

function answer(response, status, body) {
  response.writeHead(status, body === undefined ? {} : { "content-type": "application/json" });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function logs(container, query, response) {
  response.writeHead(200, { "content-type": "application/octet-stream" });
  const since = Number(query.get("since") ?? 0);
  const tail = query.has("tail") ? Number(query.get("tail")) : container.lines.length;
  // Whole milliseconds are as precise as the times of this peer.
  const before = container.lines.filter((line) => line.at >= Math.floor(since * 1000) / 1000).slice(-tail || container.lines.length);
  for (const line of before) response.write(container.frame(line));
  if (!container.running || !query.get("follow")) return response.end();
  container.readers.add(response);
  response.on("close", () => container.readers.delete(response));
}

function serve(request, response) {
  const { pathname, searchParams: query } = new URL(request.url, "http://localhost");
  if (pathname === "/version") return answer(response, 200, VERSION);
  if (pathname === "/containers/json") return answer(response, 200, [...containers.values()].map((one) => one.summary()));
  if (pathname === "/events") {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    listeners.add(response);
    return response.on("close", () => listeners.delete(response));
  }
  const [, id, verb] = pathname.match(/^\/containers\/([^/]+)(?:\/([a-z]+))?$/) ?? [];
  const container = containers.get(id);
  if (!container) return answer(response, 404, { cause: "no such container", message: `no container with name or ID "${id}" found: no such container`, response: 404 });
  if (request.method === "DELETE") {
    containers.delete(id);
    container.end(137);
    container.happened("remove");
    return answer(response, 204);
  }
  if (verb === "json") return answer(response, 200, container.inspect());
  if (verb === "stats") return answer(response, 200, container.stats());
  if (verb === "logs") return logs(container, query, response);
  const done = ORDERS[verb]?.(container, query);
  if (typeof done === "object") return answer(response, done.status, { ...done, response: done.status });
  answer(response, done ?? 204);
}

new Container(1, "web", { cores: 0.5 });
new Container(2, "db", { cores: 1.5 });
new Container(3, "old", { running: false });
new Container(4, "terminal", { tty: true });
for (let number = 0; number < Number(more); number++) new Container(100 + number, `more-${number}`);

rmSync(socket, { force: true });
createServer(serve).listen(socket, () => console.log("ready"));
// Ends with the test that started it.
process.stdin.on("end", () => process.exit()).resume();
