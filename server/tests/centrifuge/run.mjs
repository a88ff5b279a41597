// Drives a Farol live plane with the published `centrifuge` client and prints one JSON object of what it saw.
// Usage: node run.mjs URL json|protobuf. Started by tests/centrifuge.rs, which asserts on the output.

import WebSocket from 'ws';
import { Centrifuge as JsonClient } from 'centrifuge';
import { Centrifuge as ProtobufClient } from 'centrifuge/build/protobuf';

const [url, encoding] = process.argv.slice(2);
const binary = encoding === 'protobuf';
const Client = binary ? ProtobufClient : JsonClient;
const seen = { encoding, connects: 0, subscribed: [], publications: [], offsets: [], errors: [], events: [] };

// What was seen so far says where it hangs.
setTimeout(() => {
  console.error(`not finished after 20 s: ${JSON.stringify(seen)}`);
  process.exit(1);
}, 20000);

const once = (emitter, name, accept = () => true) =>
  new Promise((resolve) => {
    const listener = (context) => {
      if (accept(context)) {
        emitter.removeListener(name, listener);
        resolve(context);
      }
    };
    emitter.on(name, listener);
  });

// Low-rate channels and rpc carry JSON text under both encodings.
const json = (data) => (binary ? JSON.parse(new TextDecoder().decode(data)) : data);
const toData = (value) => (binary ? new TextEncoder().encode(JSON.stringify(value)) : value);
const size = (data) => (binary ? data.length : JSON.stringify(data).length);

const client = new Client(url, { websocket: WebSocket, token: 'good-token', minReconnectDelay: 50, maxReconnectDelay: 200 });
client.on('connected', () => (seen.connects += 1));
client.on('error', (context) => seen.errors.push(context.error.message));
client.on('disconnected', (context) => (seen.disconnected = { code: context.code, reason: context.reason }));

const metrics = client.newSubscription('metrics/local/cpu', { data: toData({ history_ms: 60000 }) });
metrics.on('subscribed', (context) =>
  seen.subscribed.push({
    recoverable: context.recoverable,
    wasRecovering: context.wasRecovering,
    recovered: context.recovered,
    offset: Number(context.streamPosition?.offset ?? 0),
    hasData: context.data !== undefined && context.data !== null && size(context.data) > 0,
  }),
);
metrics.on('publication', (context) => {
  seen.offsets.push(Number(context.offset));
  seen.publications.push(binary ? context.data.length : context.data.values);
});

const firstSubscribed = once(metrics, 'subscribed');
const firstPublication = once(metrics, 'publication');
metrics.subscribe();
client.connect();
const first = await firstSubscribed;
if (!binary) {
  seen.snapshot = first.data;
}
await firstPublication;

const refused = client.newSubscription('no/such/channel/here');
const refusal = once(refused, 'unsubscribed');
refused.subscribe();
seen.refused = { code: (await refusal).code };

const collectors = client.newSubscription('collectors/local');
const state = once(collectors, 'subscribed');
collectors.subscribe();
seen.collectors = json((await state).data);

const accepted = json((await client.rpc('run', toData({ key: 'k-12345678', action: 'demo', params: {} }))).data);
seen.run = accepted;
const run = client.newSubscription(`runs/${accepted.run}`);
run.on('publication', (context) => seen.events.push(json(context.data)));
const runSubscribed = once(run, 'subscribed');
run.subscribe();
seen.heldEvents = json((await runSubscribed).data);
seen.cancelled = json((await client.rpc('cancel', toData({ run: accepted.run }))).data);
await client.rpc('nonsense', toData({})).catch((error) => (seen.unknownMethod = { code: error.code, message: error.message }));

// The server cuts the connection; frames go on meanwhile; the client comes back by itself and recovers them.
const back = once(metrics, 'subscribed', (context) => context.wasRecovering);
const lastBefore = seen.offsets.at(-1);
await client.rpc('cut', toData({})).catch(() => {});
const resumed = await back;
seen.resumed = { recovered: resumed.recovered };
await once(metrics, 'publication', (context) => Number(context.offset) > lastBefore + 5);
seen.contiguous = seen.offsets.every((offset, index) => index === 0 || offset === seen.offsets[index - 1] + 1);

// Signed out: the server ends the connection for good.
const ended = once(client, 'disconnected');
client.rpc('sign_out', toData({})).catch(() => {});
await ended;
console.log(JSON.stringify(seen));
process.exit(0);
