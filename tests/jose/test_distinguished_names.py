"""Distinguished names as text, and their comparison with those in certificates (RFC 4514, RFC 4517, RFC 4518)."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from provider.jose.certificates import read_der
from provider.jose.distinguished_names import InvalidName, parse_name, subject_of
from tests.support.client_certificates import issue


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=client,O=Example,C=US", "cn=CLIENT, o = example , c=us"),  # RFC 4517 section 4.2.11
        ("CN=a  b", "CN=\\20a b\\20"),  # RFC 4518 section 2.6.1
        ("CN=a+O=b", "O=b+CN=a"),  # RFC 4517 section 4.2.15: a set
        ("CN=Straße", "CN=STRASSE"),
        ("CN=\\C3\\A9", "CN=e\u0301"),  # RFC 4518 section 2.3
        ("2.5.4.10=x", "O=x"),
        ("OID.2.5.4.10=x", "o=x"),
        ("CN=#0C0361C3A9", "CN=aé"),
        ("CN=a\\,b\\=c\\#", "CN=a\\2cb=c#"),
        ("emailAddress=a@b.test", "1.2.840.113549.1.9.1=a@b.test"),
        ("DC=example,DC=test", "0.9.2342.19200300.100.1.25=example,dc=test"),
    ],
)
def test_names_that_are_the_same(one: str, other: str) -> None:
    """RFC 4514 section 2, RFC 4517 section 4.2.15."""
    assert parse_name(one) == parse_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=a,O=b", "O=b,CN=a"),
        ("CN=a,O=b", "CN=a+O=b"),
        ("CN=a", "O=a"),
        ("CN=a,O=b", "CN=a"),
        ("CN=a,O=b", "CN=a\\,O\\=b"),
        ("CN=ab", "CN=a b"),
        ("CN=a", "CN=a,CN=a"),
        ("CN=a", "CN=\u0430"),  # Cyrillic
    ],
)
def test_names_that_are_not_the_same(one: str, other: str) -> None:
    """N-156: RFC 4514 section 2, RFC 4517 section 4.2.15."""
    assert parse_name(one) != parse_name(other)


NO_NAMES = (
    *("", " ", "a", "CN", "CN=", "CN=\\20", "=a", "CN=a,", "CN=a+", ",CN=a", "CN=a;O=b", 'CN="a"', "CN=a<b", "X=a"),
    *("CN=\\", "CN=\\zz", "CN=\\C3", "CN=a\x00", "CN=#", "CN=#0C", "CN=#0C05AA", "CN=#300161", "CN=#0C01C3"),
    *("9.9=a", "2.5.4.=a"),
)


@pytest.mark.parametrize("text", NO_NAMES)
def test_other_texts_are_no_names(text: str) -> None:
    """N-157: RFC 4514 section 3."""
    with pytest.raises(InvalidName):
        parse_name(text)


@pytest.mark.parametrize(
    "subject", ["CN=client,OU=a+L=b,O=Example,C=US", "CN=Zoë \\, Ltd\\+,DC=example,DC=test", "CN=a\\0ab", "CN=\\ a\\ "]
)
def test_the_name_that_is_written_for_a_certificate_is_its_subject(subject: str) -> None:
    """RFC 4514 section 2: as RFC 4514 writes it, from the most specific part on."""
    assert subject_of(issue(subject).read) == parse_name(subject)


def test_names_of_certificates_that_are_no_text_match_nothing() -> None:
    """N-158: no subject, and one with a bit string."""
    key = issue().key
    assert subject_of(issue("").read) == ()
    bits = x509.NameAttribute(ObjectIdentifier("2.5.4.45"), b"\x00a", x509.name._ASN1Type.BitString)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client"), bits])
    plain = issue().certificate
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(plain.not_valid_before_utc)
        .not_valid_after(plain.not_valid_after_utc)
    )

    assert subject_of(read_der(built.sign(key, SHA256()).public_bytes(Encoding.DER))) == ()
