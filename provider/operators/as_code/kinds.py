"""The kinds of tables in a file, such as `[provisioning.shop]`: how each becomes planned changes."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from provider.declarations import Declared
from provider.jose.json_objects import read_object
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.refusals import Refusal
from provider.work import UnitOfWork

Declaration = TypeVar("Declaration", bound=Declared)


@dataclass(frozen=True)
class Table:
    """One table of a file."""

    about: str
    """What messages call it: `provisioning shop`."""
    name: str
    """Its name in the file: `shop`."""
    given: dict[str, Any]
    """Its members, which may be changed."""
    environ: Mapping[str, str]
    """The environment variables, which hold the secrets."""

    def read_secret(self, variable: object, *, member: str) -> str:
        """Return the secret in an environment variable, which `member` of the table names. Raises NotApplied."""
        secret = self.environ.get(str(variable), "")
        if not secret:
            raise NotApplied(f"{self.about}: the environment variable {variable} ({member}) is not set.")
        return secret


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of tables in a file."""

    name: str
    """The table that contains them: `provisioning`."""
    noun: str
    """What messages call one of them: `provisioning`, before its name."""
    members: Collection[str]
    """What one of them may have."""
    plan_one: Callable[[UnitOfWork, Table], Iterable[PlannedChange]]
    """Yields the changes that bring the installation in line with a table. May raise a Refusal for invalid members."""
    find_names: Callable[[UnitOfWork], Iterable[str]]
    """Returns the names of all of this kind that the installation has."""
    delete: Callable[[UnitOfWork, str], object]
    """Deletes the one with this name."""
    order: Callable[[Mapping[str, Any]], int] = lambda _table: 0
    """What the tables are sorted by, before they are planned."""
    deletes_first: bool = False
    """Whether others are deleted before those of the file are changed, which may need something that they have."""

    def plan(
        self, work: UnitOfWork, tables: Mapping[str, dict[str, Any]], environ: Mapping[str, str], *, prune: bool
    ) -> list[PlannedChange]:
        """Return the changes that bring the installation in line with these tables. With `prune`, others of the kind
        are deleted if there are any tables. Raises NotApplied.
        """
        changes: list[PlannedChange] = []
        for name, given in sorted(tables.items(), key=lambda item: self.order(item[1])):
            table = Table(self._about(name), name, dict(given), environ)
            try:
                changes += self.plan_one(work, table)
            except Refusal as refused:
                raise NotApplied(f"{table.about}: {refused}") from None
        gone = [name for name in self.find_names(work) if name not in tables] if prune and tables else []
        deletions = [PlannedChange("delete", self._about(name), do=partial(self._delete, name=name)) for name in gone]
        return [*deletions, *changes] if self.deletes_first else [*changes, *deletions]

    def _about(self, name: str) -> str:
        return f"{self.noun} {name}"

    def _delete(self, work: UnitOfWork, name: str) -> None:
        self.delete(work, name)


def plan_declaration(
    table: Table, before: Declaration | None, wanted: Declaration, put: Callable[[UnitOfWork], object]
) -> Iterable[PlannedChange]:
    """Yield the change that declares what a table says, unless it is declared like this."""
    if before is None:
        values = {member: (None, value) for member, value in vars(wanted).items() if value}
        yield PlannedChange("create", table.about, values, put)
    elif changed := before.differences(wanted):
        yield PlannedChange("update", table.about, changed, put)


class Switchable(Protocol):
    """The row of something that can be disabled."""

    @property
    def disabled_at(self) -> datetime | None: ...


def plan_switch(
    table: Table, before: Switchable | None, switch: Callable[[UnitOfWork], object], *, disabled: bool
) -> Iterable[PlannedChange]:
    """Yield the change that disables or enables what a table is about, unless it is as the table says. New ones are
    enabled.
    """
    if disabled != (before is not None and before.disabled_at is not None):
        yield PlannedChange("update", table.about, {"disabled": (not disabled, disabled)}, switch)


def read_schema(table: Table, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return these members with their `json_schema` as an object. In a file it may be JSON in a string. Raises
    NotApplied.
    """
    schema = members.get("json_schema")
    if not isinstance(schema, str):
        return dict(members)
    try:
        return {**members, "json_schema": read_object(schema)}
    except ValueError as error:
        raise NotApplied(f"{table.about}: json_schema: {error}.") from None
