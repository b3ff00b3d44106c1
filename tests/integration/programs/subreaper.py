"""Be a subreaper, and adopt a grandchild whose parent ends; the grandchild says who its is."""

import ctypes
import json
import os
import time

PR_SET_CHILD_SUBREAPER = 36

ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
if not os.fork():
    middle = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == middle:
        time.sleep(0.001)
    facts = {"grandchild": os.getpid(), "middle": middle, "parent": os.getppid()}
    os.write(1, json.dumps(facts).encode() + b"\n")
    os._exit(0)
reaped = sorted([os.wait()[0], os.wait()[0]])
os.write(1, json.dumps({"pid": os.getpid(), "reaped": reaped}).encode() + b"\n")
