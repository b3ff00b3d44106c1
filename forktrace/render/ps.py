"""Write the processes of a moment for a terminal, as ps(1) or as systemd-cgls(1) would."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.moment import Timeline
from forktrace.model.standing import Standing
from forktrace.render.terminal_style import columns, fit, paint
from forktrace.views import ps
from forktrace.views.options import ViewOptions
from forktrace.views.ps import Choice, PsRow, choose
from forktrace.views.ps_cgroups import (
    Group,
    Hierarchy,
    choose_hierarchy,
    group,
    hierarchies,
    short_names,
    short_part,
)
from forktrace.views.when import moment_words, parse_moment, usual_moment
from forktrace.views.words import printable

_LEAST = 20  # columns that COMMAND has before CGROUP gets more than its head
_LEVEL = 4  # columns that a level of the tree takes
_CGROUP_SHARE = 4  # CGROUP takes at most one column in so many of a terminal
_GREY = ("helper", "other")


@dataclass(frozen=True, slots=True)
class Request:
    """Be what a user asks for: ``at`` is a moment in their words, None for the usual one.

    ``ended`` is as for ``views.ps.choose``; ``hierarchy`` as for ``choose_hierarchy``.
    """

    at: str | None = None
    cgroups: bool = False
    hierarchy: str | None = None
    nspid: bool = False
    ended: bool | None = None


def render(launch: Launch, findings: Findings, request: Request, options: ViewOptions) -> str:
    """Write who was there at a moment, and how, as a tree of processes or of cgroups.

    Raises:
        UsageError: the trace has no such moment, or no such cgroup hierarchy.
    """
    timeline = Timeline(launch)
    seq = (
        usual_moment(launch, findings, timeline)
        if request.at is None
        else parse_moment(request.at, launch, findings, timeline)
    )
    choice = choose(timeline.at(seq), ended=request.ended)
    standings = [row.standing for row in choice.rows]
    found = hierarchies(standings, findings, timeline.time_ns(seq))
    hierarchy = choose_hierarchy(found, findings, request.hierarchy)
    title = moment_words(launch, timeline, seq)
    notes = ps.notes(choice)
    if len(found) > 1 and not request.cgroups:
        notes.append(f"CGROUP is of the hierarchy {hierarchy.words}")
    page = Page(title, notes, options, findings)
    if request.cgroups:
        return render_cgroups(choice, hierarchy, page)
    return render_tree(choice, hierarchy, page, nspid=request.nspid)


@dataclass(frozen=True, slots=True)
class Page:
    """Be what is written around the rows: the ``title`` above, the ``notes`` below them."""

    title: str
    notes: list[str]
    options: ViewOptions
    findings: Findings

    def paint(self, style: str, text: str) -> str:
        """Return ``text`` in a style, where colours are wanted."""
        return paint(style, text, color=self.options.color)

    def fit(self, text: str, used: int = 0) -> str:
        """Cut what is wider than the terminal, of which ``used`` columns are taken."""
        if self.options.width is None:
            return text
        room = max(self.options.width - used, 0)
        return fit(text, room).rstrip() if columns(text) > room else text

    def command(self, standing: Standing, used: int) -> str:
        """Return the command line in the colour of its role, cut to the room there is."""
        text = self.fit(ps.command(standing, self.options.width), used)
        if standing.life not in ("alive", "unseen"):
            return self.paint("quiet", text)
        finding = self.findings.roles.get(standing.process.id)
        role = finding.role if finding and finding.role not in _GREY else ""
        name, space, arguments = text.partition(" ")
        return self.paint(role, name) + space + arguments

    def framed(self, lines: Iterable[str]) -> str:
        """Return the whole text: title, lines, notes."""
        notes = ["", *(self.paint("quiet", self.fit(note)) for note in self.notes)]
        title = self.paint("title", self.fit(self.title))
        return "".join(
            line.rstrip() + "\n" for line in [title, *lines, *(notes if self.notes else [])]
        )


def render_tree(choice: Choice, hierarchy: Hierarchy, page: Page, *, nspid: bool = False) -> str:
    """Write the rows as ``ps axf`` does: the columns of numbers, then the tree of commands.

    Args:
        choice: the rows.
        hierarchy: whose cgroups are shown.
        page: what stands around them.
        nspid: add a column with the pid in each PID namespace.
    """
    names = short_names(hierarchy)
    table = [_cells(row, hierarchy, names, nspid=nspid) for row in choice.rows]
    heads = ["PID", "PPID", "PGID", "SID", *(["NSPID"] if nspid else []), "TTY", "STAT", "CGROUP"]
    widths = [max(map(columns, column)) for column in zip(heads, *table, strict=True)]
    if page.options.width is not None:
        spare = page.options.width - sum(widths[:-1]) - len(widths) - _LEAST
        most = max(min(page.options.width // _CGROUP_SHARE, spare), len(heads[-1]))
        widths[-1] = min(widths[-1], most)
    left = sum(widths) + len(widths)
    return page.framed(
        [
            page.fit(_line(heads, widths) + "COMMAND"),
            *(
                _tree_row(row, _line(cells, widths), left, page)
                for row, cells in zip(choice.rows, table, strict=True)
            ),
        ]
    )


def _cells(row: PsRow, hierarchy: Hierarchy, names: dict[str, str], *, nspid: bool) -> list[str]:
    standing = row.standing
    path = hierarchy.paths.get(standing.process.id)
    return [
        ps.pid(standing),
        ps.parent_pid(standing),
        ps.number(standing.pgid),
        ps.number(standing.sid),
        *([ps.namespace_pids(standing)] if nspid else []),
        ps.terminal(standing.tty),
        ps.stat(standing),
        ps.UNKNOWN if path is None else names[path],
    ]


_NUMBERS = 4  # the first columns, which stand on the right


def _line(cells: list[str], widths: list[int]) -> str:
    shown = [
        cell.rjust(width) if i < _NUMBERS else fit(cell, width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return " ".join(shown) + " "


def _tree_row(row: PsRow, line: str, left: int, page: Page) -> str:
    width = page.options.width
    levels = ps.DEPTH if width is None else max((width - left - _LEAST) // _LEVEL, 1)
    guides = ps.guides(row, levels)
    command = page.command(row.standing, left + len(guides))
    if row.standing.life not in ("alive", "unseen"):
        return page.paint("quiet", line + guides) + command
    return line + page.paint("quiet", guides) + command


def render_cgroups(choice: Choice, hierarchy: Hierarchy, page: Page) -> str:
    """Write the tree of cgroups with the processes in each, as systemd-cgls does."""
    root, unknown = group(choice.rows, hierarchy)
    lines = [page.paint("title", "/"), *_below(root, "", page)]
    if unknown:
        lines.append(page.paint("title", "? (cgroup not known)"))
        lines += _members(unknown, "", page, more=False)
    return page.framed([f"cgroup hierarchy: {hierarchy.words}", *lines])


def _below(above: Group, indent: str, page: Page) -> Iterator[str]:
    """Yield what is in a cgroup: its processes, then the groups below it, at most 41 levels."""
    yield from _members(above.members, indent, page, more=bool(above.groups))
    groups = sorted(above.groups.values(), key=lambda g: g.name)
    for at, inner in enumerate(groups):
        last = at == len(groups) - 1
        branch = indent + ("└─" if last else "├─")
        name = _group_name(inner.name, page, columns(branch))
        yield page.paint("quiet", branch) + page.paint("title", name)
        yield from _below(inner, indent + ("  " if last else "│ "), page)


def _group_name(name: str, page: Page, used: int) -> str:
    """Write a cgroup's name, with ids cut where it would not fit as a whole."""
    whole = printable(name)
    fitting = page.fit(whole, used)
    return whole if fitting == whole else page.fit(short_part(name), used)


def _members(standings: list[Standing], indent: str, page: Page, *, more: bool) -> Iterator[str]:
    ordered = sorted(standings, key=lambda s: s.process.pid)
    width = max((len(ps.pid(s)) for s in ordered), default=0)
    for at, standing in enumerate(ordered):
        last = at == len(ordered) - 1 and not more
        branch = indent + ("└─" if last else "├─")
        pid = ps.pid(standing).rjust(width)
        command = page.command(standing, len(branch) + width + 1)
        yield f"{page.paint('quiet', branch)}{pid} {command}"
