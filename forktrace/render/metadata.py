"""Record in an SVG with which options it was drawn, so that it can be drawn again and compared.

It stands as JSON in the document's ``<metadata>``: the view, and those of its options that are not
as they are by default. Nothing of the machine, the time or forktrace's version is in it.
"""

import html
import re
from dataclasses import asdict, fields

import msgspec

from forktrace.errors import CheckError
from forktrace.render.xml import escape
from forktrace.views.options import ViewOptions

_ELEMENT = re.compile(r"<metadata>(.*?)</metadata>", re.DOTALL)
_TERMINALS = frozenset(("color",))
# What a view has no use for, as in "--time -o launch.svg -o tree:tree.svg".
_UNUSED = {"lanes": _TERMINALS | {"cluster"}, "tree": _TERMINALS | {"time"}}


class Drawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Be what a document says of itself: ``options`` as ``ViewOptions`` names them."""

    forktrace: str
    view: str
    options: ViewOptions


def element(view: str, options: ViewOptions) -> str:
    """Return the ``<metadata>`` of a picture."""
    default = ViewOptions()
    unused = _UNUSED.get(view, _TERMINALS)
    chosen = {
        name: value
        for name, value in asdict(options).items()
        if value != getattr(default, name) and name not in unused
    }
    about = {"forktrace": "picture", "view": view, "options": chosen}
    return f"<metadata>{escape(msgspec.json.encode(about, order='sorted').decode())}</metadata>"


def read(document: str, name: str) -> Drawn:
    """Read back how a document was drawn.

    Args:
        document: the whole SVG.
        name: what to call it in a message.

    Raises:
        CheckError: it says nothing of it, or something that no forktrace writes.
    """
    found = _ELEMENT.search(document)
    if found is None:
        raise CheckError(
            f"{name} does not say how it was drawn: no forktrace has drawn it, or one that did not "
            "record that yet; draw it again with forktrace render"
        )
    try:
        return msgspec.json.decode(html.unescape(found[1]), type=Drawn)
    except (ValueError, RecursionError) as error:
        known = ", ".join(field.name for field in fields(ViewOptions))
        raise CheckError(
            f"the metadata of {name} is no forktrace's ({_shown(error)}); options are {known}"
        ) from error


def _shown(error: Exception) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(error)[:200])
