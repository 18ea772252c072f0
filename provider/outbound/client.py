"""The HTTP client for other servers (A-101, A-103).

Each exchange has its own connection (`connection`). There are no redirects, cookies, proxies from the environment, or
compressed responses.
"""

import ssl
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import SplitResult, urlencode, urlsplit

import httpcore2

from provider.config.settings import Settings
from provider.outbound.addresses import networks
from provider.outbound.connection import TIMEOUT, CheckedNetwork, Lookup, OutboundFailed, ask_system
from provider.urls import normal_authority

FAILURE_KEPT = timedelta(seconds=10)
"""How long a server that did not answer is not asked again, so that no request waits for it meanwhile."""
MOST_FAILURES = 1000
LONGEST_URL = 2000


@dataclass(frozen=True)
class Answer:
    """A complete response. `content_type` is in lower case and without parameters."""

    status: int
    content_type: str
    body: bytes


def _as_it_is(_method: str, _host: str) -> AbstractContextManager[object]:
    return nullcontext()


class Outbound:
    """The client of a process, shared by its threads. Rules get it from `work.outbound`."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime], lookup: Lookup = ask_system) -> None:
        self._settings = settings
        self._allowed = networks(settings.outbound_allow)
        self._clock = clock
        self._lookup = lookup
        self._failures: dict[str, tuple[datetime, str]] = {}
        self._lock = threading.Lock()
        self.around: Callable[[str, str], AbstractContextManager[object]] = _as_it_is
        """The context manager around each exchange, given its method and host: used by `tracing`."""

    def fetch(self, url: str, *, accept: Collection[str]) -> Answer:
        """Return the document at this URL, which must answer 200 with one of these types.

        Raises OutboundFailed, and again for FAILURE_KEPT after a failure.
        """
        with self._unless_it_failed(url):
            return self._fetch(url, accept)

    def deliver(self, url: str, form: Mapping[str, str]) -> Answer:
        """Post a form that can be retried later. Raises OutboundFailed, and again for FAILURE_KEPT after a failure."""
        with self._unless_it_failed(url):
            return self.post_form(url, form)

    def deliver_json(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a JSON body that can be retried later. Raises OutboundFailed, and again for FAILURE_KEPT after a
        failure.
        """
        with self._unless_it_failed(url):
            return self._exchange("POST", url, {**headers, "Content-Type": "application/json"}, body)

    @contextmanager
    def _unless_it_failed(self, url: str) -> Iterator[None]:
        now = self._clock()
        at, reason = self._failures.get(url, (now, ""))
        if reason and timedelta(0) <= now - at < FAILURE_KEPT:
            raise OutboundFailed(f"{reason} (a moment ago; not asked again yet)")
        try:
            yield
        except OutboundFailed as failed:
            with self._lock:
                if len(self._failures) >= MOST_FAILURES:
                    self._failures.clear()
                self._failures[url] = (now, failed.reason)
            raise
        self._failures.pop(url, None)

    def _fetch(self, url: str, accept: Collection[str]) -> Answer:
        answer = self.get(url, headers={"Accept": ", ".join(accept)})
        if answer.status != 200:
            raise OutboundFailed(f"it answered {answer.status}")
        if answer.content_type not in accept:
            raise OutboundFailed(f"it answered with {answer.content_type[:60] or 'no type'}")
        return answer

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the response to a GET, with any status. Raises OutboundFailed."""
        return self._exchange("GET", url, headers or {}, None)

    def post_form(self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Answer:
        """Post an urlencoded form and return the response, with any status. Raises OutboundFailed."""
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._exchange("POST", url, {**(headers or {}), **form_type}, urlencode(form).encode())

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The TLS settings, with the system's certificate authorities and the operator's own."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._settings.outbound_ca is not None:
            context.load_verify_locations(cafile=self._settings.outbound_ca)
        return context

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        parts, host, port = _split(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        where = httpcore2.URL(scheme=parts.scheme, host=host.strip("[]"), port=port, target=target)
        own = {
            "Host": host if port is None else f"{host}:{port}",
            "User-Agent": "signet",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        network = CheckedNetwork(self._lookup, self._allowed, encrypted=parts.scheme == "https")
        connection = httpcore2.HTTPConnection(where.origin, self._tls, network_backend=network)
        try:
            with self.around(method, host):
                response = connection.request(method, where, headers=[*(own | dict(headers)).items()], content=content)
        except (httpcore2.RemoteProtocolError, httpcore2.LocalProtocolError) as error:
            raise OutboundFailed(f"it does not answer in HTTP: {error}") from None
        except OSError as error:
            raise OutboundFailed(_in_words(error)) from None
        finally:
            connection.close()
        named = {name.lower(): value for name, value in response.headers}
        if not 200 <= response.status < 600 or 300 <= response.status < 400:
            raise OutboundFailed(f"it answered {response.status}; redirects are not followed")
        if named.get(b"content-encoding", b"identity").lower() != b"identity":
            raise OutboundFailed("it answered compressed, which was not asked for")
        content_type = named.get(b"content-type", b"").partition(b";")[0].strip().lower()
        return Answer(response.status, content_type.decode("ascii", "replace"), response.content)


def _split(url: str) -> tuple[SplitResult, str, int | None]:
    """Return the parts of a URL, its host, and its port unless it is the default.

    Raises OutboundFailed for a URL that may not be requested.
    """
    plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}')
    try:
        parts = urlsplit(url)
        host, port = normal_authority(parts.netloc.rpartition("@")[2], scheme=parts.scheme)
    except ValueError:
        raise OutboundFailed("it is not a URL") from None
    known = parts.scheme in {"https", "http"} and parts.hostname and "@" not in parts.netloc and "#" not in url
    if not plain or not known or len(url) > LONGEST_URL:
        raise OutboundFailed("it is not an https URL without user and fragment")
    return parts, host, port


def _in_words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"there was no whole answer within {TIMEOUT:g} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    return f"no connection: {error.strerror or type(error).__name__}"
