"""Start a session in a child, and a process group in its child, which executes a program."""

import json
import os

child = os.fork()
if not child:
    os.setsid()
    grandchild = os.fork()
    if not grandchild:
        os.setpgid(0, 0)
        os.execlp("true", "true")
    os.waitpid(grandchild, 0)
    facts = {"child": os.getpid(), "sid": os.getsid(0), "grandchild": grandchild}
    os.write(1, json.dumps(facts).encode() + b"\n")
    os._exit(0)
os.waitpid(child, 0)
own = {"pid": os.getpid(), "own_sid": os.getsid(0)}
os.write(1, json.dumps(own).encode() + b"\n")
