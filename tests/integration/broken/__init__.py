"""Run forktrace without one of its rules: ``python -m tests.integration.broken RULE ORDER …``.

Each rule of the capture that answers a pitfall of ptrace(2) is taken away by replacing one piece
with what a tracer without that rule does. The tests of the pitfalls run the command line once
whole and once broken, and must notice. RULE and ORDER can be "-".

An order brings about what otherwise needs luck, for the whole program as well: some of the
kernel's reports are handed over late (those of different tasks have no order among each other),
or a process is killed at the worst moment.
"""

from tests.integration.broken import lives, orders, programs, stops, tracing
from tests.integration.broken.registry import ORDERS, RULES

__all__ = ["ORDERS", "RULES", "lives", "orders", "programs", "stops", "tracing"]
