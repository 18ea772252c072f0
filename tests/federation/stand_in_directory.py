"""A directory in the tests' hands: what `ldap_client` asks of a connection, answered from a dictionary."""

import re
import unicodedata
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from provider.federation.ldap_answers import DirectoryUnavailable
from tests.support.factories import PASSWORD

BASE = "dc=corp,dc=test"
BIND_DN, BIND_PASSWORD = f"cn=signet,{BASE}", "the password of the service"
ID = "0192d3a8-5f2e-7c31-9c4e-1f0a2b3c4d5e"
CORP: dict[str, Any] = {
    "preset": "ldap",
    "name": "Corp",
    "servers": ["ldaps://ldap.corp.test"],
    "bind_dn": BIND_DN,
    "bind_password": BIND_PASSWORD,
    "base_dn": BASE,
    "domains": ["corp.test"],
    "may_create_accounts": True,
    "verifies_email_addresses": True,
}
WRONG = {"result": 49, "description": "invalidCredentials", "message": ""}


def bind_error_of_active_directory(data: str) -> dict[str, Any]:
    """The answer of Active Directory to a bind, with one of its codes."""
    message = f"80090308: LdapErr: DSID-0C09050F, comment: AcceptSecurityContext error, data {data}, v4563"
    return {"result": 49, "description": "invalidCredentials", "message": message}


def person(name: str, **attributes: Any) -> dict[str, list[bytes]]:
    given = {
        "entryUUID": ID,
        "objectGUID": UUID(ID).bytes_le,
        "cn": name.title(),
        "mail": f"{name}@corp.test",
        "userPassword": PASSWORD,
        **attributes,
    }
    lists = {key: value if isinstance(value, list) else [value] for key, value in given.items()}
    return {key: [one if isinstance(one, bytes) else one.encode() for one in value] for key, value in lists.items()}


@dataclass
class StandIn:
    """`entries` by DN. `answers` to binds, by DN, come before passwords. With `away`, no server answers. If it is
    `lenient`, accents, width and compatibility forms make no difference in a search, as in Active Directory.
    """

    entries: dict[str, dict[str, list[bytes]]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: bool = False
    lenient: bool = False
    binds: list[str] = field(default_factory=list)
    searches: list[str] = field(default_factory=list)
    new_password_result: int = 0

    def open(self, _outbound: Any, _settings: Any, url: str) -> "Connection":
        if self.away:
            raise DirectoryUnavailable("nobody answers")
        return Connection(self)


class Connection:
    """As much of ldap3's as is used."""

    def __init__(self, directory: StandIn) -> None:
        self._directory = directory
        self.result: dict[str, Any] = {}
        self.socket = None
        self.response: list[dict[str, Any]] = []
        self.extend = SimpleNamespace(
            standard=SimpleNamespace(modify_password=lambda _user, old, new: self._change(new)),
            microsoft=SimpleNamespace(modify_password=lambda _dn, new, old: self._change(new.encode())),
        )

    def rebind(self, dn: str, password: str | bytes, *_: Any, **__: Any) -> None:
        self._directory.binds.append(dn)
        self._dn = dn
        given = password.encode() if isinstance(password, str) else password
        stored = self._directory.entries.get(dn, {}).get("userPassword", [])
        is_right = given in stored or (dn == BIND_DN and given == BIND_PASSWORD.encode())
        right = {"result": 0, "description": "success"}
        self.result = self._directory.answers.get(dn) or (right if is_right else WRONG)

    def search(self, _base: str, search: str, *_: Any, **__: Any) -> None:
        self._directory.searches.append(search)
        pairs = [(name, _unescape(value)) for name, value in re.findall(r"\(([A-Za-z]+)=([^()]*)\)", search)]
        asked = [(name, value) for name, value in pairs if not name.lower().startswith("object") or "GUID" in name]
        self.response = [
            {"type": "searchResEntry", "dn": dn, "raw_attributes": entry}
            for dn, entry in self._directory.entries.items()
            if any(self._fold(value) in map(self._fold, entry.get(name, [])) for name, value in asked)
        ]
        self.result = {"result": 0, "description": "success"}

    def _fold(self, value: bytes) -> bytes:
        if not self._directory.lenient:
            return value.lower()
        text = unicodedata.normalize("NFKD", value.decode("utf-8", "surrogateescape")).casefold()
        return "".join(one for one in text if not unicodedata.combining(one)).encode("utf-8", "surrogateescape")

    def _change(self, new: bytes) -> None:
        code = self._directory.new_password_result
        self.result = {"result": code, "description": "success" if code == 0 else "constraintViolation"}
        if code == 0:
            self._directory.entries[self._dn]["userPassword"] = [new]

    def unbind(self) -> None:
        pass


def _unescape(value: str) -> bytes:
    return re.sub(rb"\\([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), value.encode())
