"""signet doctor on the address of the issuer: break it, and it is named."""

import errno
from typing import Any

import pytest

from provider.doctor.address import ADDRESS
from provider.doctor.examination import Case
from provider.doctor.transport import Response, Unreachable
from tests.support.doctor import FakeResolver, FakeTransport, found_by, respond

URL = "https://id.example.com"
DISCOVERY = respond(200, b'{"issuer":"https://id.example.com"}')
V4, OTHER_V4, V6 = "198.51.100.7", "198.51.100.8", "2001:db8::7"


def answers(**broken: Any) -> Any:
    """A fit installation, except for what a test says about `live`, `discovery` and `plain`."""

    def answer(_method: str, url: str, *_: object) -> Response:
        name = "plain" if url.startswith("http:") else "live" if "/health/" in url else "discovery"
        fit = {
            "plain": respond(301, location=f"{URL}/login"),
            "live": respond(),
            "discovery": DISCOVERY,
        }
        found = broken.get(name, fit[name])
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Response)
        return found

    return answer


def examined(addresses: list[str] | None = None, down: Any = None, url: str = URL, **broken: Any) -> dict[str, Any]:
    hosts = {"id.example.com": [V4] if addresses is None else addresses} if addresses != [] else {}
    transport = FakeTransport(answers(**broken), down=down or {})
    found = found_by(Case(url=url, transport=transport, resolver=FakeResolver(hosts)), ADDRESS)
    return {name: finding.severity for name, finding in found.items() if name != "address.private"}


def test_a_fit_address_has_no_finding() -> None:
    assert examined([V4, V6]) == {}


def test_a_name_without_an_address_is_a_problem() -> None:
    assert examined([])["address.does-not-resolve"] == "problem"


def test_one_address_of_several_that_is_down_is_a_problem() -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    assert examined([V4, V6], {V6: refused}) == {"address.one-is-down": "problem"}


def test_a_machine_without_ipv6_gives_no_verdict_on_it() -> None:
    assert examined([V4, V6], {V6: OSError(errno.ENETUNREACH, "no way")}) == {"address.no-connection": "unknown"}


def test_no_way_to_one_of_two_addresses_of_a_family_is_a_problem() -> None:
    no_way = OSError(errno.EHOSTUNREACH, "no way")
    assert examined([V4, OTHER_V4], {OTHER_V4: no_way}) == {"address.one-is-down": "problem"}


def test_an_issuer_that_cannot_be_reached_at_all_is_unknown() -> None:
    assert examined([V4], {V4: None}) == {"address.no-connection": "unknown"}


def test_a_private_address_is_a_warning() -> None:
    case = Case(url=URL, transport=FakeTransport(answers()), resolver=FakeResolver({"id.example.com": ["10.0.0.7"]}))
    assert found_by(case, ADDRESS)["address.private"].severity == "warning"


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ({"live": respond(502)}, "address.no-node"),
        ({"discovery": respond(504)}, "address.no-node"),
        ({"discovery": respond(421)}, "address.host-is-changed"),
        ({"discovery": respond(301, location="https://www.example.com/")}, "address.is-redirected"),
        ({"discovery": respond(404)}, "address.not-signet"),
        ({"discovery": respond(200, b"<h1>Welcome to nginx!</h1>")}, "address.not-signet"),
        ({"plain": Unreachable("x", "the connection is refused")}, "address.http-is-not-redirected"),
        ({"plain": respond(404)}, "address.http-is-not-redirected"),
        ({"plain": respond(200)}, "address.served-without-tls"),
        ({"plain": respond(301, location=f"{URL}/")}, "address.http-redirect-is-wrong"),
        ({"plain": respond(301, location="https://other.example.com/login")}, "address.http-redirect-is-wrong"),
    ],
)
def test_a_broken_answer_is_named(broken: Any, name: str) -> None:
    assert list(examined(**broken)) == [name]


def test_plain_http_is_not_asked_for_an_issuer_at_another_port() -> None:
    hosts = FakeResolver({"id.example.com": [V4]})
    transport = FakeTransport(answers())
    assert not found_by(Case(url=f"{URL}:8443", transport=transport, resolver=hosts), ADDRESS).keys() - {
        "address.private"
    }
    assert not any(url.startswith("http:") for _, url, _ in transport.asked)


def test_one_address_of_localhost_is_enough() -> None:
    away = {"::1": ConnectionRefusedError(errno.ECONNREFUSED, "refused")}
    transport = FakeTransport(answers(), down=away, open_ports=frozenset({8000}))
    resolver = FakeResolver({"localhost": ["127.0.0.1", "::1"]})
    case = Case(url="http://localhost:8000", transport=transport, resolver=resolver)
    assert found_by(case, ADDRESS[:2]) == {}
