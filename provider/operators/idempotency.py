"""Idempotent requests (draft-ietf-httpapi-idempotency-key-header): repeating a request with the same key returns the
same response, and nothing is created twice.

The response is stored in the transaction of the change it reports, so neither exists without the other. A rejected
request stores nothing, and its key can be used again.
"""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from provider.crypto.digests import digest
from provider.crypto.vault import VaultError
from provider.languages.text import Text
from provider.operators import store
from provider.operators.etags import version_of
from provider.operators.store import KeptAnswer
from provider.refusals import Refusal
from provider.work import UnitOfWork

KEPT_FOR = timedelta(hours=24)
LONGEST = 255
PURPOSE = "idempotent-answer"


class InvalidIdempotencyKey(Refusal):
    code = "unfit-idempotency-key"
    title = Text("Invalid Idempotency-Key")
    message = Text("Idempotency-Key must be a single value of 1 to 255 printable ASCII characters.")


class KeyReused(Refusal):
    """A key that was used for a different request (section 2.7 of the draft)."""

    code = "key-reused"
    status_code = 422
    title = Text("Idempotency-Key already used")
    message = Text("This Idempotency-Key was already used for a different request. Use a new key for each request.")


class KeyInUse(Refusal):
    """A key whose first request is still being processed (section 2.7 of the draft)."""

    code = "key-in-use"
    status_code = 409
    title = Text("Request in progress")
    message = Text("A request with this Idempotency-Key is still being processed. Try again in a moment.")
    retry_after = 1


class ResponseLost(Refusal):
    code = "forgotten"
    status_code = 409
    title = Text("Response no longer available")
    message = Text(
        "This request was already completed, but its response can no longer be read. Check what it created before you "
        "send it again."
    )


@dataclass(frozen=True)
class StoredResponse:
    """A response as it was sent, and as it is sent again."""

    status: int
    body: str
    etag: str | None = None


class AnsweredBefore(Exception):
    """A way to return the stored response of an earlier request. It is not an error."""

    def __init__(self, answer: StoredResponse) -> None:
        self.answer = answer
        super().__init__()


@dataclass(frozen=True)
class Request:
    """A request with an idempotency key. `digest` identifies the key and the caller; `version` identifies the method,
    path and body.
    """

    digest: bytes
    version: str


def parse_key(headers: list[str]) -> str | None:
    """Return the key in the Idempotency-Key headers, or None without one. It is a quoted string; one without quotes is
    accepted. Raises InvalidIdempotencyKey.
    """
    if not headers:
        return None
    text = headers[0].strip()
    key = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if len(headers) > 1 or not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise InvalidIdempotencyKey
    return key


def request_of(key: str, *, caller: str, asked: Any) -> Request:
    """Build the Request of a key. `asked` is the method, the path and the body."""
    return Request(digest(json.dumps([caller, key])), version_of(asked))


def look(work: UnitOfWork, request: Request) -> None:
    """Check whether the key was used before. Raises AnsweredBefore with the stored response, KeyReused if the request
    was different, or ResponseLost if the response cannot be decrypted.
    """
    kept = store.find(work.read, request.digest, now=work.now)
    if kept is None:
        return
    try:
        stored = json.loads(work.vault.decrypt(kept.sealed, purpose=PURPOSE, context=request.digest.hex()))
    except VaultError:
        raise ResponseLost from None  # kept under a secret key that is gone; made again, it would be there twice
    if stored.pop("asked") != request.version:
        raise KeyReused
    raise AnsweredBefore(StoredResponse(**stored))


def begin(work: UnitOfWork, request: Request) -> None:
    """Lock the key until the transaction ends; call it with the first write. Raises KeyInUse if another request holds
    it, and what `look` raises.
    """
    if not store.hold(work.db, request.digest):
        raise KeyInUse
    look(work, request)


def keep(work: UnitOfWork, request: Request, answer: StoredResponse) -> None:
    """Store the response for 24 hours, encrypted."""
    plain = json.dumps({"asked": request.version, **asdict(answer)}).encode()
    sealed = work.vault.encrypt(plain, purpose=PURPOSE, context=request.digest.hex())
    store.keep(work.db, KeptAnswer(request.digest, sealed, work.now + KEPT_FOR))
