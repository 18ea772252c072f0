"""signet doctor on discovery, keys and clocks: break them, and it is named."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from provider import processes
from provider.doctor.clock import CLOCK
from provider.doctor.examination import Case
from provider.doctor.inside import INSIDE
from provider.doctor.metadata import DISCOVERY, KEYS, METADATA
from provider.doctor.same_metadata import SAME_METADATA
from provider.doctor.transport import Response, Unreachable
from provider.jose.algorithms import ES256
from provider.oauth.keys.rotation import follow_schedule
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.doctor import FakeResolver, FakeTransport, Proxy, found_by, respond, with_header, without
from tests.support.installation import ISSUER, Work

Change = Callable[[Response], Response]
PUBLISHED = [each for each in INSIDE if each.name == "published-keys"]


def found(case: Case) -> dict[str, str]:
    return {name: each.severity for name, each in found_by(case, (*SAME_METADATA, *METADATA, *PUBLISHED)).items()}


def with_json(change: Callable[[dict[str, Any]], object]) -> Change:
    def changed(response: Response) -> Response:
        if not response.body:
            return response
        value = json.loads(response.body)
        change(value)
        return replace(response, body=json.dumps(value).encode())

    return changed


def test_fit_metadata_have_no_finding(case: Case) -> None:
    assert found(case) == {}


@in_one_world(
    ("path", "change", "name"),
    [
        (DISCOVERY, with_json(lambda it: it.update(issuer="https://old.example")), "metadata.other-issuer"),
        (DISCOVERY, with_json(lambda it: it.update(issuer=f"{ISSUER}/")), "metadata.other-issuer"),
        (
            DISCOVERY,
            with_json(lambda it: it.update(token_endpoint="http://127.0.0.1:8001/oauth2/token")),
            "metadata.endpoints-are-elsewhere",
        ),
        (DISCOVERY, lambda response: with_header(response, "content-type", "text/html"), "metadata.not-json"),
        (KEYS, with_json(lambda it: it["keys"][0].update(d="AAAA")), "metadata.private-key"),
        (
            KEYS,
            with_json(lambda it: it.update(keys=[{"kid": "old"}])),
            "metadata.keys-are-not-those-of-the-database",
        ),
        (DISCOVERY, lambda response: without(response, "etag"), "metadata.etag-is-lost"),
        (KEYS, lambda response: replace(response, status=200), "metadata.etag-is-lost"),
        (KEYS, lambda response: with_header(response, "age", "4000"), "metadata.is-cached-too-long"),
        (
            KEYS,
            lambda response: with_header(response, "cache-control", "max-age=31536000"),
            "metadata.is-cached-too-long",
        ),
        (
            DISCOVERY,
            lambda response: without(response, "access-control-allow-origin"),
            "metadata.cors-is-lost",
        ),
        (
            DISCOVERY,
            lambda response: replace(response, headers=(*response.headers, ("Access-Control-Allow-Origin", "*"))),
            "metadata.cors-is-doubled",
        ),
        (
            DISCOVERY,
            lambda response: with_header(response, "content-encoding", "gzip"),
            "metadata.compression-is-broken",
        ),
        ("/oauth2/token", lambda response: without(response, "cache-control"), "metadata.tokens-may-be-cached"),
    ],
)
def test_what_a_proxy_changes_is_named(case: Case, proxy: Proxy, path: str, change: Change, name: str) -> None:
    proxy.change = lambda at, response: change(response) if at == path else response
    severity = "warning" if name == "metadata.etag-is-lost" else "problem"
    assert found(case) == {name: severity}


def test_compression_that_works_is_fit(case: Case, proxy: Proxy) -> None:
    def answer(method: str, url: str, headers: Any, *rest: Any) -> Response:
        response = proxy(method, url, headers, *rest)
        if headers.get("Accept-Encoding") != "gzip":
            return response
        return with_header(replace(response, body=gzip.compress(response.body)), "content-encoding", "gzip")

    assert found(replace(case, transport=FakeTransport(answer))) == {}


def test_keys_that_are_missing_are_named(case: Case, proxy: Proxy) -> None:
    proxy.change = lambda path, response: respond(200, b'{"keys":[]}') if path == KEYS else response
    assert found(case)["metadata.no-keys"] == "problem"


def test_a_preflight_that_the_proxy_answers_is_named(case: Case, proxy: Proxy) -> None:
    proxy.answer = lambda request: respond(405) if request[0] == "OPTIONS" else None
    assert found(case) == {"metadata.cors-is-lost": "problem"}


@pytest.mark.parametrize(("path", "name"), [(DISCOVERY, "metadata.discovery-differs"), (KEYS, "metadata.keys-differ")])
def test_a_node_that_answers_otherwise_is_named_with_its_address(
    case: Case, proxy: Proxy, path: str, name: str
) -> None:
    def node(method: str, url: str, *rest: Any) -> Response:
        response = proxy(method, url.replace("http://10.0.0.6:8101", ISSUER), *rest)
        if url.startswith("http://10.0.0.6") and url.endswith(path):
            return with_json(lambda it: it.update(other=True))(response)
        return response

    two = replace(case, nodes=("http://10.0.0.5:8101", "http://10.0.0.6:8101"), transport=FakeTransport(node))

    def at_first(method: str, url: str, *rest: Any) -> Response:
        return node(method, url.replace("http://10.0.0.5:8101", ISSUER), *rest)

    found_ = found_by(replace(two, transport=FakeTransport(at_first)), SAME_METADATA)
    assert list(found_) == [name]
    assert "from the issuer, http://10.0.0.5:8101; http://10.0.0.6:8101." in found_[name].what


def test_a_key_that_is_added_between_two_requests_is_no_difference(case: Case, proxy: Proxy) -> None:
    requests = 0

    def add_key(path: str, response: Response) -> Response:
        nonlocal requests
        requests += path == KEYS
        return with_json(lambda it: it["keys"].append({"kid": "new"}))(response) if requests > 1 else response

    proxy.change = add_key
    assert found_by(case, SAME_METADATA) == {}
    assert requests > 2


def test_an_upcoming_key_may_be_missing_until_every_process_has_read_it(
    case: Case, proxy: Proxy, work: Work, clock: Clock
) -> None:
    before = proxy("GET", ISSUER + KEYS, {}, None, None)
    proxy.change = lambda path, response: before if path == KEYS else response
    with work() as w:
        follow_schedule(w, ES256)
    assert found_by(case, PUBLISHED) == {}
    clock.advance(minutes=1)
    assert set(found_by(case, PUBLISHED)) == {"metadata.keys-are-not-those-of-the-database"}


def test_an_address_of_the_name_that_answers_otherwise_is_named(case: Case, proxy: Proxy) -> None:
    def answer(*request: Any) -> Response:
        response = proxy(*request)
        address = request[-1]
        return with_json(lambda it: it.update(other=True))(response) if address == "198.51.100.8" else response

    both = FakeResolver({"id.example.test": ["198.51.100.7", "198.51.100.8"]})
    found_ = found_by(replace(case, transport=FakeTransport(answer), resolver=both), SAME_METADATA)
    assert set(found_) == {"metadata.discovery-differs", "metadata.keys-differ"}


def test_a_node_that_does_not_answer_is_named(case: Case, proxy: Proxy) -> None:
    def answer(method: str, url: str, *rest: Any) -> Response:
        if url.startswith("http://10.0.0.6"):
            raise Unreachable(url, "the connection is refused")
        return proxy(method, url, *rest)

    broken = replace(case, nodes=("http://10.0.0.6:8101",), transport=FakeTransport(answer))
    (finding,) = found_by(broken, SAME_METADATA).values()
    assert (finding.id, finding.severity) == ("metadata.node-does-not-answer", "unknown")

    def wrong(method: str, url: str, *rest: Any) -> Response:
        return respond(404) if url.startswith("http://10.0.0.6") else proxy(method, url, *rest)

    (finding,) = found_by(replace(broken, transport=FakeTransport(wrong)), SAME_METADATA).values()
    assert (finding.id, finding.severity) == ("metadata.node-does-not-answer", "problem")


class TestBelowAPath:
    def test_metadata_between_host_and_path_are_expected(self) -> None:
        """RFC 8414 section 3.1."""
        url = "https://example.com/auth"
        document = respond(200, json.dumps({"issuer": url}).encode(), content_type="application/json")

        def answer(_: str, asked: str, *__: object) -> Response:
            return document if asked.startswith(url) else respond(404)

        case = Case(url=url, transport=FakeTransport(answer), resolver=FakeResolver())
        assert list(found_by(case, METADATA[:1])) == ["metadata.well-known-path-is-missing"]
        fit = replace(case, transport=FakeTransport(lambda *_: document))
        assert found_by(fit, METADATA[:1]) == {}


# Clocks.


def clocks(case: Case) -> dict[str, str]:
    return {name: each.severity for name, each in found_by(case, CLOCK).items()}


@pytest.mark.parametrize(("seconds", "name"), [(30, "clock.differs-a-little"), (-90, "clock.service-differs")])
def test_a_service_with_another_time_is_named(case: Case, proxy: Proxy, clock: Clock, seconds: int, name: str) -> None:
    there = format_datetime(clock() + timedelta(seconds=seconds), usegmt=True)
    proxy.change = lambda _, response: with_header(response, "date", there)
    assert list(clocks(case)) == [name]


def test_a_machine_with_another_time_than_tokens_is_named(case: Case, clock: Clock) -> None:
    ahead = replace(case, now=lambda: clock() + timedelta(minutes=2))
    assert "clock.service-differs" in clocks(ahead)


def test_a_node_with_another_time_is_named(case: Case, work: Work) -> None:
    assert clocks(case) == {}
    with work() as w:
        processes.note_running(w, processes.this_process(w, delivers=True))
        w.db.execute(processes.processes.update().values(seconds_behind=75.0, host="node-2"))
    (finding,) = found_by(case, CLOCK).values()
    assert (finding.id, finding.what) == ("clock.nodes-differ", "node-2 is 75 seconds behind the database.")


@pytest.mark.only_on("postgresql")
@pytest.mark.both_databases
def test_a_database_with_another_time_is_named(case: Case) -> None:
    real = datetime.now(tz=case.now().tzinfo)
    assert "clock.database-differs" not in clocks(replace(case, now=lambda: real))
    assert "clock.database-differs" in clocks(replace(case, now=lambda: real + timedelta(minutes=5)))
