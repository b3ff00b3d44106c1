"""Tell the ways apart in which a process is created."""

from forktrace.model.process import Creation


def is_vfork(creation: Creation | None) -> bool:
    """Say whether the caller waited until its child executed a program or ended."""
    return creation is not None and (creation.how == "vfork" or "CLONE_VFORK" in creation.flags)
