// Lives with a Farol live plane as the published `centrifuge` client does and prints one JSON object of what it saw.
// Usage: node centrifuge.mjs ADDRESS websocket|http_stream|sse json|protobuf

import { connect, finish, once, patience } from './connect.mjs';

const [address, transport, encoding] = process.argv.slice(2);
const binary = encoding === 'protobuf';
const seen = { encoding, connects: 0, subscribed: [], publications: [], offsets: [], errors: [], events: [] };
patience(20, seen);

// Low-rate channels and rpc carry JSON text under both encodings.
const json = (data) => (binary ? JSON.parse(new TextDecoder().decode(data)) : data);
const toData = (value) => (binary ? new TextEncoder().encode(JSON.stringify(value)) : value);
const size = (data) => (binary ? data.length : JSON.stringify(data).length);

const client = connect(address, transport, encoding);
client.on('connected', (context) => {
  seen.connects += 1;
  seen.transport = context.transport;
});
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

// A room: who is there, and what is said.
const room = client.newSubscription('room/oracle', { joinLeave: true });
const roomSubscribed = once(room, 'subscribed');
room.subscribe();
await roomSubscribed;
seen.presence = Object.values((await room.presence()).clients).map((client) => client.user);
const heard = once(room, 'publication');
await room.publish(toData({ text: 'hello' }));
seen.said = json((await heard).data);

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
finish(seen);
