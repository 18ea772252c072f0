"""Setting up an installation before it serves: a current signing key of each pair, and the salt of its subjects."""

from dataclasses import dataclass

from provider.oauth.keys.rotation import create_missing
from provider.oauth.tokens.subjects import create_salt
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Made:
    kids: list[str]
    salt: bool


def create_keys_and_salt(work: UnitOfWork) -> Made:
    """Create what this installation never had. What exists stays unchanged."""
    return Made(create_missing(work), create_salt(work))
