"""End before the child does; the child says who its parent is then."""

import json
import os
import time

parent = os.getpid()
if os.fork():
    os._exit(4)
while os.getppid() == parent:
    time.sleep(0.001)
facts = {"pid": parent, "child": os.getpid(), "parent": os.getppid()}
os.write(1, json.dumps(facts).encode() + b"\n")
