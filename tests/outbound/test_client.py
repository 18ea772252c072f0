"""What somebody else's server can and cannot do to us (A-101, A-103)."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from provider.outbound import connection
from provider.outbound.answers import OutboundFailed
from provider.outbound.client import FAILURE_KEPT, Outbound
from provider.outbound.connection import MAX_ANSWER
from tests.outbound.conftest import Names, NewOutbound
from tests.support.certificates import Authority
from tests.support.clock import Clock
from tests.support.foreign_server import Behaviour, ForeignServer, Request, answer, raw
from tests.support.installation import FOREIGN_HOST as HOST
from tests.support.installation import settings_for
from tests.support.waiting import PATIENCE

JSON = ("application/json",)


def reason(do: Callable[[], object]) -> str:
    with pytest.raises(OutboundFailed) as failed:
        do()
    return failed.value.reason


def test_a_document_comes_as_bytes_with_its_type(outbound: Outbound, server: ForeignServer) -> None:
    server.behaviour = answer('{"keys": []}', "Application/JSON; charset=utf-8")
    found = outbound.fetch(server.url("/keys?v=1", HOST), accept=JSON)
    assert (found.status, found.content_type, found.body) == (200, "application/json", b'{"keys": []}')
    asked = server.requests[0]
    assert (asked.method, asked.target) == ("GET", "/keys?v=1")
    assert asked.headers["host"] == f"{HOST}:{server.port}"
    assert asked.headers["user-agent"] == "signet"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.headers["accept"] == "application/json"


@pytest.mark.parametrize("host", [HOST.upper(), HOST.replace("a", "%61", 1), f"{HOST}."])
def test_a_host_in_another_notation_is_asked_by_its_name(outbound: Outbound, server: ForeignServer, host: str) -> None:
    """RFC 9110 section 7.2: servers compare `Host` and the name of their certificate as text."""
    server.behaviour = answer("{}")
    assert outbound.get(server.url("/", host)).status == 200
    assert server.requests[0].headers["host"] == f"{HOST}:{server.port}"


def test_a_form_is_posted_and_any_answer_comes_back(outbound: Outbound, server: ForeignServer) -> None:
    server.behaviour = answer({"error": "invalid_grant"}, status="400 Bad Request")
    url = server.url("/token", HOST)
    found = outbound.post_form(url, {"code": "a&b=c", "x": "ü"}, headers={"Authorization": "Basic eA=="})
    assert (found.status, found.body) == (400, b'{"error": "invalid_grant"}')
    asked = server.requests[0]
    assert (asked.method, asked.body) == ("POST", b"code=a%26b%3Dc&x=%C3%BC")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["authorization"] == "Basic eA=="


def test_get_brings_back_errors_too(outbound: Outbound, server: ForeignServer) -> None:
    server.behaviour = answer(b"", status="401 Unauthorized")
    assert outbound.get(server.url("/", HOST), headers={"Authorization": "Bearer x"}).status == 401
    assert server.requests[0].headers["authorization"] == "Bearer x"


class TestWhereItConnects:
    @pytest.mark.parametrize(
        "addresses",
        [("127.0.0.1",), ("::1", "127.0.0.1"), ("10.0.0.1",), ("169.254.169.254",), ("::ffff:127.0.0.1",), ()],
    )
    def test_no_address_that_is_not_public_is_connected_to(
        self, new_outbound: NewOutbound, names: Names, server: ForeignServer, addresses: tuple[str, ...]
    ) -> None:
        """Not one of them is tried: the tests let nothing but loopback be reached, and our listener sees nobody."""
        names.tellings = [addresses]
        outbound = new_outbound(outbound_allow=frozenset())
        expected = "no address that may be reached" if addresses else "does not resolve"
        assert expected in reason(lambda: outbound.get(server.url("/", HOST)))
        assert server.connections == 0

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1", "017700000001"]
    )
    def test_nor_is_one_that_is_written_as_it_is(self, server: ForeignServer, clock: Clock, host: str) -> None:
        outbound = Outbound(settings_for("sqlite:///unused.db"), clock=clock)
        assert "may be reached" in reason(lambda: outbound.get(server.url("/", host)))
        assert server.connections == 0

    def test_a_name_that_flips_after_the_check_gains_nothing(
        self, new_outbound: NewOutbound, names: Names, server: ForeignServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The address that was looked at is the one connected to; the name is asked for once."""
        connected: list[str] = []

        def connect(self: socket.socket, place: tuple[str, int]) -> None:
            connected.append(place[0])
            raise ConnectionRefusedError(111, "Connection refused")

        monkeypatch.setattr(socket.socket, "connect", connect)
        names.tellings = [("93.184.215.14",), ("127.0.0.1",)]
        outbound = new_outbound(outbound_allow=frozenset())
        assert "refused" in reason(lambda: outbound.get(server.url("/", HOST)))
        assert (connected, names.asked) == (["93.184.215.14"], [HOST])
        assert "may be reached" in reason(lambda: outbound.get(server.url("/", HOST)))
        assert connected == ["93.184.215.14"]

    def test_of_a_mixed_answer_only_what_may_be_reached_is_tried(
        self, outbound: Outbound, names: Names, server: ForeignServer
    ) -> None:
        names.tellings = [("10.0.0.1", "::1", "127.0.0.1")]
        assert outbound.get(server.url("/", HOST)).status == 200

    def test_a_silent_address_leaves_time_for_the_next(
        self, outbound: Outbound, names: Names, server: ForeignServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, tried = socket.socket.connect, []

        def connect(self: socket.socket, place: tuple[str, int]) -> None:
            tried.append((place[0], self.gettimeout()))
            if place[0] == "127.0.0.2":
                raise TimeoutError
            real(self, place)

        monkeypatch.setattr(socket.socket, "connect", connect)
        names.tellings = [("127.0.0.2", "127.0.0.1")]
        assert outbound.get(server.url("/", HOST)).status == 200
        assert [address for address, _ in tried] == ["127.0.0.2", "127.0.0.1"]
        assert tried[0][1] is not None
        assert tried[0][1] <= connection.TIMEOUT / 2

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://app.example.test/",
            "file:///etc/passwd",
            "data:application/json,{}",
            "//app.example.test/",
            "https:///keys",
            "https://user@app.example.test/",
            "https://user:password@app.example.test/",
            "https://app.example.test/#fragment",
            "https://app.example.test:99999/",
            "https://app.example.test:port/",
            "https://app.example.test/a b",
            "https://app.example.test/\r\nX-Evil: 1",
            "https://app.example.test/\x00",
            "https://app.example.test/ü",
            "https://[app.example.test/",
            "https://app.example.test\\@evil.test/",
            "https://app.example.test/" + "a" * 2000,
            "",
        ],
    )
    def test_nothing_but_an_https_url_is_asked(self, outbound: Outbound, names: Names, url: str) -> None:
        assert "URL" in reason(lambda: outbound.get(url))
        assert names.asked == []

    def test_plain_http_is_spoken_only_where_the_operator_allows_the_address(
        self, outbound: Outbound, new_outbound: NewOutbound, names: Names
    ) -> None:
        with ForeignServer() as plain:
            assert outbound.get(plain.url("/", HOST)).status == 200
            names.tellings = [("93.184.215.14",)]
            assert "may be reached" in reason(lambda: outbound.get(plain.url("/", HOST)))

    def test_no_proxy_of_the_environment_is_asked(
        self, outbound: Outbound, server: ForeignServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with ForeignServer() as proxy:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
                monkeypatch.setenv(name, proxy.url("/"))
            assert outbound.get(server.url("/", HOST)).status == 200
            assert proxy.connections == 0


class TestTls:
    def test_the_name_is_asked_for_and_verified_though_the_address_is_connected_to(
        self, outbound: Outbound, server: ForeignServer, names: Names
    ) -> None:
        outbound.get(server.url("/", HOST))
        assert server.names == [HOST]
        assert "certificate" in reason(lambda: outbound.get(server.url("/", "other.example.test")))
        assert len(server.requests) == 1

    def test_an_expired_certificate_is_refused(self, outbound: Outbound, authority: Authority) -> None:
        with ForeignServer(authority.issue(HOST, expires=timedelta(hours=-1))) as server:
            assert "expired" in reason(lambda: outbound.get(server.url("/", HOST)))
            assert server.requests == []

    def test_an_authority_nobody_trusts_is_refused(self, new_outbound: NewOutbound, server: ForeignServer) -> None:
        assert "certificate" in reason(lambda: new_outbound(outbound_ca=None).get(server.url("/", HOST)))
        assert server.requests == []

    def test_old_versions_are_refused(self, outbound: Outbound, authority: Authority) -> None:
        old = authority.issue(HOST)
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with ForeignServer(old) as server:
            assert "TLS failed" in reason(lambda: outbound.get(server.url("/", HOST)))


class TestWhatItTakes:
    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
    def test_no_redirect_is_followed(self, outbound: Outbound, server: ForeignServer, status: str) -> None:
        server.behaviour = answer(b"", status=status, Location=server.url("/elsewhere", HOST))
        assert "redirects are not followed" in reason(lambda: outbound.get(server.url("/", HOST)))
        assert "redirects are not followed" in reason(lambda: outbound.post_form(server.url("/", HOST), {}))
        assert [request.target for request in server.requests] == ["/", "/"]

    def test_64_kib_are_the_most_headers_among_them(self, outbound: Outbound, server: ForeignServer) -> None:
        server.behaviour = answer(b"x" * (MAX_ANSWER - 200))
        assert len(outbound.get(server.url("/", HOST)).body) == MAX_ANSWER - 200
        sent: list[int] = []

        def flood(connection: socket.socket, _request: Request) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
            while not server.stopped.is_set():
                connection.sendall(b"x" * 65536)
                sent.append(65536)

        headers = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(80))
        chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000
        for behaviour in (flood, raw(headers), raw(headers + b"\r\n"), raw(chunks)):
            server.behaviour = behaviour
            assert "64 KiB" in reason(lambda: outbound.get(server.url("/", HOST)))
        assert sum(sent) < 16 * 1024 * 1024  # what the sockets between us hold

    def test_a_compressed_answer_is_not_unpacked(self, outbound: Outbound, server: ForeignServer) -> None:
        server.behaviour = answer(gzip.compress(b"x" * 10_000_000), Content_Encoding="gzip")
        assert "compressed" in reason(lambda: outbound.get(server.url("/", HOST)))

    @pytest.mark.parametrize(
        "said", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", b"HTTP/1.1 101 X\r\n\r\n"]
    )
    def test_half_an_answer_is_none(self, outbound: Outbound, server: ForeignServer, said: bytes) -> None:
        server.behaviour = raw(said)
        assert reason(lambda: outbound.get(server.url("/", HOST)))

    def test_no_cookie_is_kept(self, outbound: Outbound, server: ForeignServer) -> None:
        server.behaviour = answer({}, Set_Cookie="a=b; Path=/")
        for _ in range(2):
            outbound.get(server.url("/", HOST))
        assert "cookie" not in server.requests[1].headers

    def test_another_type_than_the_one_asked_for_is_refused(self, outbound: Outbound, server: ForeignServer) -> None:
        server.behaviour = answer(b"{}", "text/html")
        assert "text/html" in reason(lambda: outbound.fetch(server.url("/", HOST), accept=JSON))


class TestHowLongItTakes:
    """Three seconds in all; here less, so that the tests need not wait."""

    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection, "TIMEOUT", 0.3)

    def test_the_limit_is_three_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        assert connection.TIMEOUT <= 3

    def drip(self, said: bytes) -> Behaviour:
        def behave(connection: socket.socket, _request: Request) -> None:
            connection.sendall(said)
            for _ in range(2000):
                connection.sendall(b"x")
                time.sleep(0.05)

        return behave

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"HTTP/1.1 200 OK\r\nX-Slow: ",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n",
        ],
    )
    def test_a_byte_now_and_then_does_not_stretch_it(
        self, outbound: Outbound, server: ForeignServer, said: bytes
    ) -> None:
        server.behaviour = self.drip(said)
        began = time.monotonic()
        assert "within" in reason(lambda: outbound.get(server.url("/", HOST)))
        assert time.monotonic() - began < 60  # the drip alone takes a hundred

    def test_silence_does_not_either(self, outbound: Outbound, server: ForeignServer) -> None:
        def wait(_connection: socket.socket, _request: Request) -> None:
            server.stopped.wait(PATIENCE)

        server.behaviour = wait
        assert "within" in reason(lambda: outbound.get(server.url("/", HOST)))

    def test_nor_a_handshake_that_never_ends(self, outbound: Outbound) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            port = mute.getsockname()[1]
            assert "within" in reason(lambda: outbound.get(f"https://{HOST}:{port}/"))

    def test_nor_a_resolver_that_does_not_answer(
        self, new_outbound: NewOutbound, names: Names, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        released = threading.Event()
        outbound = new_outbound()
        monkeypatch.setattr(outbound, "_lookup", lambda _host, _port: released.wait(10) and [])
        assert "within" in reason(lambda: outbound.get(f"https://{HOST}/"))
        released.set()


class TestFailuresAreKept:
    def test_a_dead_server_costs_one_wait_and_not_one_each(
        self, outbound: Outbound, server: ForeignServer, clock: Clock
    ) -> None:
        """A-103: the negative result is cached, by URL."""
        server.behaviour = answer(b"", status="500 Oops")
        url = server.url("/keys", HOST)
        assert reason(lambda: outbound.fetch(url, accept=JSON)) == "it answered 500"
        assert reason(lambda: outbound.fetch(url, accept=JSON)).startswith("it answered 500 (")
        assert len(server.requests) == 1
        server.behaviour = answer({})
        assert outbound.fetch(server.url("/other", HOST), accept=JSON).status == 200
        clock.advance(FAILURE_KEPT)
        assert outbound.fetch(url, accept=JSON).status == 200
        assert outbound.fetch(url, accept=JSON).status == 200

    def test_only_for_a_short_time(self) -> None:
        """Below the minute after which a rotated key must be found (oidcc-refresh-token-rp-key-rotation)."""
        assert timedelta(seconds=5) <= FAILURE_KEPT <= timedelta(seconds=30)

    def test_an_answer_to_one_caller_is_nobody_elses(self, outbound: Outbound, server: ForeignServer) -> None:
        server.behaviour = answer(b"", status="503 Busy")
        url = server.url("/userinfo", HOST)
        for _ in range(2):
            assert outbound.get(url, headers={"Authorization": "Bearer x"}).status == 503
        assert len(server.requests) == 2
