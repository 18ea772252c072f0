"""Opening a test's Signet: settings that do not read the environment, a new database, and keys that are published.

The private keys are in this package, so that starting need not wait for a new RSA key. Everyone has them: tokens that
they sign prove nothing outside of a test.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from provider.config.settings import Settings
from provider.installation import open_installation
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.key_pairs import PURPOSE
from provider.oauth.keys.store import SigningKeyRow, State
from provider.oauth.setting_up import create_keys_and_salt
from provider.work import Installation, UnitOfWork, unit_of_work
from signet_testing.serving.loopback import require_loopback
from signet_testing.storage import create_schema

PUBLISHED_KEYS = Path(__file__).with_name("published_keys.json")
PUBLIC = frozenset({"kid", "kty", "crv", "x", "y", "n", "e"})
"""The members of a JWK that are not secret."""


class NoLimits:
    """A counter of rate limits that always has room: tests sign in more often than users do."""

    def hit(self, limit: str, key: str) -> int | None:
        return None

    def look(self, limit: str, key: str) -> int | None:
        return None


def open_new(
    issuer: str,
    folder: Path,
    *,
    clock: Callable[[], datetime],
    wake: Callable[[str], None],
    changes: Mapping[str, Any],
) -> Installation:
    """Create the database in `folder` and open the installation. `changes` are settings. Raises NotLoopback."""
    path = folder / "signet.db"
    given: dict[str, Any] = {
        "issuer": issuer,
        "env": "test",
        "secret_key": secrets.token_urlsafe(32),
        "bcrypt_cost": 4,
        "client_cache": 0,
        "key_cache": 0,
        "database_timeout": 30,
        "outbound_allow": frozenset({"127.0.0.0/8", "::1/128"}),
        "sqlite_synchronous": "NORMAL",
        **changes,
        "database_url": f"sqlite:///{path}",
    }
    settings = Settings.__new__(Settings)
    BaseModel.__init__(settings, **given)  # as `Settings(**given)`, without the environment of the tests
    require_loopback(urlsplit(settings.issuer).hostname or "")
    create_schema(path)
    installation = open_installation(settings, clock=clock, counter=NoLimits(), wake=wake)
    with unit_of_work(installation) as work:
        _add_published_keys(work)
        create_keys_and_salt(work)
    return installation


def _add_published_keys(work: UnitOfWork) -> None:
    """Add a current key of each algorithm, and the next one, which apps know before it signs."""
    for alg, pair in json.loads(PUBLISHED_KEYS.read_text("utf-8")).items():
        for jwk, state in zip(pair, (State.CURRENT, State.UPCOMING), strict=True):
            kid = jwk["kid"]
            named = {"use": "sig", "alg": alg}
            public = {name: value for name, value in jwk.items() if name in PUBLIC} | named
            sealed = work.vault.encrypt(json.dumps(jwk | named).encode(), purpose=PURPOSE, context=kid)
            signs_from = work.now if state is State.CURRENT else None
            row = SigningKeyRow(kid, alg, public, sealed, state, work.now, signs_from, None)
            signing_keys.add(work.db, row)
