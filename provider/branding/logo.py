"""A brand's logo: an SVG or PNG file, read once and served from memory."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from xml.parsers import expat

from pydantic import BeforeValidator

MAX_LOGO = 64 * 1024
"""The largest logo in bytes. With it a page and all it needs stay below 100 kB."""


@dataclass(frozen=True)
class Image:
    """An image file's content and type, detected from the content whatever the file's name."""

    suffix: str
    media_type: str
    content: bytes = field(repr=False)


class TooLarge(ValueError):
    """A file of more than MAX_LOGO bytes."""


class NotAnImage(ValueError):
    """A file that is neither an SVG nor a PNG image."""


def parse_logo(content: bytes) -> Image:
    """Return the content of a file as a logo. Raises TooLarge, or NotAnImage if no browser could show it."""
    if len(content) > MAX_LOGO:
        raise TooLarge(f"is larger than {MAX_LOGO // 1024} KiB")
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return Image(".png", "image/png", content)
    if _root_of(content) == "http://www.w3.org/2000/svg svg":
        return Image(".svg", "image/svg+xml", content)
    raise NotAnImage("is neither an SVG nor a PNG file")


def _read(value: object) -> object:
    """Read the file at a path. Raises ValueError, in one line, if no browser could show it."""
    if not isinstance(value, str | Path):
        return value
    try:
        with Path(value).open("rb") as file:
            content = file.read(MAX_LOGO + 1)
    except OSError as error:
        raise ValueError(f"{value} cannot be read: {error.strerror}") from None
    try:
        return parse_logo(content)
    except ValueError as problem:
        raise ValueError(f"{value} {problem}") from None


Logo = Annotated[Image, BeforeValidator(_read)]
"""A logo setting, given as the path of a file."""


def _root_of(content: bytes) -> str:
    """Return the namespace and name of the root element; "" if this is not well-formed XML."""
    names: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _attributes: names.append(name)
    try:
        parser.Parse(content, True)  # the end of the document
    except expat.ExpatError:
        return ""
    return names[0]
