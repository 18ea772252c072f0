"""What an installation of the tests is: its issuer, its secret key, its settings."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from pydantic import BaseModel

from provider.config.settings import Settings
from provider.work import UnitOfWork

ISSUER = "https://id.example.test"
FOREIGN_HOST = "app.example.test"
SECRET_KEY = "a secret key of 32 characters or more for tests"

Work = Callable[..., AbstractContextManager[UnitOfWork]]
"""`with work() as w:` is one unit of work; `work(Origin(network=...))` is one that comes from an address."""


def settings_for(database_url: str, **changes: Any) -> Settings:
    """Settings for tests on this database: cheap password hashes, no caches, and `changes`.

    The environment is not read: a test is not about the shell it was started from, and looking takes a millisecond.
    """
    given: dict[str, Any] = {
        "issuer": ISSUER,
        "env": "test",
        "secret_key": SECRET_KEY,
        "bcrypt_cost": 4,
        "client_cache": 0,
        "key_cache": 0,
        "database_timeout": 30,  # a busy machine is no outage
        **changes,
    }
    if not database_url.startswith("sqlite:///"):
        return _parsed({**given, "database_url": database_url})
    key = (repr(given), *given.items())  # `repr` tells 1 and True apart, and the values tell secrets apart
    try:
        known = _known.get(key)
    except TypeError:  # one of them is a dict or a list
        return _parsed({**given, "database_url": database_url})
    if known is None:
        known = _known[key] = _parsed({**given, "database_url": database_url})
    return known.model_copy(update={"database_url": database_url})


_known: dict[tuple[Any, ...], Settings] = {}
"""What was parsed before: that takes longer than copying it with another SQLite file."""


def _parsed(given: dict[str, Any]) -> Settings:
    settings = Settings.__new__(Settings)
    BaseModel.__init__(settings, **given)
    return settings
