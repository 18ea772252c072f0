"""Faults on demand: what goes wrong at Signet, or on the way from it, until it is cleared or has happened often enough.

Each method returns the fault. As a context manager it ends with the block; else it ends with the test.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from signet_testing.changes import FOREIGN_ISSUER, Change
from signet_testing.requests import ENDPOINTS, endpoint_of

NAMES = frozenset(ENDPOINTS.values())
DROPPED_LOGOUT, LOGOUT_TOKEN, REDIRECT = "back-channel logout", "logout token", "authorization response"
"""What faults happen to that is no request of the app."""


@dataclass(eq=False)
class Fault:
    """Something that goes wrong at one endpoint."""

    faults: "Faults"
    endpoint: str
    times: int | None
    """How often it still happens; None without end."""
    status: int | None = None
    seconds: float = 0.0
    lose: bool = False
    tokens: Mapping[str, Change] = field(default_factory=dict)
    """The changes of members of the token response: `id_token`, `access_token`."""
    members: Mapping[str, Any] = field(default_factory=dict)
    """The members of a JSON response that are replaced; None removes one."""
    redirect: Mapping[str, str | None] = field(default_factory=dict)
    """The parameters of the authorization response that are replaced; None removes one."""
    hide_kids: frozenset[str] = frozenset()
    """The keys that the key set lacks."""
    happened: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """End the fault."""
        self.faults.forget(self)


class Faults:
    """The faults that are active now."""

    def __init__(self) -> None:
        self._active: list[Fault] = []

    def clear(self) -> None:
        """End all faults."""
        self._active.clear()

    def forget(self, fault: Fault) -> None:
        if fault in self._active:
            self._active.remove(fault)

    def take(self, path: str) -> list[Fault]:
        """Return the faults that happen now at this path, and count them."""
        return self._take({path, endpoint_of(path)})

    def _take(self, names: set[str], is_meant: Callable[[Fault], bool] = lambda _: True) -> list[Fault]:
        found = [fault for fault in self._active if fault.endpoint in names and is_meant(fault)]
        for fault in found:
            fault.happened += 1
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.forget(fault)
        return found

    def loses_logout(self) -> bool:
        """Return whether the back-channel logout that is due now gets lost, and count it."""
        return bool(self._take({DROPPED_LOGOUT}))

    def of_logout_tokens(self) -> list[Change]:
        """Return the changes of the logout token that is due now, and count them."""
        return [change for fault in self._take({LOGOUT_TOKEN}) for change in fault.tokens.values()]

    def of_redirects(self) -> list[Fault]:
        """Return the faults of the authorization response that is due now, and count them."""
        return self._take({REDIRECT})

    def of_tokens(self) -> list[Fault]:
        """Return the faults of tokens that an authorization response has now, and count them."""
        return self._take({"token"}, lambda fault: bool(fault.tokens))

    def _add(self, endpoint: str, times: int | None, **what: Any) -> Fault:
        if endpoint not in {*NAMES, DROPPED_LOGOUT, LOGOUT_TOKEN, REDIRECT} and not endpoint.startswith("/"):
            raise ValueError(f"{endpoint!r} is no endpoint. Use a path, or one of {', '.join(sorted(NAMES))}.")
        fault = Fault(self, endpoint, times, **what)
        self._active.append(fault)
        return fault

    def fail(self, endpoint: str, *, status: int = 503, times: int | None = None) -> Fault:
        """Answer with an error instead of working."""
        return self._add(endpoint, times, status=status)

    def slow(self, endpoint: str, *, seconds: float, times: int | None = None) -> Fault:
        """Answer late."""
        return self._add(endpoint, times, seconds=seconds)

    def lose_answer(self, endpoint: str, *, times: int | None = 1) -> Fault:
        """Do what was asked, and close the connection without an answer."""
        return self._add(endpoint, times, lose=True)

    def id_token(self, *, times: int | None = None, claims: Mapping[str, Any] | None = None, **wrong: Any) -> Fault:
        """Change ID tokens, wherever the app gets them: `expired=True`, or another member of `Change`."""
        return self._add("token", times, tokens={"id_token": Change(claims=claims or {}, **wrong)})

    def access_token(self, *, times: int | None = None, claims: Mapping[str, Any] | None = None, **wrong: Any) -> Fault:
        """Change access tokens, wherever the app gets them: `expired=True`, or another member of `Change`."""
        return self._add("token", times, tokens={"access_token": Change(claims=claims or {}, **wrong)})

    def logout_token(self, *, times: int | None = None, claims: Mapping[str, Any] | None = None, **wrong: Any) -> Fault:
        """Change the tokens of back-channel logout requests: `expired=True`, or another member of `Change`."""
        return self._add(LOGOUT_TOKEN, times, tokens={"logout_token": Change(claims=claims or {}, **wrong)})

    def discovery(self, *, times: int | None = None, **members: Any) -> Fault:
        """Change the discovery document. Without members, it names another issuer."""
        return self._add("discovery", times, members=members or {"issuer": FOREIGN_ISSUER})

    def userinfo(self, *, times: int | None = None, **members: Any) -> Fault:
        """Change the userinfo response, for example `sub`."""
        return self._add("userinfo", times, members=members)

    def redirect(self, *, times: int | None = None, **parameters: str | None) -> Fault:
        """Change the authorization response: `state`, `iss`, `code`, or `error` in place of the code."""
        return self._add(REDIRECT, times, redirect=parameters)

    def hide_keys(self, *kids: str, times: int | None = None) -> Fault:
        """Leave keys out of the key set. `Signet.rotate_keys(late=…)` uses it."""
        return self._add("jwks", times, hide_kids=frozenset(kids))

    def drop_logout(self, *, times: int | None = None) -> Fault:
        """Lose back-channel logout requests on their way to apps. Signet believes that they were delivered."""
        return self._add(DROPPED_LOGOUT, times)


KINDS = tuple(
    name
    for name, method in vars(Faults).items()
    if not name.startswith("_") and method.__annotations__["return"] is Fault
)
"""The methods that add a fault."""
