import { createServer, IncomingMessage, request as ask, Server, ServerResponse } from "node:http";
import { AddressInfo, connect, Socket } from "node:net";

/**
 * A reverse proxy in front of a Farol, as they stand in offices: it hands on what it understands and spoils the rest. What it
 * does with a request is decided when the request comes, so a test can change it while pages are open.
 */
export class Proxy {
  url = "";
  /** Upgrades to WebSocket: answered with 403, left without any answer, or handed on. */
  upgrades: "refuse" | "hang" | "pass" = "refuse";
  /** The response of `/connection/http_stream`: handed on, kept until it is whole, or answered with 502. */
  streams: "pass" | "keep" | "refuse" = "pass";
  /** Paths of the live connection that were asked for, in order. */
  seen: string[] = [];
  private server: Server;
  private sockets = new Set<Socket>();

  constructor(private backend: { url: string }) {
    this.server = createServer((request, response) => this.request(request, response));
    this.server.on("upgrade", (request, socket, head) => this.upgrade(request, socket as Socket, head));
    this.server.on("connection", (socket) => this.track(socket));
  }

  async start() {
    await new Promise<void>((listening) => this.server.listen(0, "127.0.0.1", listening));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop() {
    const closed = new Promise((done) => this.server.close(done));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private track(socket: Socket) {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    // A peer that is gone is what restarts and closed pages look like.
    socket.on("error", () => socket.destroy());
  }

  private note(request: IncomingMessage): string {
    const path = request.url!.split("?")[0];
    if (path.startsWith("/connection/")) this.seen.push(path);
    return path;
  }

  private request(request: IncomingMessage, response: ServerResponse) {
    const isStream = this.note(request) === "/connection/http_stream";
    const bad = () => (response.headersSent ? response.destroy() : response.writeHead(502).end("bad gateway\n"));
    if (isStream && this.streams === "refuse") return bad();
    const keeps = isStream && this.streams === "keep";
    // The Host stays as the browser wrote it: Farol compares the Origin with it.
    const { method, headers, url: path } = request;
    const onward = ask({ host: "127.0.0.1", port: new URL(this.backend.url).port, method, headers, path, agent: false });
    onward.on("response", (answer) => {
      if (keeps) {
        const kept: Buffer[] = [];
        answer.on("data", (piece) => kept.push(piece));
        answer.on("end", () => response.writeHead(answer.statusCode!, answer.headers).end(Buffer.concat(kept)));
      } else {
        response.writeHead(answer.statusCode!, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
      }
      answer.on("error", bad);
    });
    onward.on("error", bad);
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  }

  private upgrade(request: IncomingMessage, socket: Socket, head: Buffer) {
    this.note(request);
    if (this.upgrades === "hang") return;
    if (this.upgrades === "refuse") return socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    const onward = connect(Number(new URL(this.backend.url).port), "127.0.0.1", () => {
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      for (let at = 0; at < request.rawHeaders.length; at += 2) lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
      onward.write(lines.join("\r\n") + "\r\n\r\n");
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    this.track(onward);
    onward.on("close", () => socket.destroy());
    socket.on("close", () => onward.destroy());
  }
}
