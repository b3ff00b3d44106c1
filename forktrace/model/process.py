"""Hold one process of a launch: where it came from, what it ran, how it ended."""

from dataclasses import dataclass, field

from forktrace.model.facts import (
    Adoption,
    Call,
    Creation,
    DescriptorTable,
    Exit,
    Moment,
    Reap,
    Sample,
    Thread,
    UntracedChild,
)
from forktrace.model.image import Image, image_name


@dataclass(slots=True)
class Process:
    """Be a process, under an id of its own: p1, p2, … in creation order; x1, … outside the trace.

    ``parent`` is the id of the real parent at birth, ``parent_inferred`` where it follows from
    the clone flags alone. ``born`` is the earliest sign of it. ``attached`` processes were
    running before the trace began: ``born`` is then when they were first looked at, ``parent``
    the real parent at that time, and the first image what they ran, which they or an ancestor
    had executed. An ``unseen`` process was announced by its creator, but its
    first stop never came: it was killed at once, or the trace ended too early. ``released`` says
    when it was let go, and nothing of it was seen from then on: left to another tracer, its parent,
    or, where ``fault`` is the name of a signal, to die of that.
    ``stand_in`` says what it stands for where nobody knows which process that is; a pid of 0 is one
    that is not known.
    ``untold_waits`` has the numbers of the events of its waits that tell nobody's pid.
    ``heritage`` is what its creator was known to have open when it was created
    (``model.descriptors.descriptors_at`` tells what it had itself at a moment).

    The creator, the parent and every adopter of a process are outside the trace, or stand before
    it in creation order: whoever walks up from a process comes to an end.
    """

    id: str
    pid: int
    born: Moment
    outside: bool = False
    attached: bool = False
    unseen: bool = False
    creation: Creation | None = None
    parent: str | None = None
    parent_inferred: bool = False
    images: list[Image] = field(default_factory=list)
    exit: Exit | None = None
    adoptions: list[Adoption] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    heritage: DescriptorTable | None = None
    descriptors: list[DescriptorTable] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    untold_waits: list[int] = field(default_factory=list)
    reap: Reap | None = None
    untraced: list[UntracedChild] = field(default_factory=list)
    released: Moment | None = None
    fault: str | None = None
    stand_in: str | None = None

    @property
    def creator(self) -> str | None:
        """Return the id of the process that called fork, None if unknown or outside."""
        return self.creation.creator if self.creation else None

    @property
    def taken_over(self) -> bool:
        """Say whether another tracer took it over, so that it did things that were not seen."""
        return self.released is not None and self.fault is None

    @property
    def nspid(self) -> list[int]:
        """Return the pid in each PID namespace, the tracer's first; empty if never read."""
        for sample in self.samples:
            if sample.nspid:
                return sample.nspid
        return []

    @property
    def comm(self) -> str | None:
        """Return the last comm that was sampled."""
        for sample in reversed(self.samples):
            if sample.comm:
                return sample.comm
        return None

    @property
    def is_vforked(self) -> bool:
        """Say whether its creator waited until it executed a program or ended."""
        return self.creation is not None and self.creation.is_vfork

    @property
    def own_images(self) -> list[Image]:
        """Return the programs that it executed itself."""
        return [image for image in self.images if not image.inherited]

    @property
    def argv(self) -> list[str]:
        """Return the arguments of the last image."""
        return self.images[-1].argv if self.images else []

    @property
    def name(self) -> str:
        """Return what to call this process: its last program's name, else its comm, else pid."""
        if self.stand_in is not None:
            return self.stand_in
        return image_name(self.images[-1]) if self.images else self.comm or f"pid {self.pid}"
