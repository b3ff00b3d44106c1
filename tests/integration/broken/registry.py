"""Keep the rules that can be taken away, and the orders that can be brought about, by name."""

from collections.abc import Callable
from typing import Any

Break = Callable[[], None]
RULES: dict[str, Break] = {}
ORDERS: dict[str, Break] = {}
replace: Any = setattr  # mypy would rather that nobody replaced a method


def rule(name: str) -> Callable[[Break], Break]:
    """Enter a function among the rules; its docstring says what is done without the rule."""

    def enter(function: Break) -> Break:
        RULES[name] = function
        return function

    return enter
