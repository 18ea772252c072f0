"""Password hashes of other systems: which forms are known, what checking one may cost, and whether a password is right.

A hash is one text that names its scheme and its parameters. The bounds keep a sign-in from taking seconds or memory
without limit: a hash beyond them is rejected before anything is computed with it.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import bcrypt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.kdf.argon2 import Argon2d, Argon2i, Argon2id

from provider.crypto.passwords import MAX_BYTES

MOST_BCRYPT_COST = 14
MOST_ITERATIONS = 3_000_000
"""The most iterations of PBKDF2, times the blocks of its output."""
MOST_MEMORY = 128 * 1024
"""The most memory of Argon2 and scrypt, in KiB."""
MOST_MEMORY_PASSES = 4 * MOST_MEMORY
"""The most memory of Argon2 in KiB, times its passes."""
MOST_LANES = 16
MOST_SCRYPT_STEPS = 2**21
"""The most steps of scrypt: N times r times p."""
MOST_CRYPT_ROUNDS = 700_000
"""The most rounds of SHA-crypt, which is computed in Python."""
MOST_CRYPT_BYTES = 256
"""The longest password that is checked against SHA-crypt and MD5-crypt: their time grows with its length."""
LONGEST = 1000
LEAST_SUM, LONGEST_SUM, LONGEST_SALT, LEAST_ARGON2_SALT = 16, 128, 128, 8
BCRYPT_BYTES = 72
"""How many bytes of a password bcrypt uses."""

_BCRYPT = re.compile(r"\$2[aby](\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26])", re.ASCII)
_SHA_CRYPT = re.compile(
    r"\$([56])\$(?:rounds=([1-9][0-9]{3,8})\$)?[./A-Za-z0-9]{1,16}\$(?:[./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})"
)
_MD5_CRYPT = re.compile(r"\$(1|apr1)\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_DIGESTS = {"sha1": 20, "sha256": 32, "sha512": 64}
_ARGON2: Mapping[str, type[Argon2d | Argon2i | Argon2id]] = {
    "argon2i": Argon2i,
    "argon2d": Argon2d,
    "argon2id": Argon2id,
}


class InvalidHash(ValueError):
    """A text that is no password hash of a known form. The message never has a part of it."""


class CostlyHash(InvalidHash):
    """A hash whose check would take too long or too much memory. The message has the parameter, without words."""


@dataclass(frozen=True)
class PasswordHash:
    """A well-formed hash within the bounds. `scheme` is its name, for reports."""

    scheme: str
    _matches: Callable[[bytes], bool]
    _most_bytes: int = MAX_BYTES

    def is_of(self, password: str) -> bool:
        """Return whether this is the hash of the password, which is taken as it was typed: no other system is known to
        normalize it. One that is too long is wrong without any work.
        """
        secret = password.encode("utf-8", "surrogatepass")
        return len(secret) <= self._most_bytes and self._matches(secret)


def parse_hash(text: str) -> PasswordHash:
    """Return a hash by its text, without computing with it. Raises InvalidHash or CostlyHash."""
    if len(text) > LONGEST:
        raise InvalidHash("the hash is too long")
    for prefix, parse in _FORMS.items():
        if text.startswith(prefix):
            return parse(text)
    raise InvalidHash("the scheme of the hash is not known")


def _require_at_most(value: int, most: int, what: str) -> None:
    if value > most:
        raise CostlyHash(f"{what} {value} > {most}")


def _bcrypt(text: str, *, prefix: str = "", digest: str | None = None) -> PasswordHash:
    found = _BCRYPT.fullmatch(text.removeprefix(prefix))
    if found is None:
        raise InvalidHash("the bcrypt hash is malformed")
    _require_at_most(int(found[2]), MOST_BCRYPT_COST, "bcrypt cost")
    if int(found[2]) < 4:  # the least of bcrypt itself
        raise InvalidHash("the bcrypt hash is malformed")
    hashed = f"$2b{found[1]}".encode()

    def matches(secret: bytes) -> bool:
        known = secret if digest is None else hashlib.new(digest, secret).hexdigest().encode()
        return bcrypt.checkpw(known[:BCRYPT_BYTES], hashed)

    return PasswordHash("bcrypt" if digest is None else f"bcrypt-{digest}", matches)


def _crypt(text: str) -> PasswordHash:
    """Parse SHA-crypt (https://akkadia.org/drepper/SHA-crypt.txt) or MD5-crypt."""
    sha = _SHA_CRYPT.fullmatch(text)
    if sha is None and _MD5_CRYPT.fullmatch(text) is None:
        raise InvalidHash("the hash of crypt is malformed")
    scheme = "md5-crypt"
    if sha is not None:
        _require_at_most(int(sha[2] or 5000), MOST_CRYPT_ROUNDS, "SHA-crypt rounds")
        scheme = "sha256-crypt" if sha[1] == "5" else "sha512-crypt"

    def matches(secret: bytes) -> bool:
        from passlib import hash as schemes  # noqa: PLC0415  # only where there are such hashes

        if b"\0" in secret:
            return False
        name = scheme.replace("-", "_") if not text.startswith("$apr1$") else "apr_md5_crypt"
        return bool(getattr(schemes, name).verify(secret, text))

    if sha is not None and len(text.rsplit("$", 1)[1]) != (43 if sha[1] == "5" else 86):
        raise InvalidHash("the hash of crypt is malformed")
    return PasswordHash(scheme, matches, MOST_CRYPT_BYTES)


def _pbkdf2(digest: str, iterations: int, salt: bytes, wanted: bytes) -> PasswordHash:
    _require_sizes(salt, wanted)
    blocks = -(-len(wanted) // _DIGESTS[digest])
    _require_at_most(iterations * blocks, MOST_ITERATIONS, "PBKDF2 iterations")

    def matches(secret: bytes) -> bool:
        return hmac.compare_digest(hashlib.pbkdf2_hmac(digest, secret, salt, iterations, len(wanted)), wanted)

    return PasswordHash(f"pbkdf2-{digest}", matches)


def _pbkdf2_text(text: str) -> PasswordHash:
    """`$pbkdf2-sha256$i=600000$SALT$SUM` in base64; without `i=` as passlib writes it."""
    scheme, parameters, salt, wanted = _parts(text, 4)
    iterations = parameters if "=" not in parameters else _parameters(parameters).get("i", "")
    return _pbkdf2(_digest(scheme.removeprefix("pbkdf2").lstrip("-")), _number(iterations), _raw(salt), _raw(wanted))


def _django_pbkdf2(text: str) -> PasswordHash:
    """`pbkdf2_sha256$1000000$SALT$SUM`: Django's, with a salt that is text."""
    scheme, iterations, salt, wanted = _split(text, 4)
    return _pbkdf2(_digest(scheme.removeprefix("pbkdf2_")), _number(iterations), salt.encode(), _raw(wanted))


def _scrypt(n: int, r: int, p: int, salt: bytes, wanted: bytes) -> PasswordHash:
    _require_sizes(salt, wanted)
    derive = _scrypt_derivation(n, r, p, salt, len(wanted))
    return PasswordHash("scrypt", lambda secret: hmac.compare_digest(derive(secret), wanted))


def _scrypt_derivation(n: int, r: int, p: int, salt: bytes, length: int) -> Callable[[bytes], bytes]:
    """Return scrypt (RFC 7914) with these parameters. Raises InvalidHash or CostlyHash."""
    if n < 2 or n & (n - 1):  # a power of two
        raise InvalidHash("the parameters of scrypt are malformed")
    memory = n * r // 8  # KiB: 128 bytes for each of them
    _require_at_most(memory, MOST_MEMORY, "scrypt KiB")
    _require_at_most(p, MOST_LANES, "scrypt p")
    _require_at_most(n * r * p, MOST_SCRYPT_STEPS, "scrypt N * r * p")
    most = (memory + r * p + 1024) * 1024
    return lambda secret: hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=most, dklen=length)


def _scrypt_text(text: str) -> PasswordHash:
    """`$scrypt$ln=14,r=8,p=1$SALT$SUM` in base64."""
    _, parameters, salt, wanted = _parts(text, 4)
    given = _parameters(parameters)
    return _scrypt(_power(given), _number(given.get("r", "")), _number(given.get("p", "")), _raw(salt), _raw(wanted))


def _django_scrypt(text: str) -> PasswordHash:
    """`scrypt$16384$SALT$8$5$SUM`: Django's, with a salt that is text."""
    _, n, salt, r, p, wanted = _split(text, 6)
    return _scrypt(_number(n), _number(r), _number(p), salt.encode(), _raw(wanted))


def firebase_hash(*, signer_key: str, separator: str, rounds: int, mem_cost: int, salt: str, wanted: str) -> str:
    """Return the text of a hash of Firebase, whose parameters are those of its project."""
    return f"$firebase-scrypt$ln={mem_cost},r={rounds}${salt}${separator}${signer_key}${wanted}"


def _firebase(text: str) -> PasswordHash:
    """Firebase's modified scrypt (https://github.com/firebase/scrypt): what it derives encrypts the project's key."""
    _, parameters, salt, separator, key, wanted = _parts(text, 6)
    given, signer_key, encrypted = _parameters(parameters), _raw(key), _raw(wanted)
    salted = _raw(salt) + (_raw(separator) if separator else b"")
    _require_sizes(salted, encrypted)
    if len(signer_key) != len(encrypted):
        raise InvalidHash("the hash and the signer key of Firebase differ in length")
    derive = _scrypt_derivation(_power(given), _number(given.get("r", "")), 1, salted, 32)

    def matches(secret: bytes) -> bool:
        encryptor = Cipher(AES(derive(secret)), CTR(bytes(16))).encryptor()
        return hmac.compare_digest(encryptor.update(signer_key) + encryptor.finalize(), encrypted)

    return PasswordHash("firebase-scrypt", matches)


def _argon2(text: str) -> PasswordHash:
    """`$argon2id$v=19$m=65536,t=3,p=4$SALT$SUM` in base64 (RFC 9106)."""
    kind, version, parameters, salt_text, sum_text = _parts(text, 5)
    if kind not in _ARGON2 or version != "v=19":
        raise InvalidHash("only version 1.3 (v=19) of Argon2 is supported")
    given, salt, wanted = _parameters(parameters), _raw(salt_text), _raw(sum_text)
    memory, passes, lanes = (_number(given.get(name, "")) for name in ("m", "t", "p"))
    _require_sizes(salt, wanted)
    if len(salt) < LEAST_ARGON2_SALT or memory < 8 * lanes:
        raise InvalidHash("the parameters of Argon2 are malformed")
    _require_at_most(memory, MOST_MEMORY, "Argon2 m")
    _require_at_most(lanes, MOST_LANES, "Argon2 p")
    _require_at_most(memory * passes, MOST_MEMORY_PASSES, "Argon2 m * t")
    algorithm = _ARGON2[kind]

    def matches(secret: bytes) -> bool:
        kdf = algorithm(salt=salt, length=len(wanted), iterations=passes, lanes=lanes, memory_cost=memory)
        return hmac.compare_digest(kdf.derive(secret), wanted)

    return PasswordHash(kind, matches)


def _parts(text: str, count: int) -> list[str]:
    return _split(text.removeprefix("$"), count)


def _split(text: str, count: int) -> list[str]:
    parts = text.split("$")
    if len(parts) != count:
        raise InvalidHash("the hash has too few or too many parts")
    return parts


def _parameters(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name: value for name, _, value in pairs}


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise InvalidHash("a parameter of the hash is not a number")
    return int(text)


def _power(given: Mapping[str, str]) -> int:
    """Return N of scrypt by its logarithm. One that is out of all bounds is not computed."""
    logarithm = _number(given.get("ln", ""))
    _require_at_most(logarithm, MOST_MEMORY.bit_length(), "scrypt ln")
    return 1 << logarithm


def _digest(name: str) -> str:
    known = name or "sha1"
    if known not in _DIGESTS:
        raise InvalidHash("the digest of PBKDF2 is not known")
    return known


def _raw(text: str) -> bytes:
    """Decode base64, also of the alphabets of URLs and of passlib, with or without padding."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/").replace(".", "+")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidHash("a part of the hash is not base64") from None


def _require_sizes(salt: bytes, wanted: bytes) -> None:
    if not 0 < len(salt) <= LONGEST_SALT or not LEAST_SUM <= len(wanted) <= LONGEST_SUM:
        raise InvalidHash("the salt or the hash has the wrong length")


_FORMS: Mapping[str, Callable[[str], PasswordHash]] = {
    "{bcrypt}": partial(_bcrypt, prefix="{bcrypt}"),
    "bcrypt$": partial(_bcrypt, prefix="bcrypt$"),  # Django's
    "bcrypt_sha256$": partial(_bcrypt, prefix="bcrypt_sha256$", digest="sha256"),  # Django's
    "$argon2": _argon2,
    "argon2$argon2": lambda text: _argon2(text.removeprefix("argon2")),  # Django's
    "$firebase-scrypt$": _firebase,
    "$scrypt$": _scrypt_text,
    "scrypt$": _django_scrypt,
    "$pbkdf2": _pbkdf2_text,
    "pbkdf2_": _django_pbkdf2,
    "$5$": _crypt,
    "$6$": _crypt,
    "$1$": _crypt,
    "$apr1$": _crypt,
}
"""The beginning of each form, and what parses it. Bcrypt without a prefix is Signet's own."""
