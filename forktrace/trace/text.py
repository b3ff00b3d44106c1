"""Carry bytes that the kernel gave us through JSON without losing one of them.

A name, an argument or a path in Linux is any bytes without NUL. In a trace they are a JSON
string where they are valid UTF-8, else ``{"b64": "…"}``. In the program they are ``str`` in
which each byte that is no UTF-8 is a lone surrogate (PEP 383), so they survive a round trip.
"""

from base64 import b64decode, b64encode

from msgspec import Struct


class Raw(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold bytes that are not UTF-8, in base64.

    Raises:
        ValueError: the base64 is damaged (msgspec then names the place in the file).
    """

    b64: str

    def __post_init__(self) -> None:
        b64decode(self.b64, validate=True)


Text = str | Raw


def encode_text(data: bytes) -> Text:
    """Turn bytes from the kernel into what a trace holds."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return Raw(b64encode(data).decode("ascii"))


def decode_text(text: Text) -> str:
    """Turn what a trace holds into a ``str``, with PEP 383 surrogates for stray bytes."""
    if isinstance(text, str):
        return text
    return b64decode(text.b64).decode("utf-8", "surrogateescape")


def from_str(text: str) -> Text:
    """Turn a ``str`` of this program (surrogates and all) into what a trace holds."""
    return encode_text(text.encode("utf-8", "surrogateescape"))
