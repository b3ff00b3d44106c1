"""Write a launch as one interactive page that needs no other file and no network.

The page's policy forbids every request, and every script and style but its own two, by their
hash. What the trace holds reaches the script as JSON alone, in which nothing can end an element.
"""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

import msgspec

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.render.svg import write_svg
from forktrace.render.xml import escape
from forktrace.views.options import ViewOptions
from forktrace.views.page import Page, make_page

_FOLDER = "page"
SCRIPTS = (  # in the order in which they stand in the page
    "data.js",
    "moment.js",
    "words.js",
    "dom.js",
    "state.js",
    "picture.js",
    "marks.js",
    "lanes.js",
    "rows.js",
    "tree.js",
    "details.js",
    "process.js",
    "search.js",
    "player.js",
    "page.js",
)
_DANGEROUS = {
    b"<": b"\\u003c",
    b">": b"\\u003e",
    b"&": b"\\u0026",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Draw a launch as an interactive HTML page.

    Raises:
        UsageError: what the user asked to see is not in the trace.
    """
    return write_page(make_page(launch, findings, options), options)


def write_page(page: Page, options: ViewOptions) -> str:
    """Write a page as a whole document."""
    picture = write_svg(page.lanes.picture, "auto")
    script = '"use strict";\n' + "".join(map(_asset, SCRIPTS))
    style = _asset("page.css")
    parts = {
        "policy": _policy(script, [style, *_styles(picture)]),
        "theme": options.theme,
        "size": "small" if page.small else "large",
        "title": escape(page.title),
        "style": style,
        "picture": picture,
        "data": embed_json(page.data),
        "script": script,
    }
    pieces = _asset("page.html").split("{{")
    written = [pieces[0]]
    for piece in pieces[1:]:  # one pass: what is put in is never looked at again
        name, _, rest = piece.partition("}}")
        written += [parts[name], rest]
    return "".join(written)


def embed_json(data: object) -> str:
    """Write data as JSON that can stand in a script element, whatever its strings hold.

    >>> embed_json(["</script>", "a & b"])
    '["\\\\u003c/script\\\\u003e","a \\\\u0026 b"]'
    """
    written = msgspec.json.encode(data)
    for byte, escaped in _DANGEROUS.items():  # these stand in strings alone
        written = written.replace(byte, escaped)
    return written.decode()


def _policy(script: str, styles: list[str]) -> str:
    allowed = " ".join(map(_hash, styles))
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {allowed}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _styles(picture: str) -> list[str]:
    """Return the picture's own style sheet, as a browser takes it from the document."""
    start = picture.index("<style>") + len("<style>")
    return [picture[start : picture.index("</style>", start)]]


def _asset(name: str) -> str:
    return files("forktrace.render").joinpath(_FOLDER, name).read_text(encoding="utf-8")
