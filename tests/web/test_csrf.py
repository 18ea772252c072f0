"""Only our own pages may make a browser change something (RFC 6749 section 10.12)."""

from collections.abc import Callable

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from provider.web.call import Call
from provider.web.csrf import FIELD
from provider.web.endpoint import endpoint
from tests.support.installation import ISSUER
from tests.web.conftest import Mount


@pytest.fixture
def page_with_form(mount: Mount) -> None:
    @endpoint
    def form(call: Call) -> Response:
        return PlainTextResponse(call.csrf_token if call.method == "GET" else "changed")

    mount("/test/form", form)


@pytest.fixture
def post(client: TestClient, page_with_form: None) -> Callable[..., int]:
    def send(token: str | None, **headers: str) -> int:
        data = {} if token is None else {FIELD: token}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post("/test/form", data=data, headers=named).status_code

    return send


def test_a_form_of_ours_is_accepted(client: TestClient, post: Callable[..., int]) -> None:
    token = client.get("/test/form").text
    assert post(token) == 200
    assert post(token, sec_fetch_site="same-origin", origin="null") == 200
    assert post(token, origin=ISSUER) == 200
    assert post(token, origin=f"{ISSUER}:443") == 200  # RFC 6454 section 4: the default port is the same origin


def test_without_its_token_or_with_anothers_nothing_happens(client: TestClient, post: Callable[..., int]) -> None:
    client.get("/test/form")
    other = TestClient(client.app, base_url=ISSUER).get("/test/form").text
    assert [post(token) for token in (None, "x", "ü", other)] == [403] * 4


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_another_site_is_refused_even_with_the_token(client: TestClient, post: Callable[..., int], site: str) -> None:
    token = client.get("/test/form").text
    assert post(token, sec_fetch_site=site) == 403
    assert post(token, origin="https://evil.example") == 403
    assert post(token, origin="null") == 403  # without Sec-Fetch-Site: an old browser, a sandboxed frame


def test_a_browser_without_cookies_is_led_on(client: TestClient, page_with_form: None) -> None:
    answer = client.post("/test/form?return_to=/account", data={FIELD: "x"})
    assert answer.status_code == 403
    assert "/test/form?return_to=/account" in answer.text


def test_a_browser_that_takes_no_cookies_is_told_so(client: TestClient, page_with_form: None) -> None:
    """Another page would expire just the same; a form that is merely old is told something else."""
    token = client.get("/test/form").text
    client.cookies.clear()
    refused = client.post("/test/form", data={FIELD: token})
    assert refused.status_code == 403
    assert "Your browser is blocking cookies" in refused.text
    client.get("/test/form")
    assert "This page has expired" in client.post("/test/form", data={FIELD: token}).text
