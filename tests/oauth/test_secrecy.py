"""What a whole run leaves behind: logs, cookies and redirects hold nothing that somebody could use."""

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx2
import pytest
import structlog
from sqlalchemy import select

from provider.observability.logging import configure_logging
from provider.tables import metadata
from tests.conftest import Work
from tests.oauth.conftest import Person, Register
from tests.oauth.endpoints.test_consent import decide, show
from tests.oauth.watched_http import WatchedClient
from tests.relying_party import RelyingParty

STATE, NONCE = "a-state-nobody-else-knows", "a-nonce-nobody-else-knows"


def run(rp: RelyingParty, browser: WatchedClient) -> tuple[list[str], list[httpx2.Response]]:
    """Consent, redeem, refresh, reuse, revoke, log out, and some refusals. The secrets seen, and the answers."""
    asked = rp.ask(browser, state=STATE, nonce=NONCE, scope="openid email offline_access")
    answers = [asked.response, show(browser, asked), decide(browser, asked, "allow")]
    answer = rp.resume(browser, asked)
    tokens = rp.redeem(answer)
    second = rp.refresh(tokens)
    third = rp.refresh(second)
    wrong = rp.redeem(rp.ask(browser, state=STATE, nonce=NONCE), code_verifier=answer.verifier)
    answers += [answer.response, tokens.response, second.response, third.response, wrong.response]
    answers += [
        rp.refresh(tokens).response,
        rp.redeem(answer).response,
        rp.userinfo(tokens),
        rp.revoke(third.refresh_token),
    ]
    answers += [rp.ask(browser, state=STATE, response_type="token").response, rp.log_out(browser, tokens, state=STATE)]
    secrets = [answer.code, answer.verifier, STATE, NONCE, rp.secret or "", asked.request_uri.rpartition(":")[2]]
    for each in (tokens, second, third):
        secrets += [each.access_token, each.refresh_token, each.id_token, each.access_token.split(".")[2]]
    return secrets, answers


@pytest.fixture
def rp(register: Register) -> RelyingParty:
    return register(first_party=False)


@pytest.fixture(params=["debug", "info"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What is logged at this level."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(request.param, stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], level = before
    root.setLevel(level)


def test_the_log_holds_no_secret(rp: RelyingParty, person: Person, ada: str, log: io.StringIO) -> None:
    """RFC 9700 section 4.3; A-29, A-34, A-104."""
    browser = person(ada)
    secrets = [*run(rp, browser)[0], *browser.cookies.values()]
    logged = log.getvalue()
    assert "oauth.refused" in logged
    found = [secret for secret in secrets if secret and (secret in logged or quote(secret) in logged)]
    assert not found


def test_the_database_holds_no_secret(rp: RelyingParty, person: Person, ada: str, work: Work) -> None:
    """A-104: digests only; state and nonce wait with their request and are no credentials."""
    browser = person(ada)
    secrets = [*run(rp, browser)[0], *browser.cookies.values()]
    with work() as w:
        dump = "".join(str(tuple(row)) for table in metadata.sorted_tables for row in w.read.execute(select(table)))
    found = [secret for secret in secrets if secret and secret not in (STATE, NONCE) and secret in dump]
    assert not found


def test_every_cookie_has_its_attributes(rp: RelyingParty, new_http: Callable[[], WatchedClient]) -> None:
    """A-97: __Host-, Secure, HttpOnly, SameSite, Path=/, no Domain, short, opaque."""
    response = rp.ask(new_http()).response
    cookies = response.headers.get_list("set-cookie")
    assert cookies
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-")
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
        assert not any(part.startswith("domain") for part in attributes)
        assert len(cookie) < 300


def test_no_credential_is_in_a_url(rp: RelyingParty, person: Person, ada: str) -> None:
    """RFC 9700 section 4.3; A-34: only the code, in the one redirect."""
    secrets, answers = run(rp, person(ada))
    code = secrets[0]
    locations = [answer.headers.get("location", "") for answer in answers]
    assert len([location for location in locations if code in location]) == 1
    for secret in [*secrets[6:], secrets[4]]:
        assert not any(secret in location for location in locations)


def test_a_page_shows_no_secret(rp: RelyingParty, person: Person, ada: str) -> None:
    """A-31: state and nonce are for the app alone."""
    secrets, answers = run(rp, person(ada))
    pages = [answer.text for answer in answers if answer.headers.get("content-type", "").startswith("text/html")]
    assert pages
    assert not [secret for secret in secrets[:5] for page in pages if secret in page]


def test_an_access_token_tells_no_more_than_it_must(rp: RelyingParty, person: Person, ada: str) -> None:
    """RFC 9068 section 6: no profile in a token that every API sees."""
    browser = person(ada)
    asked = rp.ask(browser, scope="openid profile email")
    decide(browser, asked, "allow")
    body = rp.redeem(rp.resume(browser, asked)).access_token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert not {"name", "email", "given_name"} & set(claims)
