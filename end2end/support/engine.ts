import { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const PEER = resolve(import.meta.dirname, "../../server/tests/containers/peer.mjs");

/** Serves what was recorded from a container engine on a Unix socket, and keeps state. `more` adds running containers. */
export class Engine {
  private constructor(
    readonly socket: string,
    private readonly peer: ChildProcess,
  ) {}

  static async start(socket: string, more = 0): Promise<Engine> {
    const peer = spawn("node", [PEER, socket, String(more)], { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = await once(createInterface(peer.stdout!), "line");
    if (line !== "ready") throw new Error(`the engine said ${line}`);
    return new Engine(socket, peer);
  }

  async stop() {
    if (this.peer.exitCode !== null || this.peer.signalCode !== null) return;
    const ended = once(this.peer, "exit");
    this.peer.kill();
    await ended;
  }
}
