"""PNG and PDF: real pictures, by the converters of the extra ``image``."""

import builtins
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis.passes import analyse
from forktrace.errors import MissingToolError
from forktrace.render.registry import find_format
from forktrace.views.options import Theme, ViewOptions
from tests.conftest import Missing
from tests.unit.events import launch_of
from tests.unit.podman import podman_steps


def made(name: str, view: str, options: ViewOptions | None = None) -> bytes:
    launch = launch_of(*podman_steps())
    found = find_format(name, view).load()(launch, analyse(launch), options or ViewOptions())
    assert isinstance(found, bytes)
    return found


@pytest.fixture
def _converters(missing: Missing) -> None:
    for module in ("resvg_py", "vl_convert"):
        try:
            __import__(module)
        except ImportError:
            missing(f"{module} is not installed (forktrace[image])")


def size(png: bytes) -> tuple[int, int]:
    """Return width and height from a PNG's first chunk (PNG specification, 11.2.2)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.usefixtures("_converters")
def test_a_png_is_twice_as_large_as_the_svg() -> None:
    launch = launch_of(*podman_steps())
    drawn = str(find_format("svg").load()(launch, analyse(launch), ViewOptions()))
    head = re.search(r'height="([\d.]+)".* width="([\d.]+)"', drawn)
    assert head
    width, height = size(made("png", "lanes"))
    assert abs(width - 2 * float(head[2])) <= 2
    assert abs(height - 2 * float(head[1])) <= 2


@pytest.mark.usefixtures("_converters")
def test_a_width_is_doubled_too() -> None:
    assert size(made("png", "tree", ViewOptions(width=700)))[0] == 1400


@pytest.mark.usefixtures("_converters")
@pytest.mark.parametrize(("theme", "page"), [("auto", 255), ("light", 255), ("dark", 13)])
@pytest.mark.parametrize("view", ["lanes", "tree"])
def test_a_theme_has_its_page(tmp_path: Path, theme: Theme, page: int, view: str) -> None:
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "a.png"
    path.write_bytes(made("png", view, ViewOptions(theme=theme)))
    with image.open(path) as picture:
        red, _, _, opaque = picture.convert("RGBA").getpixel((3, picture.height - 4))
    assert (red, opaque) == (page, 255)


@pytest.mark.usefixtures("_converters")
@pytest.mark.parametrize("view", ["lanes", "tree"])
def test_a_pdf_has_one_page_with_text_that_can_be_searched(view: str) -> None:
    pdfium: Any = pytest.importorskip("pypdfium2")
    document = pdfium.PdfDocument(made("pdf", view))
    assert len(document) == 1
    words = document[0].get_textpage().get_text_bounded()
    assert "podman run" in words
    assert "conmon" in words


def test_without_the_converter_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith(("resvg_py", "vl_convert")):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    monkeypatch.setattr(builtins, "__import__", without)
    for name in ("png", "pdf"):
        with pytest.raises(MissingToolError, match=r"pip install 'forktrace\[image\]'"):
            made(name, "lanes")


@pytest.mark.usefixtures("_converters")
def test_a_huge_picture_is_made_smaller_and_does_not_take_all_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("forktrace.render.image._MOST_PIXELS", 50_000)
    width, height = size(made("png", "lanes"))
    assert 45_000 < width * height < 55_000
