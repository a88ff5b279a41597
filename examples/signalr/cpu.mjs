// Prints the processor's load as it comes, with the package `@microsoft/signalr`.
//
//   npm install                                   (in the folder above)
//   FAROL_TOKEN=farol_... node cpu.mjs --count 5

import { parseArgs } from 'node:util';
import { HubConnectionBuilder, LogLevel } from '@microsoft/signalr';

const url = process.env.FAROL_URL ?? 'http://127.0.0.1:3000';
const token = process.env.FAROL_TOKEN ?? fail('FAROL_TOKEN is missing; make one: farol token create --user NAME --name examples');
const { values } = parseArgs({ options: { count: { type: 'string' } } });
let left = Number(values.count ?? Infinity);

function fail(why) {
  console.error(why);
  process.exit(1);
}

const hub = new HubConnectionBuilder()
  .withUrl(`${url}/signalr`, { accessTokenFactory: () => token })
  .withAutomaticReconnect()
  .configureLogging(LogLevel.None)
  .build();

// Values stand in the order of the schema. The position is where we are, and where we go on after a loss.
let place;
let position;
const learn = (schema) => (place = schema.findIndex((spec) => spec.name === 'cpu_usage_percent'));

function follow() {
  hub.stream('Subscribe', 'metrics/local/cpu', position ? { recover: true, ...position } : {}).subscribe({
    next: take,
    complete: () => {},
    // A stream ends with its connection; another one is begun when that is back.
    error: (error) => hub.state === 'Connected' && fail(error.message),
  });
}

function take({ event, epoch, offset, recovered, data }) {
  if (event === 'subscribed') {
    if (!recovered) {
      learn(data.schema);
      position = { epoch, offset };
    }
    return;
  }
  position.offset = offset;
  if (data.schema) {
    learn(data.schema);
    return;
  }
  if (left === 0) return;
  const value = data.values[place];
  console.log(new Date(data.t_ms).toISOString(), 'cpu', value === null ? 'not available' : `${value.toFixed(1)} %`);
  if (--left === 0) hub.stop();
}

hub.onreconnected(follow);
hub.onclose((error) => error && fail(error.message));
await hub.start().catch((error) => fail(`refused: ${error.message}`));
follow();
