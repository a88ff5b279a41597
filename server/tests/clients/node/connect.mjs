// A `centrifuge` client for one transport, and small helpers that every script here needs.

import WebSocket from 'ws';
import { EventSource } from 'eventsource';
import { Centrifuge as JsonClient } from 'centrifuge';
import { Centrifuge as ProtobufClient } from 'centrifuge/build/protobuf';

const PATHS = { websocket: 'connection/websocket', http_stream: 'connection/http_stream', sse: 'connection/sse' };

export function connect(address, transport, encoding, options = {}) {
  const scheme = transport === 'websocket' ? 'ws' : 'http';
  const Client = encoding === 'protobuf' ? ProtobufClient : JsonClient;
  return new Client([{ transport, endpoint: `${scheme}://${address}/${PATHS[transport]}` }], {
    websocket: WebSocket,
    eventsource: EventSource,
    emulationEndpoint: `http://${address}/emulation`,
    token: 'good-token',
    minReconnectDelay: 50,
    maxReconnectDelay: 200,
    ...options,
  });
}

// The next event that is accepted.
export const once = (emitter, name, accept = () => true) =>
  new Promise((resolve) => {
    const listener = (context) => {
      if (accept(context)) {
        emitter.removeListener(name, listener);
        resolve(context);
      }
    };
    emitter.on(name, listener);
  });

// What was seen so far says where it hangs.
export function patience(seconds, seen) {
  setTimeout(() => {
    console.error(`not finished after ${seconds} s: ${JSON.stringify(seen)}`);
    process.exit(1);
  }, seconds * 1000);
}

// Prints what was seen; then there is nothing left to do.
export function finish(seen) {
  console.log(JSON.stringify(seen));
  process.exit(0);
}
