"""Escape text for XML: the one place where it is done."""

_ESCAPES = {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("'"): "&#39;",
}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def escape(text: str) -> str:
    """Make any string safe as the content of an element or an attribute.

    Characters that XML 1.0 does not allow at all (section 2.2: most controls, surrogates) become
    U+FFFD; texts from a trace have them written out before they come here.

    >>> escape('<script> & "]]>"')
    '&lt;script&gt; &amp; &quot;]]&gt;&quot;'
    """
    return "".join(c if _allowed(c) else _REPLACEMENT for c in text).translate(_ESCAPES)


def _allowed(char: str) -> bool:
    code = ord(char)
    if code < 0x20:
        return char in "\t\n\r"
    return not (0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF))
