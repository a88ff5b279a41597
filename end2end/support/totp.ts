import { createHmac } from "node:crypto";

/** What an authenticator app shows (RFC 6238), `steps` of 30 seconds from now. `secret` is base 32 as a page shows it. */
export function totp(secret: string, steps = 0): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll(/\s/g, "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const hash = createHmac("sha1", key).update(counter).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Waits for the first part of a time step, so that none ends between reading a code and checking it. */
export async function inTheFirstPartOfAStep() {
  while (Date.now() % 30_000 > 18_000) await new Promise((later) => setTimeout(later, 100));
}
