"""Start a program with posix_spawn(3)."""

import json
import os

child = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 6"], {})
status = os.waitpid(child, 0)[1]
print(json.dumps({"pid": os.getpid(), "child": child, "code": os.WEXITSTATUS(status)}))
