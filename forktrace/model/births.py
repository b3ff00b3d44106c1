"""Complete what is known of births, once a whole trace has been joined."""

from forktrace.model.facts import Adoption
from forktrace.model.image import Image
from forktrace.model.pids import first_ppid
from forktrace.model.process import Process


def infer_missed_adoptions(processes: dict[str, Process], expected: dict[str, str]) -> None:
    """Find the processes whose parent at birth had died before the first look at them.

    The kernel makes the creator the parent, or with CLONE_PARENT the creator's parent
    (kernel/fork.c: copy_process). A first look that shows another, where that one did die, shows
    an adoption, which no record tells of unless the death was reported after the look.

    Args:
        processes: all processes by id.
        expected: for each process the id of the parent that the clone flags gave it.
    """
    for child_id, parent_id in expected.items():
        child, parent = processes[child_id], processes[parent_id]
        adopter = child.parent
        if adopter in (None, parent_id) or not first_ppid(child) or parent.exit is None:
            continue
        assert adopter is not None
        # The death itself came before the look, but may be reported later.
        at = max(parent.exit.at, child.samples[0].at, key=lambda moment: moment.seq)
        if not (child.adoptions and child.adoptions[0].death == parent_id):
            child.adoptions.insert(0, Adoption(at, adopter, parent_id, parent_id, inferred=True))
        child.parent = parent_id
        child.parent_inferred = True


def inherit_images(processes: dict[str, Process]) -> None:
    """Give each process the image that it was born with: its creator's, as it was then.

    The root is left without, as it was forktrace's copy until its first exec, and so is what ran
    before the trace. Creators stand before what they created, so one pass will do.
    """
    for process in processes.values():
        source = processes.get(process.creator or process.parent or "")
        if process.outside or process.attached or source is None:
            continue
        image = _image_before(source, process.born.seq)
        if image is not None:
            process.images.insert(0, _as_inherited(image, process))


def _image_before(process: Process, seq: int) -> Image | None:
    return next((i for i in reversed(process.images) if i.at.seq < seq or process.outside), None)


def _as_inherited(image: Image, process: Process) -> Image:
    return Image(
        process.born,
        image.path,
        image.argv,
        exe=image.exe,
        env=image.env,
        inherited=True,
        comm=image.comm,
        errors=image.errors,
    )


def confirm_parents(processes: dict[str, Process]) -> None:
    """Take the parent that flags gave as observed, where the first look at PPid showed the same.

    A process born like any other is looked at only when it executes something or ends; until an
    adoption is recorded its PPid is still the one of its birth.
    """
    for process in processes.values():
        parent = processes.get(process.parent or "")
        if process.parent_inferred and parent and _first_look(process) == parent.pid:
            process.parent_inferred = False


def _first_look(process: Process) -> int | None:
    """Return the PPid that was read first, None if none was before the first adoption."""
    first = next((s for s in process.samples if s.ppid is not None), None)
    if first is None or (process.adoptions and process.adoptions[0].at.seq < first.at.seq):
        return None
    return first.ppid
