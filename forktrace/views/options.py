"""Hold what a user may choose about a picture, apart from its format."""

from dataclasses import dataclass
from typing import Literal

Theme = Literal["auto", "light", "dark", "print"]


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """Be the choices that every view understands.

    ``width`` is in columns for text and in pixels for pictures, None for the format's default;
    ``color`` allows terminal colours; ``theme`` is for pictures.
    """

    width: int | None = None
    color: bool = False
    theme: Theme = "auto"
