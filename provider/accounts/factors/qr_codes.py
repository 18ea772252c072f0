"""QR codes for the keys of authenticator apps, as inline SVG or as PNG."""

import io
from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup


def qr_code(text: str) -> Markup:
    """Return the text as a QR code in SVG, for a page or as a file. It is made of our own coordinates only, so it is
    safe as markup.
    """
    from qrcode.main import QRCode  # noqa: PLC0415  # slow to load

    code = QRCode(border=2)
    code.add_data(text)
    rows = code.get_matrix()
    size = len(rows)
    path = "".join(f"M{start},{y}h{end - start}v1H{start}z" for y, row in enumerate(rows) for start, end in _runs(row))
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="{0}mm" height="{0}mm" viewBox="0 0 {0} {0}">'
        '<path fill="#000000" d="{1}"/></svg>'
    )
    return Markup(drawing).format(size, path)  # noqa: S704  # our own text


def _runs(row: list[bool]) -> Iterator[tuple[int, int]]:
    """Return where each run of dark modules begins and ends: one shape for each is a third of the size."""
    at = 0
    for is_dark, modules in groupby(row):
        end = at + len(list(modules))
        if is_dark:
            yield at, end
        at = end


def qr_code_png(text: str) -> bytes:
    """Return the text as a QR code in PNG, with the margin of four modules that scanners need (ISO/IEC 18004)."""
    import qrcode  # noqa: PLC0415  # slow to load
    from qrcode.image.pil import PilImage  # noqa: PLC0415

    stream = io.BytesIO()
    qrcode.make(text, image_factory=PilImage, border=4).save(stream, "PNG")
    return stream.getvalue()
