"""Say in words how many there are."""


def count_words(count: int, one: str, many: str | None = None) -> str:
    """Say how many: "1 process", "12 processes"; ``many`` defaults to ``one`` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
