"""Prints the processor's load as it comes, over WebSocket with the package centrifuge-python.

    pip install centrifuge-python
    FAROL_TOKEN=farol_... python cpu.py --count 5
"""

import argparse
import asyncio
import os
import sys
from datetime import datetime, timezone

from centrifuge import Client, ClientEventHandler, SubscriptionEventHandler


class Cpu(SubscriptionEventHandler):
    """Prints one line for each frame."""

    def __init__(self, count, done):
        self.left, self.done = count, done
        self.place = None

    def learn(self, schema):
        """Values stand in the order of the schema."""
        self.place = [spec["name"] for spec in schema].index("cpu_usage_percent")

    async def on_subscribed(self, context):
        # Absent when what was missed is sent instead of a snapshot.
        if context.data:
            self.learn(context.data["schema"])

    async def on_publication(self, context):
        frame = context.pub.data
        if "schema" in frame:
            self.learn(frame["schema"])
            return
        value = frame["values"][self.place]
        time = datetime.fromtimestamp(frame["t_ms"] / 1000, timezone.utc).isoformat(timespec="milliseconds")
        print(time, "cpu", "not available" if value is None else f"{value:.1f} %", flush=True)
        self.left -= 1
        if self.left == 0 and not self.done.done():
            self.done.set_result(None)

    async def on_unsubscribed(self, context):
        if context.code and not self.done.done():
            self.done.set_result(f"not subscribed: {context.code} {context.reason}")


class Connection(ClientEventHandler):
    """The client comes back by itself after a loss, and asks for what it missed; a refusal is the end."""

    def __init__(self, done):
        self.done = done

    async def on_disconnected(self, context):
        if context.code and not self.done.done():
            self.done.set_result(f"refused: {context.code} {context.reason}")


async def main(url, token, count):
    done = asyncio.get_running_loop().create_future()
    client = Client(url.replace("http", "ws", 1) + "/connection/websocket", token=token, events=Connection(done))
    subscription = client.new_subscription("metrics/local/cpu", events=Cpu(count, done))
    await client.connect()
    await subscription.subscribe()
    problem = await done
    await client.disconnect()
    return problem


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Prints the processor's load as it comes.")
    arguments.add_argument("--count", type=int, default=-1, help="lines to print")
    given = arguments.parse_args()
    if "FAROL_TOKEN" not in os.environ:
        sys.exit("FAROL_TOKEN is missing; make one: farol token create --user NAME --name examples")
    url = os.environ.get("FAROL_URL", "http://127.0.0.1:3000")
    sys.exit(asyncio.run(main(url, os.environ["FAROL_TOKEN"], given.count)))
