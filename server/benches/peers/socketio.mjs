// socket.io: broadcasts a string of 1 KB to all, so many times a second. Said on standard output: the port.
import { createServer } from "node:http";
import { Server } from "socket.io";

const [rate, size] = process.argv.slice(2).map(Number);
const http = createServer();
const server = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
http.listen(0, "127.0.0.1", () => console.log(`port ${http.address().port}`));
if (rate > 0) {
  setInterval(() => {
    const now = `@@${Math.round((performance.timeOrigin + performance.now()) * 1000)}`;
    server.emit("m", now.padEnd(size, "x"));
  }, 1000 / rate);
}
