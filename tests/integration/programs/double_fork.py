"""Become a daemon by a double fork, as daemon(7) tells; each process says what it is."""

import json
import os
import sys
import time


def say(**facts: object) -> None:
    os.write(1, json.dumps(facts).encode() + b"\n")


first = os.fork()
if first:
    os.waitpid(first, 0)
    say(pid=os.getpid(), middle=first)
    sys.exit(0)
os.setsid()
middle = os.getpid()
if os.fork():
    os._exit(2)
while os.getppid() == middle:
    time.sleep(0.001)
say(daemon=os.getpid(), middle=middle, parent=os.getppid(), sid=os.getsid(0), pgid=os.getpgid(0))
os._exit(0)
