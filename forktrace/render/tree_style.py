"""Hold the style sheet of the tree: literal colours, and their overrides for dark pages.

There are no CSS variables, which some converters draw as solid black. Rules are scoped by the
picture's id, so that several pictures can stand in one page.
"""

from collections.abc import Iterable, Iterator

from forktrace.views.fonts import SANS_STACK
from forktrace.views.options import Theme
from forktrace.views.palette import (
    ALERT,
    BACKGROUND,
    GREY,
    INK,
    MUTED,
    PANEL,
    ROLE_WORDS,
    ROLES,
    TINT,
    Shade,
    mix,
)

_STROKES = {
    "box": "stroke-width:1.4",
    "outside .ft-box": "stroke-dasharray:4 3",
    "cluster-box": "stroke-width:1.2",
    "create": "fill:none;stroke-width:1.5",
    "vfork": "fill:none;stroke-width:1.5",
    "parent": "fill:none;stroke-width:0.9",
    "standing": "fill:none;stroke-dasharray:3 3;stroke-width:1.1",
    "reparent": "fill:none;stroke-dasharray:9 5;stroke-width:1.8",
}
_COLORS = (
    ("page", "fill", BACKGROUND),
    ("ink", "fill", INK),
    ("muted", "fill", MUTED),
    ("alert", "fill", ALERT),
    ("create", "stroke", MUTED),
    ("create-head", "fill", MUTED),
    ("vfork", "stroke", MUTED),
    ("vfork-head", "fill", MUTED),
    ("parent", "stroke", GREY),
    ("standing", "stroke", GREY),
    ("reparent", "stroke", INK),
    ("reparent-head", "fill", INK),
    ("cluster-box", "fill", PANEL),
    ("cluster .ft-cluster-box", "stroke", GREY),
    ("container-cluster .ft-cluster-box", "stroke", ROLES["container"]),
    ("container-cluster .ft-muted", "fill", ROLE_WORDS["container"]),
)


def style_sheet(scope: str, theme: Theme, roles: Iterable[str]) -> Iterator[str]:
    """Yield the style sheet, a rule a line.

    Args:
        scope: the id of the picture.
        theme: "auto" follows the page; "light" and "dark" are fixed; "print" is light.
        roles: the roles of the boxes in the picture.
    """
    names = sorted(roles)
    yield f"#{scope} text{{font-family:{SANS_STACK};white-space:pre}}"
    yield from (f"#{scope} .ft-{name}{{{rules}}}" for name, rules in _STROKES.items())
    yield from _colors(scope, names, dark=theme == "dark")
    if theme == "auto":
        yield "@media (prefers-color-scheme:dark){"
        yield from _colors(scope, names, dark=True)
        yield "}"


def _colors(scope: str, roles: list[str], *, dark: bool) -> Iterator[str]:
    for name, attribute, shade in _COLORS:
        yield f"#{scope} .ft-{name}{{{attribute}:{_pick(shade, dark)}}}"
    shades: dict[str, Shade] = {str(role): shade for role, shade in ROLES.items()}
    words: dict[str, Shade] = {str(role): shade for role, shade in ROLE_WORDS.items()}
    for role in roles:
        color = _pick(shades.get(role, GREY), dark)
        tint = mix(color, _pick(BACKGROUND, dark), TINT)
        yield f"#{scope} .ft-{role} .ft-box{{fill:{tint};stroke:{color}}}"
        yield f"#{scope} .ft-{role} .ft-role{{fill:{_pick(words.get(role, MUTED), dark)}}}"


def _pick(shade: Shade, dark: bool) -> str:
    return shade.dark if dark else shade.light
