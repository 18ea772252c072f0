"""The changes that `signet apply` plans and makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provider.work import UnitOfWork


class NotApplied(Exception):
    """An error in what the file asks for. Nothing is changed: this is not a Refusal, whose earlier writes are kept."""


@dataclass(frozen=True)
class NewSecret:
    """The generated secret of a new client, which is shown only once."""

    secret: str = field(repr=False)


@dataclass(frozen=True)
class PlannedChange:
    """One difference between file and installation. `kind` is create, update or delete; `about` names the client or
    user; `values` maps a name to (current, wanted).
    """

    kind: str
    about: str
    values: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    do: Callable[[UnitOfWork], object] = field(default=lambda _work: None, repr=False)
    """Applies the change. What it returns is ignored, except a NewSecret."""
    short_secret_of: str | None = None
    """The client_id of a new client with a short secret, for a warning."""
