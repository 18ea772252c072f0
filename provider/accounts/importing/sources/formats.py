"""The systems that users can move from, and a file of any other system (`csv`)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO

from provider.accounts.importing import files
from provider.accounts.importing.files import Row
from provider.accounts.importing.moving import Moved
from provider.accounts.importing.sources import auth0, cognito, django, firebase, keycloak
from provider.accounts.importing.sources.draft import Context


def _read_csv(file: BinaryIO, context: Context) -> Iterator[Row]:
    """Yield the rows of CSV or JSON lines. A bcrypt hash in it is one of the password itself, not of Signet."""
    for row in files.read_rows(file, attributes=context.attributes):
        hashed = row.values.get("password_hash")
        values = dict(row.values)
        if isinstance(hashed, str) and hashed.strip().startswith("$2"):
            values["password_hash"] = f"{{bcrypt}}{hashed.strip()}"
        yield replace(row, values=values, moved=Moved(source=context.source, source_id=str(values.get("id") or "")))


READERS: Mapping[str, Callable[[BinaryIO, Context], Iterator[Row]]] = {
    "keycloak": keycloak.read_rows,
    "auth0": auth0.read_rows,
    "firebase": firebase.read_rows,
    "cognito": cognito.read_rows,
    "django": django.read_rows,
    "authentik": django.read_rows,
    "csv": _read_csv,
}
