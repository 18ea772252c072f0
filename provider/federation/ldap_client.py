"""A directory's servers, asked by LDAP (RFC 4511): find one entry, check its password, change it.

Each question has its own connection, which ends with it. ldap3 is loaded by the first one. Referrals are not followed:
a server must not send passwords to another.
"""

import ssl
import time
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from provider.federation.directory_settings import host_and_port
from provider.federation.ldap_answers import (
    POLICY_CONTROL,
    SUCCESS,
    DirectoryUnavailable,
    Verdict,
    in_words,
    verdict_of,
)
from provider.federation.ldap_names import escape, is_below
from provider.federation.presets import ACTIVE_DIRECTORY
from provider.federation.upstream_settings import UpstreamSettings
from provider.observability.logging import log
from provider.outbound.answers import OutboundFailed
from provider.outbound.client import Outbound

CONNECT_TIMEOUT = 3
"""The most seconds for a connection to one address."""
ANSWER_TIMEOUT = 5
"""The most seconds for each answer."""
AVOIDED_FOR = 30.0
"""How many seconds a server that failed is asked last."""
MOST_GROUPS = 1000
SIZE_LIMIT = 4
NOT_ACCEPTED = (19, 53)
"""constraintViolation and unwillingToPerform: the new password breaks a rule."""
NOT_ALLOWED = 50
DISABLED = 0x2
"""The bit of userAccountControl of an account that is disabled."""

Attributes = Mapping[str, Sequence[bytes]]


class PasswordNotAccepted(Exception):
    """The directory did not take a new password, because of its rules."""


class PasswordChangeNotAllowed(Exception):
    """The directory does not let the user change the password."""


@dataclass(frozen=True)
class Entry:
    """An entry of the directory: its DN, the attributes that were asked for, and the DNs of its groups.

    The names of attributes are in lower case, because they differ in case only where nothing is meant by it.
    """

    dn: str
    attributes: Attributes
    groups: tuple[str, ...] = ()

    def values(self, name: str) -> Sequence[bytes]:
        return self.attributes.get(name.lower(), ())


@dataclass
class LdapClient:
    """The servers of one directory. Shared by the threads of a process."""

    settings: UpstreamSettings
    _failed_until: dict[str, float] = field(default_factory=dict)

    def authenticate(
        self,
        outbound: Outbound,
        search: str,
        password: str,
        *,
        attributes: Sequence[str],
        may_bind: Callable[[Entry], bool] = lambda _entry: True,
    ) -> tuple[Entry | None, Verdict]:
        """Find the only entry that the filter matches, and bind as it. Returns no entry if there is none or several, or
        `may_bind` says no.

        Raises DirectoryUnavailable. The password must not be empty.
        """

        def do(connection: Any) -> tuple[Entry | None, Verdict]:
            found = self._find(connection, search, attributes)
            if found is None or not may_bind(found):
                # A bind all the same: time must not show who exists.
                connection.rebind(self.settings.base_dn, b"-", library().SIMPLE, read_server_info=False)
                return None, Verdict.WRONG
            verdict = self._bind(connection, found.dn, password)
            if verdict is Verdict.RIGHT and _is_disabled(found):
                verdict = Verdict.DISABLED
            return found, verdict

        answer: tuple[Entry | None, Verdict] = self._ask(outbound, do)
        return answer

    def change_password(self, outbound: Outbound, search: str, *, current: str, password: str) -> None:
        """Change a password as its user (RFC 3062; `unicodePwd` in Active Directory).

        Raises DirectoryUnavailable, PasswordNotAccepted or PasswordChangeNotAllowed.
        """

        def do(connection: Any) -> int:
            found = self._find(connection, search, ())
            if found is None or self._bind(connection, found.dn, current) is not Verdict.RIGHT:
                raise PasswordChangeNotAllowed
            if self.settings.preset == ACTIVE_DIRECTORY:
                connection.extend.microsoft.modify_password(found.dn, password, current)
            else:
                old, new = (unicodedata.normalize("NFC", text).encode() for text in (current, password))
                connection.extend.standard.modify_password(None, old, new)
            code: int = connection.result["result"]
            if code not in (SUCCESS, *NOT_ACCEPTED, NOT_ALLOWED):
                raise DirectoryUnavailable(f"the password change ended with {in_words(connection.result)}")
            return code

        code = self._ask(outbound, do)
        if code in NOT_ACCEPTED:
            raise PasswordNotAccepted
        if code == NOT_ALLOWED:
            raise PasswordChangeNotAllowed

    def _ask(self, outbound: Outbound, do: Callable[[Any], Any]) -> Any:
        """Call a function with a connection to the first server that answers. Raises DirectoryUnavailable."""
        now, reasons = time.monotonic(), []
        for url in sorted(self.settings.servers, key=lambda url: self._failed_until.get(url, 0.0) > now):
            try:
                with self._connected(outbound, url) as connection:
                    done = do(connection)
            except (DirectoryUnavailable, OutboundFailed, OSError, library().core.exceptions.LDAPException) as error:
                reasons.append(f"{url}: {error}")
                self._failed_until[url] = time.monotonic() + AVOIDED_FOR
                log.warning("directory.server_failed", upstream=self.settings.key, server=url, reason=str(error)[:300])
            else:
                self._failed_until.pop(url, None)
                return done
        raise DirectoryUnavailable("; ".join(reasons))

    @contextmanager
    def _connected(self, outbound: Outbound, url: str) -> Iterator[Any]:
        """Open a connection for the account that searches."""
        connection = open_connection(outbound, self.settings, url)
        try:
            if self.settings.start_tls and not connection.start_tls(read_server_info=False):
                raise DirectoryUnavailable("StartTLS failed")
            secret = self.settings.secret
            connection.rebind(self.settings.bind_dn, secret, library().SIMPLE, read_server_info=False)
            if connection.result["result"] != SUCCESS:
                raise DirectoryUnavailable(f"{self.settings.bind_dn} could not sign in: {in_words(connection.result)}")
            yield connection
        finally:
            with suppress(library().core.exceptions.LDAPException, OSError):
                connection.unbind()
            close(connection)

    def _find(self, connection: Any, search: str, attributes: Sequence[str]) -> Entry | None:
        entries = self._search(connection, self.settings.base_dn, search, attributes, most=2)
        if len(entries) > 1:
            log.warning("directory.ambiguous", upstream=self.settings.key)
        if len(entries) != 1:
            return None
        dn, found = entries[0]
        return Entry(dn, found, self._groups(connection, dn, found) if attributes else ())

    def _groups(self, connection: Any, dn: str, found: Attributes) -> tuple[str, ...]:
        settings = self.settings
        base = settings.group_base_dn or settings.base_dn
        if settings.group_filter is None:
            texts = [value.decode("utf-8", "replace") for value in found.get("memberof", ())]
            return tuple(text for text in texts[:MOST_GROUPS] if is_below(text, base))
        search = settings.group_filter.replace("{dn}", escape(dn))
        return tuple(group for group, _ in self._search(connection, base, search, ("1.1",), most=MOST_GROUPS))

    def _search(
        self, connection: Any, base: str, search: str, attributes: Sequence[str], *, most: int
    ) -> list[tuple[str, Attributes]]:
        connection.search(
            base,
            search,
            library().SUBTREE,
            dereference_aliases=library().DEREF_NEVER,
            attributes=list(attributes) or ["1.1"],
            size_limit=most,
            time_limit=ANSWER_TIMEOUT,
        )
        result = connection.result
        if result["result"] not in (SUCCESS, SIZE_LIMIT):
            raise DirectoryUnavailable(f"the search below {base} ended with {in_words(result)}")
        found = [one for one in connection.response or () if one["type"] == "searchResEntry"]
        return [(one["dn"], {name.lower(): values for name, values in one["raw_attributes"].items()}) for one in found]

    def _bind(self, connection: Any, dn: str, password: str) -> Verdict:
        asks = [(POLICY_CONTROL, False, None)]
        # Bytes, because the library refuses some texts, and a password that nobody can have is only a wrong one.
        secret = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
        connection.rebind(dn, secret, library().SIMPLE, read_server_info=False, controls=asks)
        return verdict_of(connection.result)


def open_connection(outbound: Outbound, settings: UpstreamSettings, url: str) -> Any:
    """Open a connection to an address of this server that may be reached, with TLS if the URL says so."""
    ldap3 = library()
    host, port = host_and_port(url) or ("", 0)
    is_ldaps = urlsplit(url).scheme == "ldaps"
    addresses = outbound.find_addresses(host, port, encrypted=is_ldaps or settings.start_tls)
    for left, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        server = ldap3.Server(
            address,
            port=port,
            use_ssl=is_ldaps,
            tls=_tls(host, settings.ca_file),
            get_info=ldap3.NONE,
            connect_timeout=CONNECT_TIMEOUT,
            allowed_referral_hosts=[],
        )
        connection = ldap3.Connection(
            server, auto_referrals=False, receive_timeout=ANSWER_TIMEOUT, check_names=False, raise_exceptions=False
        )
        try:
            connection.open(read_server_info=False)
        except ldap3.core.exceptions.LDAPException:
            close(connection)
            if not left:
                raise
        else:
            return connection
    raise DirectoryUnavailable("it has no address")


def close(connection: Any) -> None:
    """Close the socket, which the library leaves open after some errors."""
    if connection.socket is not None:
        connection.socket.close()


def _tls(host: str, ca_file: str | None) -> Any:
    """Return the TLS settings of ldap3, which verify the certificate for this host as Python does."""
    tls = library().Tls(validate=ssl.CERT_REQUIRED)

    def wrap_socket(connection: Any, do_handshake: bool = False) -> None:  # noqa: ARG001, FBT001, FBT002  # as ldap3 calls it
        context = ssl.create_default_context(cafile=ca_file)
        plain = connection.socket
        try:
            connection.socket = context.wrap_socket(plain, server_hostname=host)
        except (OSError, ValueError):
            plain.close()
            raise

    tls.wrap_socket = wrap_socket
    return tls


def _is_disabled(entry: Entry) -> bool:
    flags = entry.values("userAccountControl") or (b"0",)
    return flags[0].isdigit() and bool(int(flags[0]) & DISABLED)


@cache
def library() -> Any:
    """Return ldap3, loaded at first use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it uses names that pyasn1 renamed
        import ldap3  # noqa: PLC0415  # an extra, and only directories need it
    return ldap3
