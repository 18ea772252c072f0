"""QR codes for the keys of authenticator apps, as inline SVG or as PNG."""

import io

from markupsafe import Markup


def qr_code(text: str) -> Markup:
    """Return the text as a QR code in an inline SVG. It is drawn from our own coordinates only, so it is safe as
    markup.
    """
    import qrcode  # noqa: PLC0415  # slow to load
    from qrcode.image.svg import SvgPathImage  # noqa: PLC0415

    picture = qrcode.make(text, image_factory=SvgPathImage, border=2)
    stream = io.BytesIO()
    picture.save(stream)
    drawing = stream.getvalue().decode()
    return Markup(drawing[drawing.index("<svg") :])  # noqa: S704  # made of numbers


def qr_code_png(text: str) -> bytes:
    """Return the text as a QR code in PNG, with the margin of four modules that scanners need (ISO/IEC 18004)."""
    import qrcode  # noqa: PLC0415  # slow to load
    from qrcode.image.pil import PilImage  # noqa: PLC0415

    stream = io.BytesIO()
    qrcode.make(text, image_factory=PilImage, border=4).save(stream, "PNG")
    return stream.getvalue()
