"""Hold how one process stood at a moment of a launch."""

from dataclasses import dataclass
from typing import Literal

from forktrace.model.image import Image
from forktrace.model.process import Process

Life = Literal["alive", "unseen", "zombie", "unwaited", "ended", "past", "outside"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Say how a process stood at a moment; what was not known then is None.

    ``life`` is one of:

    * "alive": it ran, slept or was stopped, which a trace does not tell;
    * "unseen": as "alive", but nothing is known of it any more, as it was left to another tracer,
      or was announced by its creator and never seen to run;
    * "zombie": it had ended, and is known to have been waited for only later;
    * "unwaited": it had ended, all waits were recorded, and none was for it: a zombie, unless its
      parent ignores SIGCHLD (wait(2), NOTES);
    * "ended": it had ended, no waits were recorded, and its parent had not been seen to do
      anything since;
    * "past": the same, but its parent had done something since;
    * "outside": it is no process of the trace, but was the real parent of one.

    ``parent`` is the id of the real parent then and ``ppid`` its pid (0: it is outside of the
    PID namespace of the tracer); ``inferred``: nobody looked at it, it follows from a fork and its
    flags or from the kernel's rule of adoption. ``threads`` counts those besides the leader.
    """

    process: Process
    life: Life
    parent: str | None = None
    ppid: int | None = None
    inferred: bool = False
    image: Image | None = None
    comm: str | None = None
    pgid: int | None = None
    sid: int | None = None
    tty: int | None = None
    cgroup: tuple[str, ...] | None = None
    threads: int = 0
