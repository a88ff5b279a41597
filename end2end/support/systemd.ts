import { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const SCRIPT = resolve(import.meta.dirname, "../../server/tests/systemd/start.sh");

/** A systemd of its own with a journal of its own, in namespaces; needs root. */
export class Systemd {
  readonly dir = mkdtempSync(join(tmpdir(), "farol-systemd-"));
  private child?: ChildProcess;

  /** Text of farol.toml that makes Farol look at this one. */
  get config() {
    return `[services]\nbus = "unix:path=${this.dir}/run/user/bus"\njournal = "${this.dir}/journal"\n`;
  }

  async start(units: Record<string, string>) {
    mkdirSync(join(this.dir, "units"));
    mkdirSync(join(this.dir, "journal"));
    for (const [name, text] of Object.entries(units)) writeFileSync(join(this.dir, "units", name), text);
    const child = spawn("sh", [SCRIPT, this.dir], { stdio: ["pipe", "pipe", "inherit"] });
    this.child = child;
    const said: string[] = [];
    await new Promise<void>((ready, failed) => {
      child.on("exit", (code) => failed(new Error(`systemd ended with ${code}:\n${said.join("\n")}`)));
      createInterface(child.stdout!).on("line", (line) => {
        said.push(line);
        if (line === "ready") ready();
      });
    });
  }

  async dispose() {
    const child = this.child;
    if (child && child.exitCode === null) {
      const ended = once(child, "exit");
      child.stdin!.end();
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
