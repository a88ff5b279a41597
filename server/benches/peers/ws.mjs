// node `ws`: broadcasts a frame of 1 KB to all, so many times a second. Said on standard output: the port.
import { WebSocketServer } from "ws";

const [rate, size] = process.argv.slice(2).map(Number);
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false }, () => {
  console.log(`port ${server.address().port}`);
});
if (rate > 0) {
  setInterval(() => {
    const now = `@@${Math.round((performance.timeOrigin + performance.now()) * 1000)}`;
    const frame = Buffer.from(now.padEnd(size, "x"));
    for (const client of server.clients) client.send(frame, { binary: false });
  }, 1000 / rate);
}
