// Prints the processor's load as it comes, with the package `socket.io-client`.
//
//   npm install                                   (in the folder above)
//   FAROL_TOKEN=farol_... node cpu.mjs --count 5

import { parseArgs } from 'node:util';
import { io } from 'socket.io-client';

const url = process.env.FAROL_URL ?? 'http://127.0.0.1:3000';
const token = process.env.FAROL_TOKEN ?? fail('FAROL_TOKEN is missing; make one: farol token create --user NAME --name examples');
const { values } = parseArgs({ options: { count: { type: 'string' } } });
let left = Number(values.count ?? Infinity);

function fail(why) {
  console.error(why);
  process.exit(1);
}

const channel = 'metrics/local/cpu';
const socket = io(url, { auth: { token } });
// Values stand in the order of the schema. The position is where we are, and where we go on after a loss.
let place;
let position;
const learn = (schema) => (place = schema.findIndex((spec) => spec.name === 'cpu_usage_percent'));

socket.on('connect', async () => {
  const answer = await socket.emitWithAck('subscribe', position ? { channel, recover: true, ...position } : { channel });
  if (answer.error) fail(`not subscribed: ${answer.error.code} ${answer.error.message}`);
  // A snapshot, or what was missed.
  if (answer.data) learn(answer.data.schema);
  position = { epoch: answer.epoch, offset: answer.offset };
  (answer.publications ?? []).forEach(print);
});

socket.on('publication', (publication) => {
  position.offset = publication.offset;
  print(publication);
});

function print({ data }) {
  if (data.schema) {
    learn(data.schema);
    return;
  }
  if (left === 0) return;
  const value = data.values[place];
  console.log(new Date(data.t_ms).toISOString(), 'cpu', value === null ? 'not available' : `${value.toFixed(1)} %`);
  if (--left === 0) socket.disconnect();
}

// Said before the server hangs up. Coming back is for us to do then, where it is advised.
let advised = false;
socket.on('disconnected', ({ code, reason, reconnect }) => {
  if (!reconnect) fail(`ended: ${code} ${reason}`);
  advised = true;
});
socket.on('disconnect', () => advised && setTimeout(() => socket.connect(), 1000 * Math.random()));
// Without a socket the server could not be reached, which the client tries again; otherwise it refused us.
socket.on('connect_error', (error) => !socket.active && fail(`refused: ${error.message}`));
