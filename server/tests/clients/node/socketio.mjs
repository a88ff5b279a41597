// Lives with a Farol live plane as the published `socket.io-client` does and prints one JSON object of what it saw.
// Usage: node socketio.mjs ADDRESS polling|websocket|upgrade

import { io } from 'socket.io-client';
import { finish, once, patience } from './connect.mjs';

const [address, kind] = process.argv.slice(2);
const seen = { connects: 0, offsets: [], ended: [] };
patience(20, seen);

const transports = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] }[kind];
const options = { transports, reconnectionDelay: 50, reconnectionDelayMax: 100, forceNew: true };

// Nobody is let in without a proof.
const stranger = io(`http://${address}`, { ...options, auth: { token: 'wrong' } });
seen.refused = (await once(stranger, 'connect_error')).message;
stranger.close();

const socket = io(`http://${address}`, { ...options, auth: { token: 'good-token' } });
const ask = (name, data) => socket.timeout(5000).emitWithAck(name, data);
let position = null;
const channel = 'metrics/local/cpu';
const resubscribe = async () => {
  const asked = position ? { channel, recover: true, ...position } : { channel };
  const result = await ask('subscribe', asked);
  seen.subscribed ??= result;
  seen.resubscribed = { recovered: result.recovered ?? false, wasRecovering: result.was_recovering ?? false };
  position = { epoch: result.epoch, offset: position && result.recovered ? position.offset : result.offset };
  (result.publications ?? []).forEach(take);
};
const take = (publication) => {
  seen.offsets.push(publication.offset);
  position.offset = publication.offset;
};
socket.on('publication', (publication) => publication.channel === channel && take(publication));
let back = resubscribe;
socket.on('connect', () => {
  seen.connects += 1;
  seen.back = back();
});
await once(socket, 'connect');
await seen.back;
delete seen.back;
await once(socket, 'publication');
if (kind === 'upgrade') {
  if (socket.io.engine.transport.name !== 'websocket') {
    await once(socket.io.engine, 'upgrade');
  }
}
seen.transport = socket.io.engine.transport.name;

seen.unknownChannel = await ask('subscribe', { channel: 'no/such/channel' });
seen.unknownRequest = await ask('dance', {});
seen.notAnObject = await ask('rpc', 'what');
seen.run = await ask('rpc', { method: 'run', data: { key: 'k-12345678' } });
seen.unknownMethod = await ask('rpc', { method: 'nonsense', data: {} });
await ask('subscribe', { channel: 'room/oracle', join_leave: true });
seen.presence = await ask('presence', { channel: 'room/oracle' });
const heard = once(socket, 'publication', (publication) => publication.channel === 'room/oracle');
await ask('publish', { channel: 'room/oracle', data: { text: 'hello' } });
seen.said = (await heard).data;
seen.left = await ask('unsubscribe', { channel: 'room/oracle' });

// The connection breaks: the client comes back by itself and goes on where it was.
const connected = once(socket, 'connect');
socket.io.engine.close();
await connected;
await seen.back;
delete seen.back;
await once(socket, 'publication');

// The server asks to come back: that is the application's to do, as always in Socket.IO.
const asked = once(socket, 'disconnected');
const gone = once(socket, 'disconnect');
ask('rpc', { method: 'cut', data: {} }).catch(() => {});
seen.cut = await asked;
seen.cutReason = await gone;
const again = once(socket, 'connect');
socket.connect();
await again;
await seen.back;
delete seen.back;
const last = seen.offsets.at(-1);
await once(socket, 'publication', (publication) => publication.offset > last + 2);
seen.contiguous = seen.offsets.every((offset, index) => index === 0 || offset === seen.offsets[index - 1] + 1);

// Signed out: for good.
const ended = once(socket, 'disconnected');
ask('rpc', { method: 'sign_out', data: {} }).catch(() => {});
seen.signedOut = await ended;
finish(seen);
