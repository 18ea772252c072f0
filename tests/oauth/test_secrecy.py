"""What a whole run leaves behind: logs, cookies and redirects hold nothing that somebody could use."""

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import structlog
from sqlalchemy import select

from provider.config.settings import Settings
from provider.oauth.grants.token_exchange import ACCESS_TOKEN
from provider.oauth.grants.token_exchange import GRANT_TYPE as TOKEN_EXCHANGE
from provider.observability.logging import configure_logging
from provider.tables import metadata
from tests.oauth.approvals import FOR_CIBA, answer, ask
from tests.oauth.conftest import Person, Register
from tests.oauth.devices import FOR_DEVICES, allow, start
from tests.oauth.endpoints.test_consent import decide, show
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import Work, settings_for
from tests.support.relying_party import AUTHORIZE, TOKEN, RelyingParty

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


def run_others(register: Register, browser: WatchedClient) -> list[str]:
    """A pushed request, a device, an exchange, a registration and its update, each with a refusal: the secrets seen."""
    books, films = "https://books.example.test", "https://films.example.test"
    nobody: dict[str, Any] = {"redirect_uris": (), "post_logout_redirect_uris": (), "scope": "openid read"}
    register(resource_identifiers=(films,), grant_types=(), **nobody)
    api = register(resource_identifiers=(books,), grant_types=(TOKEN_EXCHANGE,), exchange_targets=(films,), **nobody)
    app = register(scope="openid read")
    pushed = app.post("/oauth2/par", **app.request(scope="openid read", resource=books)[0]).json()["request_uri"]
    assert browser.get(AUTHORIZE, params={"client_id": api.client_id, "request_uri": pushed}).status_code == 400
    shown = app.redeem(app.ask(browser, scope="read", resource=books)).access_token
    given = {"grant_type": TOKEN_EXCHANGE, "subject_token": shown, "subject_token_type": ACCESS_TOKEN}
    exchanged = api.post(TOKEN, **given, resource=films).json()["access_token"]
    assert api.post(TOKEN, **given, resource=books).json()["error"] == "invalid_target"
    device = start(register(public=True, **FOR_DEVICES), scope="openid offline_access")
    allow(browser, device)
    tokens, again = device.poll(), device.poll()
    assert (tokens.status, again.error) == (200, "invalid_grant")
    bank = register(**FOR_CIBA)
    asked = ask(bank, scope="openid offline_access", client_notification_token="n0tification-t0ken")
    answer(browser)
    approved = asked.poll()
    assert (approved.status, asked.poll().error) == (200, "invalid_grant")
    wish = {"redirect_uris": ["https://app.example.test/cb"]}
    told = app.http.post("/oauth2/register", json=wish).json()
    url, own = told["registration_client_uri"], {"authorization": f"Bearer {told['registration_access_token']}"}
    new = app.http.put(url, json={**wish, "client_id": told["client_id"]}, headers=own).json()
    assert app.http.get(url, headers=own).status_code == 401
    codes = [asked.auth_req_id, approved.access_token, approved.refresh_token, "n0tification-t0ken"]
    codes += [device.device_code, device.user_code, device.user_code.replace("-", ""), pushed.rpartition(":")[2]]
    registered = [told["client_secret"], told["registration_access_token"], new["registration_access_token"]]
    return [*codes, *registered, shown, exchanged, tokens.access_token, tokens.refresh_token, tokens.id_token]


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, registration="open")


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
    assert "oauth.rejected" in logged
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


def test_logs_and_database_hold_no_secret_after_the_other_flows(
    register: Register, person: Person, ada: str, log: io.StringIO, work: Work
) -> None:
    """A-104: user codes are kept under a key, for eight letters are soon tried."""
    secrets = run_others(register, person(ada))
    with work() as w:
        dump = "".join(str(tuple(row)) for table in metadata.sorted_tables for row in w.read.execute(select(table)))
    left = log.getvalue() + dump
    assert "oauth.rejected" in left
    assert not [secret for secret in secrets if secret in left or secret.rpartition(".")[2] in left]


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


def test_an_access_token_contains_only_the_claims_of_the_profile(rp: RelyingParty, person: Person, ada: str) -> None:
    """RFC 9068 section 6: no profile in a token that every API sees."""
    browser = person(ada)
    asked = rp.ask(browser, scope="openid profile email")
    decide(browser, asked, "allow")
    body = rp.redeem(rp.resume(browser, asked)).access_token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert not {"name", "email", "given_name"} & set(claims)
