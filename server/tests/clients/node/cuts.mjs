// Follows a stream and metrics through a proxy that cuts, until standard input ends, and prints what was wrong.
// Usage: node cuts.mjs ADDRESS websocket|http_stream|sse json|protobuf

import { connect, finish, once, patience } from './connect.mjs';

const [address, transport, encoding] = process.argv.slice(2);
const seen = {
  connects: 0,
  stream: { count: 0, wrong: [], recoveredAlways: true },
  metrics: { count: 0, snapshots: 0, wrong: [] },
};
patience(150, seen);

const client = connect(address, transport, encoding, { minReconnectDelay: 5, maxReconnectDelay: 50, timeout: 2000 });
client.on('connected', () => (seen.connects += 1));

// Publications must follow each other; a subscription that could not recover starts anew from its own position.
function follow(channel, notes) {
  const subscription = client.newSubscription(channel);
  let last = null;
  subscription.on('subscribed', (context) => {
    if (last === null || !context.recovered) {
      if (last !== null) {
        notes.recoveredAlways = false;
        notes.snapshots += 1;
      }
      last = Number(context.streamPosition.offset);
    }
  });
  subscription.on('publication', (context) => {
    const offset = Number(context.offset);
    if (offset !== last + 1) {
      notes.wrong.push([last, offset]);
    }
    last = offset;
    notes.count += 1;
  });
  subscription.subscribe();
  return subscription;
}
const stream = follow('runs/ticks', seen.stream);
follow('metrics/local/cpu', seen.metrics);
client.connect();

process.stdin.resume();
await new Promise((resolve) => process.stdin.once('end', resolve));
// It must still live after the last cut.
const before = seen.stream.count;
await once(stream, 'publication', () => seen.stream.count > before + 20);
finish(seen);
