"""Hold the colours that every picture shares, each for a light and a dark page.

The hues are Okabe and Ito's, which colour-blind people can tell apart, tuned until each has a
contrast of at least 3:1 against its page (WCAG 2.1, 1.4.11). Colour is never the only carrier: a
label beside it names the role or the program.
"""

from typing import NamedTuple

from forktrace.analysis.findings import Role


class Shade(NamedTuple):
    """Be one colour: ``light`` for a light page, ``dark`` for a dark one."""

    light: str
    dark: str


GREY = Shade("#6E7781", "#8B949E")

_ENGINE = Shade("#005A9C", "#56B4E9")
_RUNTIME = Shade("#008563", "#2FC48D")

ROLES: dict[Role, Shade] = {
    "engine": _ENGINE,
    "monitor": Shade("#B84E00", "#E8833A"),
    "runtime": _RUNTIME,
    "init-stage": _RUNTIME,  # the runtime's own code still
    "container": Shade("#B3679B", "#F0B8D8"),
    "helper": GREY,
    "cleanup": _ENGINE,  # the engine's program again, started by the monitor
    "other": GREY,
}

# For words in a role's colour, which need 4.5:1 (WCAG 2.1, 1.4.3), on its tint and on a panel too.
_READABLE: dict[Role, Shade] = {
    "runtime": Shade("#007A5B", _RUNTIME.dark),
    "init-stage": Shade("#007A5B", _RUNTIME.dark),
    "container": Shade("#9C5187", "#F0B8D8"),
    "helper": Shade("#626B75", GREY.dark),
    "other": Shade("#626B75", GREY.dark),
}
ROLE_WORDS: dict[Role, Shade] = {**ROLES, **_READABLE}

BACKGROUND = Shade("#FFFFFF", "#0D1117")
INK = Shade("#1F2328", "#E6EDF3")  # text, and lines that tell of parenthood
MUTED = Shade("#59636E", "#9198A1")  # second-rank text
FAINT = Shade("#D1D9E0", "#30363D")  # guides and frames
PANEL = Shade("#F3F5F8", "#161B22")  # the ground inside a frame
ALERT = Shade("#CF222E", "#FF7B72")  # an end by signal, or with a code other than 0

TINT = 0.07  # of a role's colour in its box


def mix(color: str, background: str, share: float) -> str:
    """Return ``share`` of ``color`` on ``background``; both are "#rrggbb"."""
    pairs = zip(_channels(color), _channels(background), strict=True)
    return "#" + "".join(f"{round(c * share + b * (1 - share)):02x}" for c, b in pairs)


def _channels(color: str) -> bytes:
    return bytes.fromhex(color.lstrip("#"))


def role_shade(role: Role | None) -> Shade:
    """Return the colour of ``role``; grey for a process outside the trace or without one."""
    return GREY if role is None else ROLES[role]
