"""The consent page: what it says, whose answer counts, and what is remembered."""

import json
from dataclasses import replace

import httpx2
import pytest

from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.oauth.authorize.store import consents
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import ClientMetadata
from provider.work import Installation
from tests.oauth.conftest import Person, Register, Unchanged
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.cases import in_one_world
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import ISSUER, Answer, RelyingParty, sign_in_person
from tests.support.statements import recorded

RESOURCE = "https://orders.example.test/"
API = ClientMetadata(
    client_name="Orders", resource_identifiers=(RESOURCE,), grant_types=(), response_types=(), redirect_uris=()
)
PAYLOAD = '"><svg onload=alert(1)>{{7*7}}${7*7}'


@pytest.fixture
def rp(register: Register) -> RelyingParty:
    """An app that must ask."""
    return register(first_party=False)


def show(browser: WatchedClient, answer: Answer) -> httpx2.Response:
    return browser.get("/consent", params={"request_uri": answer.request_uri})


def decide(browser: WatchedClient, answer: Answer, decision: str, **changes: str) -> httpx2.Response:
    form = {"decision": decision, "csrf_token": csrf_of(browser), **changes}
    return browser.post("/consent", params={"request_uri": answer.request_uri}, data=form, headers={"origin": ISSUER})


def allow(rp: RelyingParty, browser: WatchedClient, **changes: str | None) -> Answer:
    """Ask, press Allow, come back."""
    answer = rp.ask(browser, **changes)
    assert answer.page == "/consent", answer.location
    assert decide(browser, answer, "allow").status_code == 303
    return rp.resume(browser, answer)


def test_the_page_says_who_asks_for_what_as_whom(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.4."""
    page = show(browser, rp.ask(browser, scope="openid email offline_access"))
    for words in ("app.example.test", "Example app", "ada@example.test", "See your email address", "Stay connected"):
        assert words in page.text
    assert "form-action 'self' https://app.example.test;" in page.headers["content-security-policy"]


def test_roles_and_groups_are_asked_for_in_words(register: Register, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.4."""
    page = show(
        browser, register(first_party=False, scope="openid roles groups").ask(browser, scope="openid roles groups")
    )
    assert page.text.count("See your roles") == page.text.count("See your groups") == 1


def test_a_permission_has_an_icon_and_opens_to_the_values_behind_it(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 5.4. offline_access is one sentence, and the last one."""
    page = show(browser, rp.ask(browser, scope="offline_access openid profile"))
    asked = page.text.partition('<ul class="asks">')[2].partition("</form>")[0]
    assert asked.count("<svg") == 3
    assert [asked.count(words) for words in ("<details>", "See your date of birth", "Stay connected")] == [1, 1, 1]
    assert asked.index("See your date of birth") < asked.index("Stay connected")


def test_the_page_names_the_apis_that_the_tokens_are_for(
    register: Register, browser: WatchedClient, work: Work
) -> None:
    """RFC 8707 section 2, by the name that an operator gave them."""
    with work() as w:
        clients.create_client(w, metadata=API)
    rp = register(first_party=False)
    page = show(browser, rp.ask(browser, scope="openid", resource=RESOURCE))
    assert "This access is for:" in page.text
    assert "Orders</" in page.text
    assert RESOURCE in page.text
    assert "This access is for:" not in show(browser, rp.ask(browser, scope="openid", resource=ISSUER)).text


@pytest.mark.also_on_postgresql
def test_another_api_is_asked_for_again(register: Register, browser: WatchedClient, work: Work) -> None:
    """A-50; RFC 8707 section 2. So is one that was allowed before the page named it."""
    with work() as w:
        clients.create_client(w, metadata=API)
    rp = register(first_party=False)
    allow(rp, browser, scope="openid")
    assert rp.ask(browser, scope="openid", resource=RESOURCE).page == "/consent"
    allow(rp, browser, scope="openid", resource=RESOURCE)
    assert rp.ask(browser, scope="openid", resource=RESOURCE).code
    allow(rp, browser, scope="openid email")
    assert rp.ask(browser, scope="openid", resource=RESOURCE).code, "what was allowed before still is"
    with work() as w:
        w.db.execute(consents.consents.update().values(resources=None))
    assert rp.ask(browser, scope="openid", resource=RESOURCE).page == "/consent"


@pytest.mark.also_on_postgresql
def test_allowing_it_once_is_remembered(rp: RelyingParty, browser: WatchedClient, ada: str) -> None:
    """A-50."""
    assert rp.verify(rp.redeem(allow(rp, browser, scope="openid email")))["sub"] == ada
    assert rp.ask(browser, scope="openid email").code
    assert rp.ask(browser, scope="openid", prompt="none").code


@pytest.mark.also_on_postgresql
def test_more_is_asked_for_again(rp: RelyingParty, browser: WatchedClient) -> None:
    """A-50: scopes and single claims."""
    allow(rp, browser, scope="openid email")
    assert rp.ask(browser, scope="openid email phone").page == "/consent"
    claims = json.dumps({"userinfo": {"name": None}})
    assert rp.ask(browser, scope="openid email", claims=claims).page == "/consent"
    allow(rp, browser, scope="openid phone")
    assert rp.ask(browser, scope="openid email phone").code, "what was allowed before still is"


def test_prompt_consent_asks_again(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.1; A-50."""
    allow(rp, browser)
    assert allow(rp, browser, prompt="consent").code


def test_a_public_client_asks_every_time(register: Register, browser: WatchedClient) -> None:
    """RFC 6749 section 10.2; A-50."""
    rp = register(first_party=False, public=True)
    assert allow(rp, browser).code
    assert rp.ask(browser).page == "/consent"


def test_another_client_of_the_same_name_asks(rp: RelyingParty, register: Register, browser: WatchedClient) -> None:
    """A-50."""
    allow(rp, browser)
    assert register(first_party=False).ask(browser).page == "/consent"


def test_another_person_is_asked(rp: RelyingParty, browser: WatchedClient, person: Person, work: Work) -> None:
    """A-50."""
    allow(rp, browser)
    with work() as w:
        bob = make_user(w, "bob@example.test")
    assert rp.ask(person(bob)).page == "/consent"


def test_declining_goes_back_and_stores_nothing(rp: RelyingParty, browser: WatchedClient, ada: str, work: Work) -> None:
    """RFC 6749 section 4.1.2.1; A-50."""
    answer = rp.ask(browser)
    declined = Answer(decide(browser, answer, "deny"), answer.asked, answer.verifier)
    assert (declined.error, declined.parameters["state"]) == ("access_denied", answer.asked["state"])
    assert declined.parameters["iss"] == ISSUER
    with work() as w:
        assert consents.find(w.read, ada, rp.client_id) is None
        assert Event.CONSENT_DENIED in [event.name for event in find_events(w.read, user_id=ada)]
    assert rp.resume(browser, answer).response.status_code == 400


def test_allowing_is_told_to_the_audit_log(rp: RelyingParty, browser: WatchedClient, ada: str, work: Work) -> None:
    allow(rp, browser)
    with work() as w:
        assert Event.CONSENT_GRANTED in [event.name for event in find_events(w.read, user_id=ada)]


def test_the_consent_page_lets_the_user_switch_accounts(rp: RelyingParty, browser: WatchedClient) -> None:
    """OIDC Core section 3.1.2.4."""
    location = decide(browser, rp.ask(browser), "switch").headers["location"]
    assert location.startswith("/login?")
    assert "prompt=select_account" in location


def test_a_consent_form_without_an_answer_changes_nothing(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged
) -> None:
    answer = rp.ask(browser)
    with unchanged():
        assert decide(browser, answer, "perhaps").headers["location"].startswith("/consent?request_uri=")


@in_one_world(
    ("token", "headers"),
    [
        (None, {"origin": ISSUER}),
        ("right", {"origin": "https://evil.test"}),
        ("right", {"origin": "null"}),
        ("right", {"sec-fetch-site": "cross-site"}),
    ],
)
def test_another_site_cannot_allow(
    rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged, token: str | None, headers: dict[str, str]
) -> None:
    """RFC 6749 section 10.12; A-49."""
    answer = rp.ask(browser)
    form = {"decision": "allow"}
    if token is not None:
        form["csrf_token"] = csrf_of(browser) if token == "right" else token
    with unchanged():
        url = f"/consent?request_uri={answer.request_uri}"
        assert browser.post(url, data=form, headers=headers).status_code == 403


def test_a_token_of_another_session_is_worthless(
    rp: RelyingParty, browser: WatchedClient, person: Person, ada: str, unchanged: Unchanged
) -> None:
    """A-49: also one of an earlier sign-in of the same person, or none at all. The question is shown again."""
    answer = rp.ask(browser)
    for other in (csrf_of(person(ada)), "wrong", "\x00"):
        with unchanged():
            response = decide(browser, answer, "allow", csrf_token=other)
        assert (response.status_code, response.headers["location"].partition("?")[0]) == (303, "/consent")


def test_a_get_decides_nothing(rp: RelyingParty, browser: WatchedClient, unchanged: Unchanged) -> None:
    """A-49."""
    answer = rp.ask(browser)
    with unchanged():
        parameters = {"request_uri": answer.request_uri, "decision": "allow", "csrf_token": csrf_of(browser)}
        assert browser.get("/consent", params=parameters).status_code == 200


def test_another_browser_cannot_answer(
    rp: RelyingParty, browser: WatchedClient, person: Person, work: Work, unchanged: Unchanged
) -> None:
    """A waiting request belongs to its browser, and to nobody a link was sent to."""
    with work() as w:
        bob = make_user(w, "bob@example.test")
    answer, other = rp.ask(browser), person(bob)
    rp.ask(other)
    with unchanged():
        response = decide(other, answer, "allow")
    assert response.headers["location"].startswith(f"/oauth2/authorize?client_id={rp.client_id}&request_uri=")


def test_an_answer_counts_for_who_gave_it(
    rp: RelyingParty, browser: WatchedClient, work: Work, installation: Installation
) -> None:
    """Somebody who signs in afterwards is asked themselves."""
    with work() as w:
        bob = make_user(w, "bob@example.test")
    answer = rp.ask(browser)
    decide(browser, answer, "allow")
    sign_in_person(browser, installation, bob)
    assert rp.resume(browser, answer).page == "/consent"


def test_a_made_up_request_gets_a_page(browser: WatchedClient, unchanged: Unchanged) -> None:
    for uri in ("", "x", "urn:ietf:params:oauth:request_uri:x", "https://evil.test/", "\x00"):
        with unchanged():
            assert browser.get("/consent", params={"request_uri": uri}).status_code == 400


def test_a_client_disabled_meanwhile_gets_no_consent(
    rp: RelyingParty, browser: WatchedClient, work: Work, ada: str
) -> None:
    """A-26: and no crash."""
    answer = rp.ask(browser)
    with work() as w:
        clients.disable(w, rp.client_id)
    for response in (show(browser, answer), decide(browser, answer, "allow"), decide(browser, answer, "deny")):
        assert response.headers["location"].startswith(f"/oauth2/authorize?client_id={rp.client_id}&request_uri=")
    assert rp.resume(browser, answer).response.status_code == 400
    with work() as w:
        assert consents.find(w.read, ada, rp.client_id) is None


def test_what_an_app_calls_itself_is_only_text(register: Register, browser: WatchedClient) -> None:
    """A-95."""
    rp = register(first_party=False, client_name=PAYLOAD, scope="openid <b>api</b>${7*7}")
    page = show(browser, rp.ask(browser, scope="openid <b>api</b>${7*7}", login_hint=PAYLOAD, state=PAYLOAD))
    assert "<svg onload" not in page.text
    assert "<b>api" not in page.text
    assert "&lt;svg onload=alert(1)&gt;{{7*7}}${7*7}" in page.text
    assert "&lt;b&gt;api&lt;/b&gt;" in page.text


def reads_of_parked_requests(statements: list[str]) -> int:
    return sum(text.startswith("SELECT") and "FROM authorization_requests" in text for text in statements)


def test_the_consent_page_reads_the_parked_request_once(
    rp: RelyingParty, browser: WatchedClient, installation: Installation
) -> None:
    parked = rp.ask(browser)
    with recorded(installation.database.engine) as statements:
        assert show(browser, parked).status_code == 200
    assert reads_of_parked_requests(statements) == 1


@pytest.mark.parametrize("decision", ["allow", "deny", "switch"])
def test_a_decision_reads_the_parked_request_once(
    rp: RelyingParty, browser: WatchedClient, installation: Installation, decision: str
) -> None:
    parked = rp.ask(browser)
    with recorded(installation.database.engine) as statements:
        assert decide(browser, parked, decision).status_code == 303
    assert reads_of_parked_requests(statements) == 1


def test_coming_back_reads_the_parked_request_once(
    rp: RelyingParty, browser: WatchedClient, installation: Installation
) -> None:
    parked = rp.ask(browser)
    decide(browser, parked, "allow")
    with recorded(installation.database.engine) as statements:
        assert rp.resume(browser, parked).code
    assert reads_of_parked_requests(statements) == 1


def test_what_users_allowed_a_public_client_does_not_count_once_it_has_a_secret(
    register: Register, browser: WatchedClient, work: Work
) -> None:
    """N-621: RFC 6749 section 10.2, decision 11. Anyone could have asked for it with its id."""
    public = register(first_party=False, public=True)
    allow(public, browser, scope="openid email")
    with work() as w:
        metadata = replace(public.client.metadata, token_endpoint_auth_method="client_secret_basic")
        clients.update_client(w, public.client_id, metadata)
    assert public.ask(browser, scope="openid email").page == "/consent"
