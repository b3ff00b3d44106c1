"""Render an answer as Markdown; as an output format, the story of a launch."""

from collections.abc import Sequence

from forktrace.analysis.explain import Case, explain
from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.render.markdown import code, escape, prose
from forktrace.views.explain import Item, Part, build_parts
from forktrace.views.explain_heading import heading
from forktrace.views.options import ViewOptions


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Write the story of a launch, without the events."""
    sections = explain(Case(launch, findings))
    return render_parts(heading(launch, None), build_parts(sections, None), options)


def render_parts(heading: Sequence[str], parts: Sequence[Part], _options: ViewOptions) -> str:
    """Write the heading's first line as title, the others under it, then the parts."""
    lines = [f"# {code(heading[0])}", *(line for h in heading[1:] for line in ("", escape(h)))]
    for part in parts:
        lines += ["", f"## {prose(part.title)}", ""] if part.title else [""]
        for item in part.items:
            lines += _item(item)
    return "\n".join(lines) + "\n"


def _item(item: Item) -> list[str]:
    mark = f" *{escape(item.mark)}*" if item.mark else ""
    rule = [f"  - rule: {escape(item.rule)}"] if item.rule else []
    return [f"- {prose(item.text)}{mark}", *(f"  - {code(event)}" for event in item.events), *rule]
