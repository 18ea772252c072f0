"""QR codes for the keys of authenticator apps, as inline SVG."""

import io

import qrcode
from markupsafe import Markup
from qrcode.image.svg import SvgPathImage


def qr_code(text: str) -> Markup:
    """Return the text as a QR code in an inline SVG. It is drawn from our own coordinates only, so it is safe as
    markup.
    """
    picture = qrcode.make(text, image_factory=SvgPathImage, border=2)
    stream = io.BytesIO()
    picture.save(stream)
    drawing = stream.getvalue().decode()
    return Markup(drawing[drawing.index("<svg") :])  # noqa: S704  # made of numbers
