"""The inspector in the console: who may open it, what its page says, and that nothing of what is pasted stays."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from provider.app import create_app
from provider.jose.signed_jwts import read_jwt
from provider.routes.console import for_demo
from provider.work import Installation
from tests.admin.conftest import Console, Program, events, person_token
from tests.support.browser import Browser
from tests.support.factories import make_client, make_user
from tests.support.installation import ISSUER, Work
from tests.support.people import ADDRESS
from tests.support.relying_party import TWO_FACTORS, RelyingParty, Tokens, sign_in_person
from tests.support.stored import stored

URL = "/admin/inspect"


@pytest.fixture
def tokens(ada: str, installation: Installation, work: Work, client: TestClient) -> Tokens:
    with work() as w:
        registered, secret = make_client(w, scope="openid offline_access", first_party=True)
    sign_in_person(client, installation, ada)
    rp = RelyingParty(client, registered, secret)
    return rp.sign_in(client, scope="openid offline_access")


def test_a_pasted_token_is_explained_with_its_timeline(console: Console, tokens: Tokens, ada: str, work: Work) -> None:
    console.open("/inspect")
    page = console.browser.submit({"value": tokens.access_token})
    assert page.status == 200
    assert "Access token ✓ It is active." in page.text
    assert "This value still gives access." in page.text
    assert "The code was redeemed" in page.text
    assert tokens.access_token not in page.html
    assert page.response.headers["cache-control"] == "no-store"
    assert [one["kind"] for one in events(work, "client.token_inspected")] == ["access token"]


def test_two_tokens_are_compared(console: Console, tokens: Tokens) -> None:
    console.open("/inspect")
    page = console.browser.submit({"value": tokens.access_token, "other": tokens.id_token})
    assert "Comparison" in page.text
    assert "access token" in page.text
    assert "ID token" in page.text


def test_the_list_of_sessions_links_to_the_timeline(console: Console, tokens: Tokens, ada: str) -> None:
    page = console.open(f"/users/{ada}/sessions")
    (link,) = [target for name, target in page.links.items() if name.startswith("Timeline")]
    page = console.browser.open(link)
    assert page.status == 200
    assert "The session began" in page.text
    assert page.status == 200
    assert console.open("/inspect?id=11111111-1111-1111-1111-111111111111").status == 200
    missing = console.open("/inspect?id=nothing")
    assert (missing.status, "No session, grant or rejected request" in missing.text) == (404, True)


def test_the_applications_of_a_user_link_to_the_timelines_of_grants(console: Console, tokens: Tokens, ada: str) -> None:
    page = console.open(f"/users/{ada}/apps")
    (link,) = [target for target in page.links.values() if target.startswith(URL + "?id=")]
    page = console.browser.open(link)
    assert "Grant ID" in page.text
    assert "Access was granted" in page.text


def test_an_empty_form_is_shown_again_with_the_error(console: Console) -> None:
    console.open("/inspect")
    page = console.browser.submit({"value": "  "})
    assert page.status == 400
    assert "Paste a URL, code, token, ID or key set." in page.text


def test_a_megabyte_is_refused_with_a_page(console: Console) -> None:
    """N-453."""
    console.open("/inspect")
    page = console.browser.submit({"value": "a" * 1_000_000})
    assert page.status == 413
    assert "Request too large" in page.text
    console.open("/inspect")
    page = console.browser.submit({"value": "a" * 50_000})
    assert page.status == 400
    assert "aaaaaaaaaa" not in page.html


def test_what_is_pasted_is_neither_stored_nor_logged(
    console: Console, tokens: Tokens, work: Work, capfd: pytest.CaptureFixture[str]
) -> None:
    """N-454."""
    pasted = "a-secret-value-that-nobody-may-see-0123456789"
    console.open("/inspect")
    page = console.browser.submit({"value": pasted, "other": tokens.refresh_token})
    assert page.status == 200
    with work() as w:
        kept = repr(stored(w.read, but=()))
    kept += "".join(capfd.readouterr()) + page.html
    assert pasted not in kept
    assert tokens.refresh_token not in kept


def test_it_is_a_post_of_our_own_page(console: Console, client: TestClient) -> None:
    """N-455. Another site can't make an operator inspect something, and a GET carries no token."""
    answer = console.browser.client.post(URL, data={"value": "x"}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    page = console.open("/inspect?value=eyJ.eyJ.x")
    assert (page.status, "JWT" in page.text) == (200, False)


def test_operators_need_the_permission(browser: Browser, installation: Installation, work: Work) -> None:
    """N-456."""
    assert browser.open(URL).path == "/login"
    with work() as w:
        user_id = make_user(w, "staff@example.test", roles=("staff",))
    sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
    assert browser.open(URL).status == 403


def test_an_operator_who_may_not_see_users_sees_none(
    browser: Browser, client: TestClient, installation: Installation, tokens: Tokens, ada: str, work: Work
) -> None:
    """N-574: a token and the ID of its session, on the page and in the admin API, by one who manages applications."""
    scope = "admin:read admin:write"
    token = person_token(client, work, installation, roles=("app-manager",), amr=TWO_FACTORS, scope=scope)
    found = Program(client, token)("POST", "/inspections", value=tokens.access_token).json()
    assert (found["is_valid"], found["timeline"]) == (True, [])
    assert not {"user_id", "grant_id", "session_id"} & found.keys()
    assert ADDRESS not in str(found)
    with work() as w:
        user_id = make_user(w, "apps@example.test", roles=("app-manager",))
    sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
    browser.open(URL)
    page = browser.submit({"value": tokens.access_token})
    assert "It is active." in page.text
    for shown in (ADDRESS, "The code was redeemed"):
        assert shown not in page.html, shown
    assert browser.open(f"{URL}?id={read_jwt(str(tokens.id_token)).claims['sid']}").status == 404


def test_what_is_pasted_is_text_on_the_page(console: Console) -> None:
    """N-457."""
    console.open("/inspect")
    page = console.browser.submit({"value": "client_id=<script>x</script>&response_type=<b>"})
    assert page.status == 200
    assert "<script>x" not in page.html
    assert "<b>" not in page.html


@pytest.fixture
def demo(installation: Installation) -> Iterator[Browser]:
    app = create_app(installation, further=for_demo())
    yield Browser(app, ISSUER)
    app.state.threads.close()


def test_the_demo_shows_it_to_anybody_and_no_other_installation_does(demo: Browser, browser: Browser) -> None:
    """N-458."""
    assert browser.open("/inspect").status == 404
    assert demo.open("/inspect").status == 200
    page = demo.submit({"value": f"{ISSUER}/.well-known/openid-configuration"})
    assert "It is the discovery document of this installation." in page.text
    assert "Audit log" not in page.text


def test_the_admin_api_inspects_and_shows_users_to_those_who_may_see_them(
    reader: Program, tokens: Tokens, ada: str
) -> None:
    found = reader("POST", "/inspections", value=tokens.access_token).json()
    assert (found["kind"], found["is_valid"], found["user_id"]) == ("access token", True, ada)

    assert [moment["what"] for moment in found["timeline"]][:2] == ["The session began", "Access was granted"]
    assert tokens.access_token not in str(found)
    too_long = reader("POST", "/inspections", value="a" * 50_000)
    assert (too_long.status_code, "aaaa" in too_long.text) == (400, False)
