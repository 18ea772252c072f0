"""The form of a declaration: of a new one, of one that exists, and of one that another operator changed meanwhile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator
from provider.admin.pages import conflicts
from provider.admin.pages.actions import Actions, available, record_reason, require_version_seen
from provider.admin.pages.conflicts import Record, conflict
from provider.languages.text import Text
from provider.operators.etags import ChangedMeanwhile, version_of
from provider.refusals import Refusal
from provider.web.call import Call
from provider.web.pages import go, page

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class DeclarationForm(Generic[T]):
    """The common part of the forms of one kind of declaration. A `T` is a declaration as it is stored."""

    template: str
    """A template that extends `admin/declaration.html`."""
    needs: Permission
    """The permission to declare, change and delete."""
    name_field: str
    """The field with the name, which never changes, and the member of the declaration and of its events."""
    exists: type[Refusal]
    """The error for a name that is taken."""
    labels: Mapping[str, Text]
    """The labels of the fields that are compared with what another operator saved."""
    choices: tuple[str, ...] = ()
    """Further text fields, which only a new declaration has."""
    event: str
    """The audit event of a change."""
    declared: Text
    updated: Text
    url_of: Callable[[str], str]
    """Returns the URL of the page of a declaration with this name."""
    spelled: Callable[[T], Mapping[str, str]]
    """Returns a declaration as the form shows it."""
    actions: Actions[T]
    more: Callable[[T | None, Mapping[str, str]], Mapping[str, Any]]
    """Returns what only this kind's template shows, from the declaration and what is typed."""

    def show(
        self,
        call: Call,
        found: T | None,
        typed: Mapping[str, str],
        refusal: Refusal | None = None,
        *,
        operator: Operator | None = None,
    ) -> Response:
        """Return the page with the form of a new declaration, or of `found`. An `operator` sees the available
        actions.
        """
        name = self._name(found)
        errors: dict[str, str] = {}
        overtaken = None
        if isinstance(refusal, ChangedMeanwhile) and found is not None:
            errors, overtaken = {"": conflicts.MESSAGE}, self._conflict(call, found)
        elif refusal is not None:
            about = getattr(refusal, "member", getattr(refusal, "name", ""))
            errors = {self.name_field if isinstance(refusal, self.exists) else about: refusal.message}
        fields = (self.name_field, "why", *self.choices, *self.labels)
        return page(
            call,
            self.template,
            status_code=200 if refusal is None else refusal.status_code,
            found=found,
            name=name,
            url=None if found is None else self.url_of(name),
            needs=self.needs,
            labels=self.labels,
            typed={field: typed.get(field, "") for field in fields},
            version="" if found is None else version_of(self.spelled(found)),
            errors=errors,
            overtaken=overtaken,
            actions={} if found is None or operator is None else available(self.actions, found, self.needs, operator),
            message=self.declared if "created" in call.query else self.updated,
            is_done=refusal is None and ("created" in call.query or "changed" in call.query),
            **self.more(found, typed),
        )

    def require_unchanged(self, call: Call, saved: T) -> None:
        """Check that `saved`, whose row is locked, is what the operator saw, and record the reason that was given.
        Raises ChangedMeanwhile or InvalidInput.
        """
        require_version_seen(call, self.spelled(saved))
        record_reason(call)

    def go(self, name: str, *, done: str) -> Response:
        """Redirect to the page of a declaration that was `created` or `changed`."""
        url = self.url_of(name)
        return go(f"{url}{'&' if '?' in url else '?'}{done}=yes")

    def _name(self, found: T | None) -> str:
        return "" if found is None else str(getattr(found, self.name_field))

    def _conflict(self, call: Call, found: T) -> dict[str, Any]:
        saved = self.spelled(found)
        typed = {name: "\n".join(call.form.get(name, "").split("\r\n")).strip() for name in self.labels}
        differing = [
            (label, saved.get(name, "")) for name, label in self.labels.items() if typed[name] != saved.get(name, "")
        ]
        return conflict(call, Record(self.event, detail=(self.name_field, self._name(found))), differing)
