"""While the mail server is away nobody notices, and afterwards each email leaves once (A-123, F-7)."""

import dataclasses
import re
import socket
from collections.abc import Iterator

import pytest

from provider.app import create_app
from provider.config.settings import Settings
from provider.mail import transport
from provider.outbox import store
from provider.outbox.store import DeliveryState
from provider.work import Installation
from tests.mail.smtp_sink import Sink, smtp_sink
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.factories import PASSWORD, make_user
from tests.support.installation import ISSUER, Work
from tests.support.people import sign_in
from tests.support.silence import Seen, Stranger

ADA, EVE = "ada@example.test", "eve@example.test"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def settings(settings: Settings, sink: Sink) -> Settings:
    return settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": sink.port})


def answers(installation: Installation, new: str, known: str) -> list[Seen]:
    """Sign up as somebody new, and ask for a reset as somebody known."""
    app = create_app(installation)
    one, other = Stranger(app, new), Stranger(app, known)
    one.open("/signup").submit("/signup", email=new, password=PASSWORD, name="")
    other.open("/forgot-password").submit("/forgot-password", email=known)
    app.state.threads.close()
    return one.saw + other.saw


@pytest.fixture(params=["refuses", "says 451", "says nothing", "offers no TLS"])
def away(
    request: pytest.FixtureRequest, installation: Installation, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """The same installation while its mail server does this."""
    changes: dict[str, object] = {}
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        if request.param == "says 451":
            sink.answer = "451 later"
        elif request.param == "offers no TLS":
            changes = {"smtp_tls": "starttls"}
        else:
            changes = {"smtp_port": held.getsockname()[1]}
        if request.param == "says nothing":
            monkeypatch.setattr(transport, "TIMEOUT", 0.2)
            held.listen()
        settings = installation.settings.model_copy(update=changes)
        yield dataclasses.replace(installation, settings=settings)


@pytest.mark.also_on_postgresql
def test_pages_are_the_same_and_each_email_leaves_once(
    away: Installation,
    installation: Installation,
    sink: Sink,
    work: Work,
    clock: Clock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for known in (ADA, EVE):
        with work() as w:
            make_user(w, known)
    sink.answer, how = "", sink.answer
    usual = answers(installation, "new1@example.test", EVE)
    assert deliver_due(installation) == 2
    before = len(sink.emails)

    sink.answer = how
    assert answers(away, "new2@example.test", ADA) == usual
    for _ in range(2):
        assert deliver_due(away) == 2
        clock.advance(minutes=1)
    assert len(sink.emails) == before

    sink.answer = ""
    assert deliver_due(installation) == 2
    clock.advance(hours=1)
    assert deliver_due(installation) == 0
    emails = sink.emails[before:]
    assert {email["To"] for email in emails} == {"new2@example.test", ADA}
    assert len(emails) == 2
    texts = [text.get_content() for email in emails if (text := email.get_body(("plain",))) is not None]
    tokens = {token for text in texts for token in re.findall(r"token=([\w-]{43})", text)}
    assert len(tokens) == 2
    logged = capsys.readouterr().out
    assert not any(token in logged for token in tokens)


@pytest.mark.also_on_postgresql
def test_what_was_given_up_leaves_once_when_the_operator_says_so(
    installation: Installation, sink: Sink, work: Work, clock: Clock
) -> None:
    with work() as w:
        make_user(w, ADA)
    sink.answer = "451 later"
    answers(installation, "new1@example.test", ADA)
    assert deliver_due(installation) == 2
    sink.answer = "550 no such mailbox"
    clock.advance(minutes=1)
    assert deliver_due(installation) == 2
    sink.answer = ""
    clock.advance(minutes=1)
    assert deliver_due(installation) == 0
    with work() as w:
        given_up = [promise.id for promise in store.find(w.read, state=DeliveryState.FAILED)]
        assert len(given_up) == 2
        assert all(store.retry(w.db, promise_id, now=w.now) for promise_id in given_up)
    assert deliver_due(installation) == 2
    clock.advance(hours=1)
    assert deliver_due(installation) == 0
    assert len(sink.emails) == 2


def test_the_page_says_when_the_email_was_refused_for_good(installation: Installation, sink: Sink, work: Work) -> None:
    """The same for a free address and one that is taken (F-7)."""
    with work() as w:
        make_user(w, ADA)
    app = create_app(installation)
    sink.answer = "550 no such mailbox"
    for address in ("new1@example.test", ADA):
        browser = Stranger(app, address)
        browser.open("/signup").submit("/signup", email=address, password=PASSWORD, name="")
        assert browser.page is not None
        assert "We emailed" in browser.page.text
        deliver_due(installation)
        text = browser.http.get(browser.page.url).text
        assert "deliver the email" in text
        assert "We emailed" not in text
    app.state.threads.close()


def test_a_server_that_takes_the_email_and_stumbles_over_the_farewell_got_it(
    installation: Installation, sink: Sink, work: Work, clock: Clock
) -> None:
    """A second copy would be the price of the last word."""
    sink.farewell = "421 too busy"
    answers(installation, "new1@example.test", ADA)
    for _ in range(3):
        deliver_due(installation)
        clock.advance(minutes=1)
    assert len(sink.emails) == 1
    with work() as w:
        assert [promise.state for promise in store.find(w.read)] == [DeliveryState.SENT]


def test_the_page_of_a_change_of_address_says_when_the_email_was_refused_for_good(
    installation: Installation, sink: Sink, work: Work
) -> None:
    """RFC 5321 section 4.2.1: a 5xx reply is final, so the page must not promise an email."""
    with work() as w:
        make_user(w)
    browser = Browser(create_app(installation), ISSUER)
    sign_in(browser)
    browser.open("/account/email")
    sink.answer = "550 no such mailbox"
    page = browser.submit({"email": "ada@new.example.test"})
    assert "deliver the email" not in page.text
    deliver_due(installation)
    text = browser.open("/account/email").text
    assert "deliver the email to ada@new.example.test" in text
    assert "We emailed" not in text
