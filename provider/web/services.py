"""What the composition root (`provider.app`) hands to pages of lower packages: functions of the packages above them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from provider.destination import App
from provider.work import UnitOfWork


class SignInButton(Protocol):
    """An upstream provider, as the sign-in page shows it."""

    @property
    def key(self) -> str: ...

    @property
    def name(self) -> str: ...


class PageAfterSignOut(Protocol):
    """Says where to go after a sign-out: the URL of a page."""

    def __call__(self, work: UnitOfWork, *, user_id: str, session_id: str) -> str: ...


@dataclass(frozen=True)
class Services:
    """Functions of `oauth` and `federation` for the pages of `login` and `accounts`."""

    describe_request: Callable[[UnitOfWork, str], App | None]
    """The app behind a request_uri; None when it is unknown or expired."""
    export_applications: Callable[[UnitOfWork, str], list[dict[str, Any]]]
    """The apps a user connected, for the copy of their data."""
    page_after_sign_out: PageAfterSignOut
    sign_in_buttons: Sequence[SignInButton]
