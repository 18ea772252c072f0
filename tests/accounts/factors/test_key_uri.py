"""The otpauth URI of a key, read as authenticator apps read it (Key URI Format)."""

import re
from urllib.parse import parse_qs, unquote

import pyotp
import pytest
from qrcode.main import QRCode

from provider.accounts.factors.qr_codes import qr_code, qr_code_png
from provider.accounts.factors.totp_enrolment import key_uri
from tests.support.names import FAMILY, NAMES

KEY = pyotp.random_base32()
BRANDS = [
    "Signet",
    "Acme: Login",
    "a/b",
    "100% & <b>",
    "say \"hi\" 'there'",
    "a+b c?d#e=f;g",
    "\\ | ^ ` { }",
    FAMILY,
]


def read(uri: str) -> tuple[str, str, str, str]:
    """Read like an app: the label is split at its colon, decoded before or after. (issuer, account, issuer, key)."""
    assert re.fullmatch("[A-Za-z0-9._~:/?&=%-]+", uri), uri
    scheme, _, rest = uri.partition("://")
    kind, _, labelled = rest.partition("/")
    label, _, query = labelled.partition("?")
    assert (scheme, kind, label.count("/")) == ("otpauth", "totp", 0)
    first = [unquote(part) for part in label.split(":")]
    assert first == unquote(label).split(":")
    given = parse_qs(query, strict_parsing=True)
    assert given == parse_qs(query.replace("+", "%2B"), strict_parsing=True)
    return first[0], first[1], given["issuer"][0], given["secret"][0]


@pytest.mark.parametrize("account", ["ada@example.test", "", "a:b@example.test", "\u0639\u0644\u06cc@example.test"])
@pytest.mark.parametrize("brand", [*BRANDS, *NAMES.values(), "x" * 100, FAMILY * 20], ids=ascii)
def test_every_brand_gives_a_uri_that_apps_read(brand: str, account: str) -> None:
    uri = key_uri(KEY, account=account, issuer=brand)
    prefix, name, issuer, key = read(uri)
    assert prefix == issuer
    assert key == KEY
    assert issuer.replace(" ", "") in brand.replace(":", "").replace(" ", "") or brand in NAMES.values()
    assert name == (" ".join(account.replace(":", " ").split()) or issuer)
    parsed = pyotp.parse_uri(uri)
    assert (parsed.issuer or "", parsed.secret) == (issuer, KEY)


def test_a_brand_of_colons_alone_is_named_by_the_account() -> None:
    assert read(key_uri(KEY, account="ada@example.test", issuer="::"))[0] == "ada@example.test"


def test_the_longest_names_fit_in_a_qr_code() -> None:
    longest = key_uri(KEY, account="\u0639" * 64 + "@" + "x" * 189, issuer="\U0001f511" * 100)
    assert qr_code_png(longest).startswith(b"\x89PNG")


def test_the_drawing_has_each_dark_module_where_the_code_has_it() -> None:
    text = key_uri(KEY, account="ada@example.test", issuer="Signet")
    code = QRCode(border=2)
    code.add_data(text)
    runs = re.findall(r"M(\d+),(\d+)h(\d+)v1H(\d+)z", qr_code(text))
    assert all(start == back for start, _, _, back in runs)
    drawn = {(int(start) + at, int(y)) for start, y, length, _ in runs for at in range(int(length))}
    modules = {(x, y) for y, row in enumerate(code.get_matrix()) for x, is_dark in enumerate(row) if is_dark}
    assert drawn == modules
