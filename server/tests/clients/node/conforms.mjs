// Checks what a Farol says against the AsyncAPI document and prints how much it checked and what was wrong.
// Usage: node conforms.mjs FILE ADDRESS TOKEN

import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import WebSocket from 'ws';
import { parse } from 'yaml';
import { finish, patience } from './connect.mjs';

const [file, address, token] = process.argv.slice(2);
const seen = { checked: {}, wrong: [] };
patience(60, seen);

const ajv = new Ajv({ strict: false, validateFormats: false });
ajv.addSchema(parse(readFileSync(file, 'utf8')), 'farol');
function wrongs(pointer, value) {
  const validate = ajv.getSchema(`farol#/${pointer}`);
  return validate(value) ? [] : validate.errors.map(({ instancePath, message }) => `${pointer} ${instancePath} ${message}`);
}
function check(kind, pointer, value) {
  seen.wrong.push(...wrongs(pointer, value));
  seen.checked[kind] = (seen.checked[kind] ?? 0) + 1;
}

// The state, then what came after it.
const poll = async (since) => {
  const url = `http://${address}/live/poll?channels=metrics/local/cpu&since=${encodeURIComponent(since)}`;
  const answer = await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).json();
  check('long_poll', 'channels/long_poll/messages/answer/payload', answer);
  answer.events.forEach((event) => check('events', 'channels/events/messages/event/payload', event));
  return answer.since;
};
await poll(await poll(''));

const channels = ['metrics/local/cpu', 'apps/farol', 'processes/local', 'collectors/local', 'room/conforms'];
const kindOf = (channel) => channel.split('/')[0];
const socket = new WebSocket(`ws://${address}/connection/websocket`);
const send = (command) => {
  check('command', 'components/schemas/Command', command);
  socket.send(JSON.stringify(command));
};
socket.on('open', () => {
  send({ id: 1, connect: { token } });
  channels.forEach((channel, index) => send({ id: index + 2, subscribe: { channel, join_leave: true } }));
  for (const id of [20, 21]) send({ id, publish: { channel: 'room/conforms', data: { text: 'hello' } } });
  send({ id: 22, presence: { channel: 'room/conforms' } });
  send({ id: 23, history: { channel: 'metrics/local/cpu', limit: 3 } });
  send({ id: 24, subscribe: { channel: 'no/such/channel' } });
});
socket.on('message', (message) => String(message).split('\n').map((line) => JSON.parse(line)).forEach(take));

// The states and at least two frames of metrics, and the answers to all that was asked.
const answered = new Set();
function take(reply) {
  check('reply', 'components/schemas/Reply', reply);
  if (reply.id) answered.add(reply.id);
  const asked = channels[reply.id - 2];
  if (asked && reply.subscribe?.data) check(kindOf(asked), `channels/${kindOf(asked)}/messages/state/payload`, reply.subscribe.data);
  const { channel, pub } = reply.push ?? {};
  if (pub) check(kindOf(channel), `channels/${kindOf(channel)}/messages/publication/payload`, pub.data);
  if (answered.size < 1 + channels.length + 5 || channels.some((name) => !(seen.checked[kindOf(name)] > 1))) return;
  seen.wrong_when_broken = wrongs('components/schemas/Reply', { id: 'x' }).length;
  finish(seen);
}
