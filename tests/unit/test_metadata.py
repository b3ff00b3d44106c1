"""Check what a picture says of how it was drawn."""

import pytest

from forktrace.render import metadata
from forktrace.views.options import ViewOptions

ALL = ViewOptions(width=700, color=True, cluster="session", time=True, depth=3)


@pytest.mark.parametrize(
    ("view", "options"),
    [
        ("lanes", ViewOptions(width=700, time=True, depth=3)),
        ("tree", ViewOptions(width=700, cluster="session", depth=3)),
    ],
)
def test_a_view_records_the_options_that_it_has(view: str, options: ViewOptions) -> None:
    element = metadata.element(view, ALL)
    assert metadata.read(element, "doc.svg").options == options
    assert metadata.element(view, options) == element
