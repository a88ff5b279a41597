"""Follows a stream and metrics with the published Python client through a proxy that cuts, until standard input ends,
and prints what was wrong. Usage: python cuts.py ADDRESS"""

import asyncio
import json
import sys

from centrifuge import Client, ClientEventHandler, SubscriptionEventHandler

seen = {
    "connects": 0,
    "stream": {"count": 0, "wrong": [], "recoveredAlways": True},
    "metrics": {"count": 0, "snapshots": 0, "wrong": []},
}


class Connects(ClientEventHandler):
    async def on_connected(self, context):
        seen["connects"] += 1


class Follow(SubscriptionEventHandler):
    """Publications must follow each other; who could not recover starts anew from its own position."""

    def __init__(self, notes):
        self.notes = notes
        self.last = None

    async def on_subscribed(self, context):
        if self.last is None or not context.recovered:
            if self.last is not None:
                self.notes["recoveredAlways"] = False
                self.notes["snapshots"] = self.notes.get("snapshots", 0) + 1
            self.last = context.stream_position.offset

    async def on_publication(self, context):
        offset = context.pub.offset
        if offset != self.last + 1:
            self.notes["wrong"].append([self.last, offset])
        self.last = offset
        self.notes["count"] += 1


async def main(address):
    client = Client(
        f"ws://{address}/connection/websocket",
        events=Connects(),
        token="good-token",
        min_reconnect_delay=0.005,
        max_reconnect_delay=0.05,
        timeout=2.0,
    )
    for channel, notes in (("runs/ticks", seen["stream"]), ("metrics/local/cpu", seen["metrics"])):
        subscription = client.new_subscription(channel, events=Follow(notes))
        await subscription.subscribe()
    await client.connect()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)
    # It must still live after the last cut.
    before = seen["stream"]["count"]
    while seen["stream"]["count"] <= before + 20:
        await asyncio.sleep(0.02)
    print(json.dumps(seen), flush=True)


asyncio.run(asyncio.wait_for(main(sys.argv[1]), 150))
