"""The one client for other people's servers (A-101, A-103).

Each exchange is a connection of its own (`connection`). Nothing is followed, remembered or unpacked: no redirects, no
cookies, no proxies of the environment, no compressed answers.
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

FAILURE_KEPT = timedelta(seconds=10)
"""A server that did not answer is not asked again so soon: meanwhile it costs nobody a wait."""
MOST_FAILURES = 1000
LONGEST_URL = 2000


@dataclass(frozen=True)
class Answer:
    """What came back, whole. `content_type` is in lower case and without parameters."""

    status: int
    content_type: str
    body: bytes


def _as_it_is(_method: str, _host: str) -> AbstractContextManager[object]:
    return nullcontext()


class Outbound:
    """The client of a process, shared by its threads; rules get it from `work.outbound`."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime], lookup: Lookup = ask_system) -> None:
        self._settings = settings
        self._allowed = networks(settings.outbound_allow)
        self._clock = clock
        self._lookup = lookup
        self._failures: dict[str, tuple[datetime, str]] = {}
        self._lock = threading.Lock()
        self.around: Callable[[str, str], AbstractContextManager[object]] = _as_it_is
        """Around each exchange, by method and host: for whoever watches (`tracing`)."""

    def fetch(self, url: str, *, accept: Collection[str]) -> Answer:
        """The document at this URL: 200, and of one of these types. Raises OutboundFailed, also for FAILURE_KEPT after
        it did.
        """
        with self._unless_it_failed(url):
            return self._fetch(url, accept)

    def deliver(self, url: str, form: Mapping[str, str]) -> Answer:
        """`post_form` for what can wait: raises OutboundFailed, also for FAILURE_KEPT after it did."""
        with self._unless_it_failed(url):
            return self.post_form(url, form)

    def deliver_json(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The same for a body of JSON."""
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
        """Whatever is answered, errors too. Raises OutboundFailed."""
        return self._exchange("GET", url, headers or {}, None)

    def post_form(self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Answer:
        """Post an urlencoded form; whatever is answered, errors too. Raises OutboundFailed."""
        form_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._exchange("POST", url, {**(headers or {}), **form_type}, urlencode(form).encode())

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The system's certificate authorities, and the operator's own."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._settings.outbound_ca is not None:
            context.load_verify_locations(cafile=self._settings.outbound_ca)
        return context

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        parts, port = _split(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        where = httpcore2.URL(scheme=parts.scheme, host=parts.hostname or "", port=port, target=target)
        own = {"Host": parts.netloc, "User-Agent": "signet", "Accept-Encoding": "identity", "Connection": "close"}
        network = CheckedNetwork(self._lookup, self._allowed, encrypted=parts.scheme == "https")
        connection = httpcore2.HTTPConnection(where.origin, self._tls, network_backend=network)
        try:
            with self.around(method, parts.hostname or ""):
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


def _split(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL that may be asked."""
    plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}')
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutboundFailed("it is not a URL") from None
    known = parts.scheme in {"https", "http"} and parts.hostname and "@" not in parts.netloc and "#" not in url
    if not plain or not known or len(url) > LONGEST_URL:
        raise OutboundFailed("it is not an https URL without user and fragment")
    return parts, port


def _in_words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"there was no whole answer within {TIMEOUT:g} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    return f"no connection: {error.strerror or type(error).__name__}"
