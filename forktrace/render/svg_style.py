"""Hold the style sheet of the lane diagram: literal colours, and their overrides for dark pages.

There are no CSS variables: CairoSVG, resvg and librsvg would draw everything black. Each rule is
scoped by the picture's id and each class has a prefix, so that several pictures, and a page's own
style, can stand in one document.
"""

from collections.abc import Iterator, Set

from forktrace.views.fonts import MONO_STACK, SANS_STACK
from forktrace.views.lanes.style import FACES
from forktrace.views.options import Theme
from forktrace.views.palette import (
    ALERT,
    BACKGROUND,
    FAINT,
    GREY,
    INK,
    MUTED,
    PANEL,
    ROLE_WORDS,
    ROLES,
    Shade,
)

PREFIX = "ft-"

# class, property, colour
_COLOURS: list[tuple[str, str, Shade]] = [
    ("page", "fill", BACKGROUND),
    *(
        (f"{kind} {role}", "fill", shade)
        for kind in ("lane", "onward")
        for role, shade in ROLES.items()
    ),
    *((f"lane-many {role}", "stroke", shade) for role, shade in ROLES.items()),
    ("outside", "fill", BACKGROUND),
    ("outside", "stroke", GREY),
    ("frame", "fill", PANEL),
    ("frame", "stroke", FAINT),
    ("container-frame", "fill", PANEL),
    ("container-frame", "stroke", ROLES["container"]),
    ("guide", "stroke", FAINT),
    ("rule", "stroke", FAINT),
    ("axis", "stroke", MUTED),
    ("axis-stretched", "stroke", MUTED),
    ("create", "stroke", MUTED),
    ("create-dot", "fill", MUTED),
    ("create-dot", "stroke", BACKGROUND),  # which tells it from a lane of any colour
    ("create-head", "fill", MUTED),
    ("stand", "stroke", GREY),
    ("stand-dot", "fill", BACKGROUND),
    ("stand-dot", "stroke", GREY),
    ("tie", "stroke", MUTED),
    ("tie-dot", "fill", BACKGROUND),
    ("tie-dot", "stroke", MUTED),
    ("adopt", "stroke", INK),
    ("adopt-dot", "fill", INK),
    ("adopt-dot", "stroke", BACKGROUND),
    ("adopt-head", "fill", INK),
    *((f"zombie {role}", "stroke", shade) for role, shade in ROLES.items()),
    ("reap", "stroke", MUTED),
    ("reap-head", "fill", BACKGROUND),
    ("reap-head", "stroke", MUTED),
    ("session", "stroke", INK),
    ("subreaper", "fill", BACKGROUND),
    ("subreaper", "stroke", INK),
    ("exec", "stroke", INK),
    ("cross", "stroke", INK),
    ("cross alert", "stroke", ALERT),
    ("cgroup", "stroke", MUTED),
    ("badge-frame", "stroke", FAINT),
    ("badge-end-frame", "stroke", FAINT),
    ("title", "fill", INK),
    ("subtitle", "fill", MUTED),
    ("id", "fill", INK),
    ("name", "fill", INK),
    ("detail", "fill", MUTED),
    ("detail-argv", "fill", MUTED),
    ("badge", "fill", MUTED),
    ("badge-end", "fill", INK),
    ("badge-end alert", "fill", ALERT),
    ("frame-name", "fill", ROLE_WORDS["container"]),
    ("argv", "fill", INK),
    ("end", "fill", INK),
    ("end alert", "fill", ALERT),
    ("word", "fill", MUTED),
    ("legend", "fill", INK),
    ("caption", "fill", MUTED),
]

_STROKES = {
    "guide": "stroke-dasharray:1 5;stroke-linecap:round;stroke-width:1.5",
    "rule": "stroke-width:1",
    "axis": "stroke-width:1",
    "axis-stretched": "stroke-dasharray:2 4;stroke-width:1",
    "create": "stroke-width:1.5",
    "create-dot": "stroke-width:1.4",
    "stand": "stroke-dasharray:2 2;stroke-width:1",
    "stand-dot": "stroke-width:1.2",
    "tie": "stroke-dasharray:3 3;stroke-width:1.2",
    "tie-dot": "stroke-width:1.2",
    "adopt": "fill:none;stroke-dasharray:9 5;stroke-width:1.8",
    "adopt-dot": "stroke-width:1.4",
    "zombie": "stroke-dasharray:0.1 5;stroke-linecap:round;stroke-width:3",
    "reap": "stroke-dasharray:2 3;stroke-width:1.2",
    "reap-head": "stroke-linejoin:round;stroke-width:1.2",
    "session": "stroke-linecap:square;stroke-width:1.8",
    "subreaper": "stroke-linejoin:round;stroke-width:1.6",
    "exec": "stroke-width:1.8",
    "cross": "stroke-linecap:round;stroke-width:2.2",
    "cgroup": "stroke-width:1.5",
    "outside": "stroke-width:1.2",
    "frame": "stroke-width:1",
    "container-frame": "stroke-width:1.4",
    "lane-many": "stroke-dasharray:4 2;stroke-width:6",
    "badge-frame": "fill:none;stroke-width:1",
    "badge-end-frame": "fill:none;stroke-width:1",
}


def style_sheet(scope: str, theme: Theme, classes: Set[str]) -> Iterator[str]:
    """Yield the style sheet, a rule a line.

    Args:
        scope: the id of the picture.
        theme: "auto" follows the page; "light", "dark" are fixed; "print" is light.
        classes: those in use, without prefix; others need no rule.
    """
    yield f"#{scope} text{{font-family:{SANS_STACK};white-space:pre}}"
    yield from _faces(scope, classes)
    for name, rules in _STROKES.items():
        if name in classes:
            yield f"#{scope} .{PREFIX}{name}{{{rules}}}"
    yield from _colours(scope, classes, dark=theme == "dark")
    if theme == "auto":
        yield "@media (prefers-color-scheme:dark){"
        yield from _colours(scope, classes, dark=True)
        yield "}"


def _faces(scope: str, classes: Set[str]) -> Iterator[str]:
    for name, face in FACES.items():
        if name not in classes:
            continue
        rules = f"font-size:{face.size:g}px"
        rules += ";font-weight:bold" if face.bold else ""
        rules += f";font-family:{MONO_STACK}" if face.mono else ""
        yield f"#{scope} .{PREFIX}{name}{{{rules}}}"


def _colours(scope: str, classes: Set[str], *, dark: bool) -> Iterator[str]:
    for name, attribute, shade in _COLOURS:
        if not set(name.split()) <= classes:
            continue
        selector = "".join(f".{PREFIX}{part}" for part in name.split())
        yield f"#{scope} {selector}{{{attribute}:{shade.dark if dark else shade.light}}}"
