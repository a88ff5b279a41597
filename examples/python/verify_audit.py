"""Verifies an exported audit log with nothing but Python: `farol audit export --output audit.jsonl`, then
`python3 verify_audit.py audit.jsonl [NUMBER:HASH]`. The bytes are those of docs/SECURITY.md, "The chain of the audit log"."""

import hashlib
import json
import sys


def number(value):
    return value.to_bytes(8, "big", signed=True)


def text(value):
    data = value.encode("utf-8")
    return len(data).to_bytes(4, "big") + data


def optional(value, write):
    return b"\x00" if value is None else b"\x01" + write(value)


def digest(entry):
    data = b"farol-audit-v1\n" + bytes.fromhex(entry["prev"])
    data += number(entry["seq"]) + number(entry["at_ms"])
    for name in ("who", "from", "what", "params"):
        data += text(entry[name])
    data += optional(entry["run"], text) + optional(entry["ends"], number)
    data += text(entry["outcome"]) + text(entry["detail"])
    data += optional(entry["duration_ms"], number)
    return hashlib.sha256(data).hexdigest()


def main(path, anchor=None):
    last, count = None, 0
    anchored = anchor is None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            seq = entry["seq"]
            if digest(entry) != entry["hash"]:
                sys.exit(f"entry {seq} is not what was written")
            if last is None and seq == 1 and entry["prev"] != "00" * 32:
                sys.exit("entry 1 follows something")
            if last is not None and (seq, entry["prev"]) != (last["seq"] + 1, last["hash"]):
                sys.exit(f"entry {seq} does not follow entry {last['seq']}")
            anchored = anchored or anchor == f"{seq}:{entry['hash']}"
            last, count = entry, count + 1
    if last is None:
        sys.exit("there are no entries")
    if not anchored:
        sys.exit(f"{anchor} is not in it")
    print(f"{count} entries hold; the last one is {last['seq']}:{last['hash']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
