"""Let a renderer tell the user something beside what it renders: what a format had no room for."""

import warnings


class LeftOutWarning(UserWarning):
    """Something that was asked for is not in an output, as its format can't hold it."""


def notice(sentence: str) -> None:
    """Tell the user a sentence; the command line writes it to standard error."""
    warnings.warn(LeftOutWarning(sentence), stacklevel=2)
