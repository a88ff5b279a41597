// Lives with a Farol live plane as the published `@microsoft/signalr` does and prints one JSON object of what it saw.
// Usage: node signalr.mjs ADDRESS WebSockets|ServerSentEvents|LongPolling

import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import { finish, patience } from './connect.mjs';

const [address, transport] = process.argv.slice(2);
const seen = { offsets: [], starts: 0 };
patience(30, seen);

const build = (token, options = {}) =>
  new HubConnectionBuilder()
    .withUrl(`http://${address}/signalr`, {
      transport: HttpTransportType[transport],
      accessTokenFactory: () => token,
      ...options,
    })
    .withAutomaticReconnect([0, 50, 100, 200, 500])
    .configureLogging(LogLevel.None)
    .build();

// Nobody is let in without a proof.
seen.refused = await build('wrong')
  .start()
  .catch((error) => error.message);

const hub = build('good-token');
const closed = new Promise((resolve) => hub.onclose((error) => resolve(error?.message)));
await hub.start();
seen.starts += 1;
seen.transport = hub.connection.transport.constructor.name;

// A stream and its items; who waits for one that is accepted gets it.
const follow = (channel, options) => {
  const waiting = [];
  const items = [];
  const ended = new Promise((resolve) => {
    items.subscription = hub.stream('Subscribe', channel, options).subscribe({
      next: (item) => {
        items.push(item);
        waiting.filter((one) => one.accept(item)).forEach((one) => one.resolve(item));
      },
      complete: () => resolve('complete'),
      error: (error) => resolve(error.message),
    });
  });
  items.ended = ended;
  items.once = (accept) =>
    new Promise((resolve) => {
      const found = items.find(accept);
      found ? resolve(found) : waiting.push({ accept, resolve });
    });
  return items;
};
const subscribed = (item) => item.event === 'subscribed';
const publication = (item) => item.event === 'publication';
const note = (items) => seen.offsets.push(...items.filter(publication).map((item) => item.offset));

const metrics = follow('metrics/local/cpu');
seen.subscribed = await metrics.once(subscribed);
const third = (items) => items.once((item) => publication(item) && items.filter(publication).length >= 3);
await third(metrics);

seen.unknownChannel = await follow('no/such/channel').ended;
seen.run = await hub.invoke('Run', { key: 'k-12345678', action: 'demo', params: {} });
seen.cancelled = await hub.invoke('Cancel', 'r1');
seen.unknownMethod = await hub.invoke('nonsense', {}).catch((error) => error.message);
const room = follow('room/oracle', { join_leave: true });
await room.once(subscribed);
seen.presence = Object.values((await hub.invoke('Presence', 'room/oracle')).presence).map((client) => client.user);
await hub.invoke('Publish', 'room/oracle', { text: 'hello' });
seen.said = (await room.once(publication)).data;
seen.history = (await hub.invoke('History', 'room/oracle', { limit: -1 })).publications.length;
await hub.send('nonsense-without-an-answer');

// Left: nothing more comes, and the channel can be followed again.
room.subscription.dispose();
const again = follow('room/oracle');
await again.once(subscribed);

// The server asks to come back; the client does so by itself, and follows the channel from where it was.
const back = new Promise((resolve) => hub.onreconnected(resolve));
seen.reconnecting = await new Promise((resolve) => {
  hub.onreconnecting((error) => resolve(error?.message));
  hub.send('cut', {});
});
seen.streamEnded = await metrics.ended;
await back;
seen.starts += 1;
note(metrics);
const epoch = metrics.find(subscribed).epoch;
const resumed = follow('metrics/local/cpu', { recover: true, epoch, offset: seen.offsets.at(-1) });
seen.resumed = (await resumed.once(subscribed)).recovered;
await third(resumed);
note(resumed);
seen.contiguous = seen.offsets.every((offset, index) => index === 0 || offset === seen.offsets[index - 1] + 1);

// Signed out: for good.
hub.send('sign_out', {}).catch(() => {});
seen.closed = await closed;

// A client that stops is gone.
const second = build('good-token');
await second.start();
await second.stop();
finish(seen);
