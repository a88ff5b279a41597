// Prints the processor's load as it comes, over WebSocket with the package `centrifuge`.
//
//   npm install                                   (in the folder above)
//   FAROL_TOKEN=farol_... node cpu.mjs --count 5

import { parseArgs } from 'node:util';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';

const url = process.env.FAROL_URL ?? 'http://127.0.0.1:3000';
const token = process.env.FAROL_TOKEN ?? fail('FAROL_TOKEN is missing; make one: farol token create --user NAME --name examples');
const { values } = parseArgs({ options: { count: { type: 'string' } } });
let left = Number(values.count ?? Infinity);

function fail(why) {
  console.error(why);
  process.exit(1);
}

// http becomes ws and https wss. The client comes back by itself after a loss, and asks for what it missed.
const client = new Centrifuge(`${url.replace(/^http/, 'ws')}/connection/websocket`, { websocket: WebSocket, token });
const cpu = client.newSubscription('metrics/local/cpu');

// Values stand in the order of the schema.
let place;
const learn = (schema) => (place = schema.findIndex((spec) => spec.name === 'cpu_usage_percent'));

// No data when what was missed is sent instead of a snapshot.
cpu.on('subscribed', ({ data }) => data && learn(data.schema));
cpu.on('publication', ({ data }) => {
  if (data.schema) {
    learn(data.schema);
    return;
  }
  const value = data.values[place];
  console.log(new Date(data.t_ms).toISOString(), 'cpu', value === null ? 'not available' : `${value.toFixed(1)} %`);
  if (--left === 0) client.disconnect();
});

// 0 is our own goodbye; everything else is final, because the client tries again where that is of use.
client.on('disconnected', ({ code, reason }) => code && fail(`refused: ${code} ${reason}`));
cpu.on('unsubscribed', ({ code, reason }) => code && fail(`not subscribed: ${code} ${reason}`));
cpu.subscribe();
client.connect();
