"""An examination: a name, a group, what it does, and the function that does it for one case."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from urllib.parse import urlsplit

from provider.config.settings import Settings
from provider.doctor.findings import Finding
from provider.doctor.groups import Group
from provider.doctor.resolver import Resolver
from provider.doctor.transport import Response, Transport, Unreachable
from provider.work import Installation, utc_now

__all__ = ("BAD_GATEWAY", "MISDIRECTED", "REDIRECTS", "TITLES", "Case", "Examination", "Group", "Needs")

BAD_GATEWAY = frozenset({502, 503, 504, 521, 522, 523, 524, 525, 526})
"""What a proxy answers that reaches no node; those above 520 are Cloudflare's."""
MISDIRECTED, REDIRECTS = 421, frozenset({301, 302, 303, 307, 308})


TITLES: Mapping[Group, str] = {
    Group.ADDRESS: "Address of the issuer",
    Group.TLS: "TLS",
    Group.PROXY: "Proxy",
    Group.BROWSER: "Pages and cookies",
    Group.METADATA: "Metadata and keys",
    Group.CLOCK: "Clock",
    Group.MAIL: "Email",
    Group.REDIS: "Redis",
    Group.DATABASE: "Database",
    Group.INSTALLATION: "Installation",
    Group.CONNECTED: "Connected systems",
    Group.ATTACK: "Attacks",
}


class Needs(Enum):
    """The needs of an examination besides the network."""

    URL = "only the URL"
    INSTALLATION = "the settings and the secret key"
    DATABASE = "the database too"
    PROBES = "the database, and --probes, because it creates and deletes a user and clients"
    REQUEST = "the operator's request, because it does more than look"


@dataclass(frozen=True, kw_only=True)
class Case:
    """The subject of an examination, and its instruments."""

    url: str
    """The URL of the issuer as it is written, without a final slash."""
    transport: Transport
    resolver: Resolver
    now: Callable[[], datetime] = utc_now
    nodes: tuple[str, ...] = ()
    """The URLs of single nodes, which are asked without the proxy."""
    installation: Installation | None = None
    """The installation from inside; None from outside."""
    inside_problem: str | None = None
    """Why the installation could not be opened, if that was tried."""
    test_email_to: str | None = None
    """Where the operator wants a test email."""
    probes: bool = False
    """Whether the operator wants the installation to be attacked."""
    dkim_selectors: tuple[str, ...] = ()
    """The selectors with which the mail server signs."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        return urlsplit(self.url).netloc

    def hosts(self, *, encrypted: bool = False) -> Iterator[tuple[str, int]]:
        """Yield the hosts and ports of the issuer, and of SIGNET_MTLS_URL if it is another one; `encrypted` only those
        with TLS.
        """
        other = None if self.installation is None else self.settings.mtls_url
        for url in (self.url, other):
            parts = urlsplit(url or "")
            if url is not None and (url == self.url or parts.netloc != self.authority):
                secure = parts.scheme == "https"
                if secure or not encrypted:
                    yield parts.hostname or "", parts.port or (443 if secure else 80)

    @property
    def secure(self) -> bool:
        return self.url.startswith("https:")

    @property
    def settings(self) -> Settings:
        """The settings of the installation. Only for examinations that need it."""
        return self.inside.settings

    @property
    def inside(self) -> Installation:
        """The installation. Only for examinations that need it."""
        if self.installation is None:
            raise AssertionError("this examination needs the installation")
        return self.installation

    def ask(self, method: str, path: str, **options: object) -> Response:
        """Send a request to a path of the issuer, and return the response of Signet. See `Transport.send`.

        What a proxy answers instead of Signet says nothing about Signet. Raises Unreachable for that too.
        """
        response = self.transport.send(method, self.url + path, **options)  # type: ignore[arg-type]
        if response.status in BAD_GATEWAY and response.header("x-request-id") is not None:
            raise Unreachable(self.url, f"Signet says that it cannot serve (status {response.status})")
        if response.status in BAD_GATEWAY:
            raise Unreachable(self.url, f"the proxy reaches no node (status {response.status})")
        if response.status == MISDIRECTED:
            raise Unreachable(self.url, f"another host arrives at Signet (status {response.status})")
        if response.status in REDIRECTS and response.header("location") is not None:
            raise Unreachable(self.url, f"the proxy redirects {path} to {response.header('location')}")
        return response


@dataclass(frozen=True)
class Examination:
    """One examination. `run` yields what it found; nothing means that there was nothing to examine."""

    name: str
    group: Group
    does: str
    """What it would do, as a sentence, for `--dry-run`."""
    run: Callable[[Case], Iterator[Finding]] = field(repr=False)
    needs: Needs = Needs.URL
    seconds: float = 10.0
    """How long it may take, after which it counts as not examined."""
