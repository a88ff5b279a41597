import { ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");
const BINARY = process.env.FAROL_BIN ?? join(ROOT, "target/debug/farol");

/** The password of every user that `addUser` makes. */
export const PASSWORD = "correct horse battery";

/** A real Farol on a free port of loopback with a data folder of its own. */
export class Farol {
  url = "";
  /** Printed at a start without users. */
  setupLink = "";
  /** Holds configuration and data. */
  readonly dir = mkdtempSync(join(tmpdir(), "farol-e2e-"));
  private server?: ChildProcess;
  private log: string[] = [];

  constructor(config: string) {
    writeFileSync(join(this.dir, "farol.toml"), config.replaceAll("@DIR@", this.dir));
  }

  async start(port = 0) {
    const args = ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", join(this.dir, "data"), "--config", join(this.dir, "farol.toml")];
    const server = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.server = server;
    createInterface(server.stderr!).on("line", (line) => this.log.push(line));
    await new Promise<void>((ready, failed) => {
      server.on("exit", (code) => failed(new Error(`farol ended with ${code}:\n${this.log.join("\n")}`)));
      createInterface(server.stdout!).on("line", (line) => {
        if (line.startsWith("listening on ")) this.url = line.slice("listening on ".length);
        if (line.includes("/setup?token=")) this.setupLink = line.trim();
        // The last line of a start.
        if (line.includes("/setup?token=") || line.includes("/sign-in")) ready();
      });
    });
  }

  /** Stops it as a service manager would, and waits for its end. */
  async stop(signal: NodeJS.Signals = "SIGTERM") {
    const server = this.server;
    this.server = undefined;
    if (!server || server.exitCode !== null) return;
    const ended = once(server, "exit");
    server.kill(signal);
    await ended;
  }

  /** Stops and starts on the same port. */
  async restart(signal: NodeJS.Signals = "SIGTERM") {
    const port = Number(new URL(this.url).port);
    await this.stop(signal);
    await this.start(port);
  }

  /** Makes a user beside the running server, as an administrator would. */
  addUser(name: string, role: "viewer" | "operator" | "admin") {
    const args = ["user", "add", name, "--role", role, "--password-stdin", "--data-dir", join(this.dir, "data")];
    const done = spawnSync(BINARY, args, { input: PASSWORD + "\n", encoding: "utf8" });
    if (done.status !== 0) throw new Error(`farol user add: ${done.stderr}`);
  }

  /** Makes an API token of a user and says what it is. */
  addToken(user: string): string {
    const args = ["token", "create", "--user", user, "--name", "test", "--data-dir", join(this.dir, "data")];
    const done = spawnSync(BINARY, args, { encoding: "utf8" });
    const token = done.stdout.split(/\s+/).find((word) => word.startsWith("farol_"));
    if (!token) throw new Error(`farol token create: ${done.stderr}`);
    return token;
  }

  async dispose() {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
