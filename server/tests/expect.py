"""Runs a program on a terminal of its own and talks to it. Usage: python3 expect.py '[["wait for", "then send"], ...]' PROGRAM...
What ends with a colon asks for something hidden: it is typed when the terminal shows no more what is typed. Prints what was seen and how it ended, as one JSON object."""

import json
import os
import pty
import sys
import termios
import time

steps, program = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execv(program[0], program)
seen, looked = b"", 0


def read():
    global seen
    try:
        data = os.read(terminal, 4096)
    except OSError:  # The other end is closed: Linux says EIO.
        data = b""
    seen += data
    return bool(data)


for wanted, answer in steps:
    while wanted.encode() not in seen[looked:]:
        if not read():
            break
    looked = len(seen)
    while wanted.endswith(":") and termios.tcgetattr(terminal)[3] & termios.ECHO:
        time.sleep(0.005)
    os.write(terminal, answer.encode())
while read():
    pass
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps({"code": status, "seen": seen.decode(errors="replace")}))
