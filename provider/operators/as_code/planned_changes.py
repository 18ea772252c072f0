"""The changes that `signet apply` plans and makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provider.work import UnitOfWork


class NotApplied(Exception):
    """An error in what the file asks for. Nothing is changed: this is not a Refusal, whose earlier writes are kept."""


@dataclass(frozen=True)
class PlannedChange:
    """One difference between file and installation. `kind` is create, update or delete; `about` names the client or
    user; `values` maps a name to (current, wanted).
    """

    kind: str
    about: str
    values: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    do: Callable[[UnitOfWork], str | None] = field(default=lambda _work: None, repr=False)
    """Applies the change. Returns the generated secret of a new client, which is shown only once."""
    short_secret_of: str | None = None
    """The client_id of a new client with a short secret, for a warning."""
