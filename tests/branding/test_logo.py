"""A brand's logo is read at the start: SVG or PNG, small, and what it is and not what its name says."""

import io
from pathlib import Path

import pytest
from PIL import Image

from provider.branding.logo import MAX_LOGO
from provider.config.environment import SettingsError, load_settings
from provider.config.settings import Settings

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><circle cx="2" cy="2" r="2"/></svg>'


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(stream, "PNG")
    return stream.getvalue()


def load(folder: Path, content: bytes, name: str = "logo") -> Settings:
    path = folder / name
    path.write_bytes(content)
    return load_settings({"SIGNET_BRAND_LOGO": str(path)})


@pytest.mark.parametrize("name", ["logo.svg", "logo.png", "logo"])
@pytest.mark.parametrize(
    ("content", "media_type", "suffix"),
    [
        (SVG, "image/svg+xml", ".svg"),
        (b'<?xml version="1.0" encoding="utf-8"?>\n<!-- drawn -->\n' + SVG, "image/svg+xml", ".svg"),
        (b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>', "image/svg+xml", ".svg"),
        (png(), "image/png", ".png"),
    ],
    ids=range(4),
)
def test_the_content_decides(tmp_path: Path, name: str, content: bytes, media_type: str, suffix: str) -> None:
    logo = load(tmp_path, content, name).brand_logo
    assert logo is not None
    assert (logo.media_type, logo.suffix, logo.content) == (media_type, suffix, content)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "neither an SVG nor a PNG file"),
        (b"GIF89a", "neither"),
        (b"\x89PNG\r\n\x1a\n", "neither"),
        (b"<svg/>", "neither"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'/>", "neither"),
        (SVG[:-3], "neither"),
        (SVG + SVG, "neither"),
        (SVG + b" " * MAX_LOGO, "larger than 64 KiB"),
    ],
    ids=range(8),
)
def test_what_no_browser_would_show_stops_the_start(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"SIGNET_BRAND_LOGO: .*/logo.* {problem}") as refused:
        load(tmp_path, content)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("path", "problem"), [("none.svg", "No such file"), (".", "Is a directory"), ("a\0b", "without control characters")]
)
def test_a_file_that_cannot_be_read_stops_the_start(path: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"SIGNET_BRAND_LOGO_DARK.*{problem}"):
        load_settings({"SIGNET_BRAND_LOGO_DARK": path})


def test_the_largest_logo_is_taken(tmp_path: Path) -> None:
    assert load(tmp_path, SVG.ljust(MAX_LOGO)).brand_logo is not None


def test_its_bytes_do_not_print(tmp_path: Path) -> None:
    assert "circle" not in repr(load(tmp_path, SVG))
