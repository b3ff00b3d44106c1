"""Tell the whole story of a launch, in the order of what led to what."""

from collections import defaultdict

from forktrace.analysis.explain.absent import session_of, sessions, unmade
from forktrace.analysis.explain.adoptions import adoption
from forktrace.analysis.explain.births import birth
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.cgroup_reasons import cgroups_of
from forktrace.analysis.explain.double_forks import double_fork
from forktrace.analysis.explain.draft import Draft, label, naming, unknown
from forktrace.analysis.explain.ends import end
from forktrace.analysis.explain.images import role
from forktrace.analysis.explain.phrases import kinds
from forktrace.analysis.explain.plain import plain
from forktrace.analysis.explain.sentences import Section, Sentence
from forktrace.analysis.explain.signals import killers
from forktrace.analysis.explain.spaces import of_container
from forktrace.analysis.explain.stages import (
    made_by_runtime,
    payload_below,
    stages,
    started,
    until_payload,
)
from forktrace.analysis.explain.streams import connections, streams
from forktrace.analysis.explain.survival import survivors
from forktrace.analysis.explain.whereabouts import container_is, named, where
from forktrace.analysis.findings import Container
from forktrace.model.counting import count_words
from forktrace.model.facts import Moment
from forktrace.model.process import Process

_OTHERS = 6  # containers that are named beside the one that is told of in full
_ASKED = "only asked it for"  # in the rule of a helper that did nothing


def story(case: Case) -> list[Section]:
    """Tell the story: of each container, else of what was adopted or daemonised.

    A process that was started in a container whose own launch is not in the trace stands for it.
    """
    containers = [c if c.init else session_of(case, c) for c in case.findings.containers]
    found = [c for c in containers if c is not None]
    if not found:
        return _without(case)
    main = next((c for c in found if c.image is not None), found[0])
    others = [c for c in found if c is not main]
    title = f"{named(main)}: " if others else ""
    sections = _container(case, main, title)
    told = [s for c in others[:_OTHERS] for s in container_is(case, c)]
    if len(others) > _OTHERS:
        more = count_words(len(others) - _OTHERS, "more container")
        told.append(unknown(f"{more} of this trace are not told of here."))
    told += [s for c in case.findings.containers for s in unmade(case, c)]
    return [*sections, Section("Other containers", tuple(told))] if told else sections


def _without(case: Case) -> list[Section]:
    """Tell of a launch that shows no container's process, and why it shows none."""
    sections = [Section("", tuple(plain(case)))]
    if case.findings.containers or case.with_role("engine"):
        sections.append(Section("Where the container is", tuple(where(case))))
    return sections


def _container(case: Case, container: Container, several: str) -> list[Section]:
    parts = (
        ("Who created whom, and who adopted whom", _making(case, container)),
        ("The container starts", _letting_go(case, container)),
        ("Cgroups", cgroups_of(case, container, brief=True)),
        ("Streams", _streams(case, container)),
        ("The end", _ending(case, container)),
        ("What would survive", _surviving(case, container)),
    )
    return [Section(several + title, tuple(told)) for title, told in parts if told]


def _making(case: Case, container: Container) -> list[Sentence]:
    """Follow the line of creators from the eldest to the runtime, with what became of each."""
    init = case.process(container.init or "")
    runtime_made = {i for p in stages(case, container) for i in (p.id, p.creator)}
    line = [case.process(i) for i in case.line(init.id) if i not in runtime_made]
    daemons = [p.id for p in line if p.id in case.findings.double_forks]
    middles = {case.findings.double_forks[id_].middle for id_ in daemons}
    watcher = next((p.id for p in line if case.role(p.id) == "monitor"), None)
    told: list[Sentence] = []
    for process in line:
        if process.id in middles:
            continue
        if process.id in daemons:
            told += double_fork(case, case.findings.double_forks[process.id])
        else:
            told += birth(case, process)
            told += [s for change in process.adoptions for s in adoption(case, process, change)]
        here = (process.id, process.creator if process.id in daemons else None)
        if watcher is not None and watcher in here:
            told += role(case, case.process(watcher))
    told += made_by_runtime(case, container)
    if init.id in runtime_made:
        told += [s for change in init.adoptions for s in adoption(case, init, change)]
    return told


def _letting_go(case: Case, container: Container) -> list[Sentence]:
    init = case.process(container.init or "")
    chain = stages(case, container)
    spaces = of_container(case, chain) if chain else []
    inside = payload_below(case, container)
    asked = next(c for c in case.findings.containers if c.key == container.key)
    begun = [*started(case, container), *until_payload(case, init), *inside]
    return [*spaces, *begun, *sessions(case, asked)]


def _streams(case: Case, container: Container) -> list[Sentence]:
    """Tell of the streams of init and engine when the payload was executed."""
    at = container.payload or _last_look(case.process(container.init or ""))
    told = streams(case, case.process(container.init or ""), at)
    if container.engine:
        told += streams(case, case.process(container.engine), at)
    return [*told, *connections(case, container)]


def _last_look(process: Process) -> Moment | None:
    return process.descriptors[-1].at if process.descriptors else None


def _ending(case: Case, container: Container) -> list[Sentence]:
    ids = dict.fromkeys((container.init, container.monitor, container.engine))
    told = [s for id_ in ids if id_ for s in killers(case, case.process(id_))]
    told += end(case, case.process(container.init or ""))
    cleanups = [
        p for p in case.with_role("cleanup") if container.monitor and p.creator == container.monitor
    ]
    told += [s for p in cleanups[:1] for s in birth(case, p)]
    return [*told, *_helpers(case, container)]


def _helpers(case: Case, container: Container) -> list[Sentence]:
    """Count the helpers that an engine ran, by what they were."""
    by_creator: defaultdict[str, list[Process]] = defaultdict(list)
    for process in case.with_role("helper"):
        above = process.creator
        while above is not None and case.role(above) == "helper":
            above = case.process(above).creator
        if above is not None and above in (container.engine, container.monitor):
            by_creator[above].append(process)
    told = []
    for creator, helpers in by_creator.items():
        if all(_ASKED in case.findings.roles[helper.id].rule for helper in helpers):
            continue  # podman asks conmon for its version each time
        draft = Draft(case)
        for helper in helpers:
            draft.rests_on(helper.creation.at if helper.creation else None)
            draft.rests_on(*naming(case, helper))
        text = f"{draft.who(creator)} also ran {count_words(len(helpers), 'helper')}"
        through = any(helper.creator != creator for helper in helpers)
        text += ", some of them through others" * through
        text += f": {kinds(label(case, helper) for helper in helpers)}."
        told.append(draft.inferred(text, "analysis/roles/helpers.py"))
    return told


def _surviving(case: Case, container: Container) -> list[Sentence]:
    if container.engine is None:
        return []
    return survivors(case, case.process(container.engine), container)
