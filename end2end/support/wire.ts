// As much of the live protocol's Protobuf form as a test needs that stands between a page and its server: see docs/PROTOCOL.md.

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

/** The number at a place, and the place after it. */
function number(bytes: Buffer, at: number): [number, number] {
  let value = 0;
  for (let shift = 0; ; shift += 7, at += 1) {
    value |= (bytes[at] & 127) << shift;
    if (bytes[at] < 128) return [value >>> 0, at + 1];
  }
}

/** The commands of one message, each with its length before it. */
export function commands(message: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const [length, begin] = number(message, at);
    found.push(message.subarray(at, begin + length));
    at = begin + length;
  }
  return found;
}

/** The id of a command. */
export function idOf(command: Buffer): number {
  const [, begin] = number(command, 0);
  return command[begin] === 0x08 ? number(command, begin + 1)[0] : 0;
}

/** A message with the answer that a command is refused for the time being: no such channel now. */
export function notNow(id: number): Buffer {
  const words = Buffer.from("There is no such channel now.");
  const error = [0x08, 102, 0x12, words.length, ...words, 0x18, 1];
  const reply = [0x08, ...varint(id), 0x12, error.length, ...error];
  return Buffer.from([...varint(reply.length), ...reply]);
}
