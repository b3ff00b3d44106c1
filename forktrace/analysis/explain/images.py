"""Tell what a process is for, and what it ran."""

import re

from forktrace.analysis.explain.case import Case, created_at, descent, pid_one_evidence
from forktrace.analysis.explain.draft import Draft, image_naming, naming
from forktrace.analysis.explain.phrases import command_line, cut, listed, short_name
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.roles.programs import monitor_arguments
from forktrace.model.counting import count_words
from forktrace.model.facts import Moment
from forktrace.model.image import Image, image_name
from forktrace.model.process import Process

_TOLD = 6  # programs told one by one
_THREADS = "clone(2), CLONE_THREAD"
_ROLES = {
    "engine": "an engine",
    "runtime": "a runtime invocation",
    "init-stage": "an init stage",
    "container": "a process of the container",
    "cleanup": "the engine's clean-up",
}


def role(case: Case, process: Process) -> list[Sentence]:
    """Say what a process is for and by which rule that was decided.

    Nothing is said where the rule rests on many things, none of which is needed.
    """
    found = case.findings.roles.get(process.id)
    if found is None or found.role == "other":
        return []
    draft = Draft(case)
    draft.rests_on(*_role_evidence(case, process, found.rule))
    what = _ROLES.get(found.role, f"a {found.role}")
    name = draft.who(process.id)
    text = f"{name} is {what}, by the rule: {cut(found.rule, 160)}."
    told = draft.inferred(text, "analysis/roles")
    return [told] if told.events else []


def _role_evidence(case: Case, process: Process, rule: str) -> list[Moment]:
    """Return the event that a rule of roles names, where its words tell which it is."""
    if rule.startswith("left by "):
        return [a.at for a in process.adoptions[-1:]]
    if rule.startswith("pid 1 of "):
        return pid_one_evidence(process)
    of_other = re.match(r"(?:started the monitor|made by|the runtime that) (p\d+)\b", rule)
    if of_other is not None:
        other = case.process(of_other[1])
        started = rule.startswith("started")
        return created_at(other) if started else naming(case, other)
    if rule.startswith("forked by") or "only asked it for" in rule:
        return descent(process)
    if rule.startswith("created by") and "in new namespaces" in rule:
        return created_at(process)
    own = process.own_images
    called = rule.startswith(("its -r names", "called with"))
    called = called or ", called with" in rule or "executed its own" in rule
    shown = [own[0].at] if called and len(own) == 1 and not process.attached else []
    return [*shown, *_ran(case, process, rule), *_first_half(case, process, rule)]


def _ran(case: Case, process: Process, rule: str) -> list[Moment]:
    """Return the exec of the runtime that a monitor's rule names, by the path that its -r has."""
    found = re.match(r"its -r names the runtime that (p\d+) executed", rule)
    told = monitor_arguments(process.own_images[0].argv) if found else None
    if found is None or told is None:
        return []
    ran = [i.at for i in case.process(found[1]).own_images if i.path == told.runtime]
    return ran if len(ran) == 1 else []


def _first_half(case: Case, process: Process, rule: str) -> list[Moment]:
    """Return what a monitor's rule says of one that only made the one that goes on: birth, end."""
    found = re.search(r"; it created (p\d+), which goes on, and ended$", rule)
    if found is None or process.exit is None:
        return []
    return [*created_at(case.process(found[1])), process.exit.at]


def programs(case: Case, process: Process) -> list[Sentence]:
    """Say what a process was born as, and what it executed."""
    own = [i for i in process.own_images if i.at != process.born]
    return _each(case, process, own) if own else _never_executed(case, process)


def later_programs(case: Case, process: Process) -> list[Sentence]:
    """Say what a process executed after the first program."""
    return _each(case, process, process.own_images[1:])


def _each(case: Case, process: Process, images: list[Image]) -> list[Sentence]:
    """Tell of programs one by one, and count what is more than enough."""
    told = [_executed(case, process, image) for image in images[:_TOLD]]
    if len(images) > _TOLD:
        draft = Draft(case)
        draft.rests_on(*(image.at for image in images[_TOLD:]))
        times = count_words(len(images) - _TOLD, "more time")
        told.append(draft.observed(f"{process.id} executed something {times}."))
    return told


def _executed(case: Case, process: Process, image: Image) -> Sentence:
    draft = Draft(case)
    draft.rests_on(image.at)
    place = process.images.index(image)
    before = process.images[place - 1] if place else None
    argv = command_line(image.argv) if image.argv else short_name(image_name(image))
    text = f"{process.id} executed {argv}"
    if image.tid is not None:
        text += f" from its thread {image.tid}"
    if image.path and image.argv and image.path != image.argv[0]:
        text += f" (the file {short_name(image.path)})"
    if before is not None and image_name(before) != image_name(image):
        draft.rests_on(*image_naming(case, process, place - 1, words=False))
        draft.rests_on(*(descent(process) if before.inherited else ()))
        text += f"; until then it ran {short_name(image_name(before))}"
    if image.env:
        text += f". Of the variables that are looked for, its environment had {listed(image.env)}"
    return draft.observed(f"{text}.")


def _never_executed(case: Case, process: Process) -> list[Sentence]:
    """Say that a process went on in its creator's program."""
    if process.outside or process.attached or not process.images or not process.creator:
        return []
    draft = Draft(case)
    name = draft.who(process.id)
    draft.rests_on(*(m for m in [process.creation.at] if m) if process.creation else ())
    text = f"{name} executed nothing: it went on in the program of {draft.who(process.creator)}"
    return [draft.inferred(f"{text}, a copy of which it is.", "fork(2)")]


def offspring(case: Case, process: Process) -> list[Sentence]:
    """Say whom a process created, and how many threads."""
    made = case.children.get(process.id, [])
    told = []
    if made:
        draft = Draft(case)
        draft.rests_on(*(p.creation.at for p in made if p.creation))
        names = listed(draft.all_of(p.id for p in made[:_TOLD]), _TOLD)
        more = f", and {len(made) - _TOLD:,} more" if len(made) > _TOLD else ""
        told.append(draft.observed(f"{draft.who(process.id)} created {names}{more}."))
    announced = [t for t in process.threads if t.announced is not None]
    if announced:
        draft = Draft(case)
        draft.rests_on(*(t.announced for t in announced))
        text = f"{process.id} made {count_words(len(announced), 'more thread')}; threads belong to"
        told.append(draft.observed(f"{text} their process, and are not its children.", _THREADS))
    return told
