"""Execute a script twice in one process: by a relative path, then with odd arguments."""

import json
import os
import sys
from pathlib import Path

if len(sys.argv) == 2:
    os.chdir(sys.argv[1])
    script = Path("odd name")
    script.write_text(f"#!{sys.executable} -IS\nimport runpy\nrunpy.run_path({__file__!r})\n")
    script.chmod(0o700)
    os.execv("./odd name", ["ignored", "again", "and again"])
elif len(sys.argv) == 3:
    arguments = [b"true", b"", b"two\nlines", b"\xff\xfe", b"\x1b[31mred", b"x" * 100_000]
    facts = {"pid": os.getpid(), "cwd": str(Path.cwd()), "argv": list(map(os.fsdecode, arguments))}
    os.write(1, json.dumps(facts).encode() + b"\n")
    os.execvp("true", arguments)
