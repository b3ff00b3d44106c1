"""Say what the processes of a row ran, on one line."""

from collections.abc import Sequence
from dataclasses import replace

from forktrace.analysis.findings import Role
from forktrace.views.tree import Row
from forktrace.views.words import ELLIPSIS, name_of, program_words

SUBCOMMANDED: Sequence[Role] = ("engine", "runtime", "cleanup")  # podman run, runc create

_SHORT = 24  # an inherited program is repeated with its arguments up to this length


def row_program(row: Row, room: int) -> str:
    """Say what a row ran, in ``room`` characters; of several with what all of them were told.

    One that never called exec has its creator's program.
    """
    process = row.process
    if process.outside or not process.images:
        return name_of(process)
    image = process.images[-1]
    if not row.same_argv:
        return f"{program_words(replace(image, argv=[*row.argv]), room - 2)} {ELLIPSIS}"
    if not image.inherited:
        return program_words(image, room, subcommand=row.role in SUBCOMMANDED)
    whole = program_words(image)
    return f"{whole if len(whole) <= _SHORT else name_of(process)} (no exec)"
