"""The audit log of the console: sentences with names, filters in the URL, and new events while it is followed."""

import re
from dataclasses import replace
from urllib.parse import quote

import pytest

from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.catalogs import LANGUAGES
from provider.operator_names import OperatorName
from provider.operators.audit.event_names import AREAS, EVENT_NAMES
from provider.operators.audit.event_sentences import BY_OPERATOR, OF_USER, sentence_for
from provider.work import UnitOfWork
from tests.admin.conftest import Console
from tests.support.browser import Page
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import Work

NAMES = {"user": "ada@example.test", "app": "Quill", "by": "ben@example.test"}


def happen(
    work: UnitOfWork, event: Event, *, operator: OperatorName | None = None, why: str = "", **about: object
) -> None:
    """Record an event of a request from a network, by an operator if one is given."""
    work.origin = replace(work.origin, network="192.0.2.0/24", request_id="r", operator=operator, why=why)
    record(work, event, **about)  # type: ignore[arg-type]


def codes(page: Page) -> list[str]:
    return re.findall(r'<code class="quiet" lang="en">([\w.]+)</code>', page.html)


def test_every_event_has_a_sentence_in_every_language_with_the_names_it_has() -> None:
    for name in Event:
        for names in (NAMES, {"user": "ada@example.test"}, {"app": "Quill"}, {}):
            sentence = sentence_for(name, names=names, details={})
            for language in LANGUAGES.values():
                said = language.say(sentence)
                assert "%(" not in said, (name, said)
            for factor in ("pwd", "fed", "otp"):
                said = sentence_for(name, names=names, details={"amr": factor})
                assert name != Event.SIGNED_IN or all(
                    names[each] in said for each in ("user", "app") if "user" in names and each in names
                )
        own = sentence_for(name, names={"user": NAMES["user"], "app": NAMES["app"]}, details={})
        assert (NAMES["user"] in own or NAMES["app"] in own) == (name in OF_USER), name
        by = sentence_for(name, names=NAMES, details={})
        assert (NAMES["by"] in by) == (name in BY_OPERATOR or name not in OF_USER), name
    assert {name.partition(".")[0] for name in EVENT_NAMES} == set(AREAS)
    assert sentence_for("from.the.future", names=NAMES, details={}) == "from.the.future"


def test_events_are_sentences_with_names_that_are_links(console: Console, work: Work) -> None:
    with work() as w:
        ada = make_user(w, "ada@example.test", name="Ada")
        quill, _ = make_client(w, client_name="Quill <b>")
        happen(w, Event.SIGNED_IN, user_id=ada, amr="pwd")
        happen(w, Event.CONSENT_GRANTED, user_id=ada, client_id=quill.client_id, scopes=["openid"])
        happen(
            w,
            Event.ACCOUNT_SUSPENDED,
            user_id=ada,
            operator=OperatorName.user(console.user_id),
            why="100% spam",
            reason=None,
        )
        happen(w, Event.CLIENT_DISABLED, client_id="gone", operator=OperatorName.client(quill.client_id))
        happen(w, Event.SIGN_IN_FAILED, user_id=None)
    page = console.open("/audit")
    for sentence in (
        "ada@example.test signed in with a password session.signed_in",
        "ada@example.test allowed Quill <b> access consent.granted",
        "operator@example.test suspended ada@example.test: 100% spam account.suspended",
        "Quill <b> disabled gone client.disabled",
        "Someone failed to sign in with an unknown address session.sign_in.failed",
    ):
        assert sentence in re.sub(" (?=:)|[\u2068\u2069]", "", page.text), sentence
    assert page.links["Quill <b>"] == f"/admin/clients/client?client_id={quill.client_id}"
    assert page.links["operator@example.test"] == f"/admin/users/{console.user_id}"
    assert re.search(r'<time datetime="[^"]+" title="[^"]+">', page.html)
    assert "scopes [&#34;openid&#34;]" not in page.html  # folded, but there
    assert "openid" in page.html
    for path in (f"/users/{ada}/activity", f"/clients/client?client_id={quill.client_id}"):
        assert "allowed" in console.open(path).text, path


@pytest.mark.both_databases
def test_filters_combine_and_are_in_the_url_of_every_link(console: Console, work: Work, clock: Clock) -> None:
    clock.advance(seconds=-40 * 86400)
    with work() as w:
        ada = make_user(w, "ada@example.test")
        quill, _ = make_client(w, client_name="Quill")
    clock.advance(seconds=40 * 86400)
    with work() as w:
        happen(w, Event.SIGNED_IN, user_id=ada, amr="pwd")
        happen(w, Event.CLIENT_DISABLED, client_id=quill.client_id, operator=OperatorName.user(console.user_id))
        happen(w, Event.KEY_ROTATED, operator=OperatorName.client(quill.client_id))
    for query, expected in (
        ("range=24h", {"account.created", "session.signed_in", "client.disabled", "key.rotated"}),
        ("range=24h&area.session=on&area.key=on", {"session.signed_in", "key.rotated"}),
        ("range=7d&name=client.disabled&area.key=on", {"client.disabled", "key.rotated"}),
        ("operator=operator@example.test", {"client.disabled"}),
        (f"operator={console.user_id}&area.key=on", set()),
        (f"operator={quill.client_id}", {"key.rotated"}),
        ("operator=nobody@example.test", set()),
        (f"client={quill.client_id}&range=30d", {"client.disabled"}),
        ("network=192.0.2.0/24&user=ada@example.test", {"session.signed_in"}),
        ("network=nowhere", set()),
        ("range=30d&user=ada@example.test&area.account=on", set()),
    ):
        page = console.open(f"/audit?{query}")
        assert set(codes(page)) == expected, query
        exported = console.browser.client.get(page.links["jsonl"]).text
        assert exported.count("\n") == len(expected), query
        assert all(f'"{name}"' in exported for name in expected), query
    assert "Clear all" not in console.open("/audit").text
    assert console.open("/audit?range=century").status == 200


def test_a_followed_log_gets_the_rows_of_newer_events_only(console: Console, work: Work, clock: Clock) -> None:
    with work() as w:
        ada = make_user(w, "ada@example.test")
        happen(w, Event.SIGNED_IN, user_id=ada, amr="pwd")
    quiet = console.open("/audit?area.session=on")
    assert "data-follow" not in quiet.html
    live = console.browser.follow("Follow live")
    assert '<noscript><meta http-equiv="refresh"' in live.html
    follow = re.search(r'data-follow="([^"]+)"', live.html)
    place = re.search(r'<tr data-place="([^"]+)"', live.html)
    assert follow
    assert place
    newer = f"{follow[1].replace('&amp;', '&').removeprefix('/admin')}&than={quote(place[1])}"
    assert codes(console.open(newer)) == []
    with work() as w:
        happen(w, Event.SIGNED_OUT, user_id=ada)
        happen(w, Event.KEY_ROTATED)
    assert codes(console.open(newer)) == ["session.signed_out"]
    clock.advance(seconds=3)
    empty = re.search(r'<tbody data-follow="[^"]*" data-place="([^"]+)"', console.open("/audit?live=yes").html)
    assert empty
    assert console.open(f"/audit/new?than={quote(empty[1])}").status == 200
    for wrong in ("", "than=yesterday", "than=2026-01-01~x", f"than={quote(place[1])}&since=yesterday"):
        assert console.open(f"/audit/new?{wrong}").status == 404, wrong
    assert (
        console.browser.open("/admin/audit?area.session=on").links["Show new events"] == "/admin/audit?area.session=on"
    )
