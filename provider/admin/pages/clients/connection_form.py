"""The form of a connection to an application, such as its stream of signals: shown, saved, and overtaken by another
operator's change.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from starlette.responses import Response

from provider.accounts.roles.permissions import Permission, Permissions
from provider.admin.guards import Operator, require_operator
from provider.admin.pages import conflicts
from provider.admin.pages.actions import (
    Action,
    Actions,
    InvalidInput,
    available,
    done_message,
    record_reason,
    require_version_seen,
)
from provider.admin.pages.clients.frame import NEEDS, client_page, find_client, find_client_to_change, url_of
from provider.admin.pages.conflicts import Record, conflict
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.operators.authority import problem_with_application
from provider.operators.etags import ChangedMeanwhile, version_of
from provider.refusals import Refusal
from provider.web.call import Call
from provider.web.pages import go

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ConnectionForm(Generic[T]):
    """The common part of the pages of connections. A `T` is a connection as it is stored."""

    tab: str
    template: str
    labels: Mapping[str, Text]
    """The labels of the fields."""
    event: str
    """The audit event of a change."""
    actions: Actions[Client]
    left_out: Callable[[T], Collection[str]]
    """Returns the names of the actions that a connection in this state does not need."""
    find: Callable[[Connection, str], T | None]
    """Returns the connection of the client with this ID."""
    lock: Callable[[Connection, str], T | None]
    """Returns it too, and locks its row."""
    spelled: Callable[[T | None], Mapping[str, str]]
    """Returns the settings as the fields of the form have them, those of a new connection for None."""
    in_words: Callable[[str, str], Text | str]
    """Returns the saved value of a field as an operator reads it, from the name of the field and its text."""
    put: Callable[[Call, Client], None]
    """Saves what is in the form. Raises one of `refused`."""
    require_permissions: Callable[[Permissions], object] = lambda _permissions: None
    """Checks what an operator needs besides the permission to change the client. Raises one of `refused`."""
    refused: tuple[type[Refusal], ...]
    more: Callable[[Call, Operator, T | None, Mapping[str, Any]], Mapping[str, Any]]
    """Returns what only this template shows, from the connection and what is typed."""

    def show(self, call: Call) -> Response:
        """Show the connection of the client in the query."""
        operator = require_operator(call, Permission.APPLICATIONS_READ)
        client = find_client(call, operator).value
        found = self.find(call.work.read, client.client_id)
        return self._page(call, operator, client, found, self.spelled(found))

    def save(self, call: Call) -> Response:
        """Save the form. It creates the connection if there is none."""
        subject = find_client_to_change(call)
        client, operator = subject.value, subject.operator
        refused: tuple[type[Refusal], ...] = (InvalidInput, ChangedMeanwhile, *self.refused)
        try:
            self.require_permissions(operator.permissions)
            require_version_seen(call, self.spelled(self.lock(call.work.db, client.client_id)))
            record_reason(call)
            self.put(call, client)
        except refused as refusal:
            saved = self.find(call.work.read, client.client_id)
            return self._page(call, operator, client, saved, call.form, refusal=refusal)
        return go(url_of(client.client_id, self.tab, changed="yes"))

    def _page(
        self,
        call: Call,
        operator: Operator,
        client: Client,
        found: T | None,
        typed: Mapping[str, Any],
        *,
        refusal: Refusal | None = None,
    ) -> Response:
        is_overtaken = isinstance(refusal, ChangedMeanwhile)
        errors = {} if refusal is None else {getattr(refusal, "name", ""): refusal.message}
        return client_page(
            call,
            client,
            self.template,
            tab=self.tab,
            status_code=200 if refusal is None else refusal.status_code,
            found=found,
            typed={name: typed.get(name, "") for name in (*self.labels, "why")},
            version=version_of(self.spelled(found)),
            labels=self.labels,
            errors={"": conflicts.MESSAGE} if is_overtaken else errors,
            overtaken=self._conflict(call, client, found) if is_overtaken else None,
            done=done_message(call, self.actions),
            acts={} if found is None else self._available(found, client, operator),
            **self.more(call, operator, found, typed),
        )

    def _conflict(self, call: Call, client: Client, found: T | None) -> dict[str, Any]:
        typed = {name: "\n".join(call.form.get(name, "").split("\r\n")).strip() for name in self.labels}
        saved = self.spelled(found)
        differing = [
            (self.labels[name], self.in_words(name, text)) for name, text in saved.items() if typed[name] != text
        ]
        return conflict(call, Record(self.event, client_id=client.client_id), differing)

    def _available(self, found: T, client: Client, operator: Operator) -> dict[str, Action[Client]]:
        if problem_with_application(operator.permissions, client.metadata) is not None:
            return {}
        left_out = self.left_out(found)
        offered = available(self.actions, client, NEEDS, operator)
        return {name: one for name, one in offered.items() if name not in left_out}
