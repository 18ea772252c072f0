"""Who is calling: one way of authentication per request, and only the registered one."""

import base64
import contextlib
import string
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.oauth.checks import Checks
from provider.oauth.client_authentication.credentials import read_credentials
from provider.oauth.clients import clients, secret_rotation
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.errors import InvalidClientError
from tests.oauth.conftest import Explain, Register, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.relying_party import TOKEN, RelyingParty, basic

SERVICE = {"grant_types": ("client_credentials",), "redirect_uris": (), "scope": "api"}
METHODS = ["client_secret_basic", "client_secret_post", "none"]


@pytest.fixture
def service(register: Register) -> RelyingParty:
    """A client for itself, registered for client_secret_basic."""
    return register(**SERVICE)


def call(rp: RelyingParty, authorization: str | None = None, **body: str) -> httpx2.Response:
    headers = {} if authorization is None else {"authorization": authorization}
    return rp.http.post(TOKEN, data={"grant_type": "client_credentials", **body}, headers=headers)


def assert_invalid_client(response: httpx2.Response) -> None:
    """RFC 6749 section 5.2."""
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("Basic")


def raw_basic(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return "Basic " + base64.b64encode(raw).decode()


@pytest.mark.parametrize("method", METHODS[:2])
def test_the_registered_method_works(register: Register, method: str) -> None:
    """RFC 6749 section 2.3.1."""
    assert register(**SERVICE, token_endpoint_auth_method=method).client_credentials().status == 200


@in_one_world("registered", METHODS)
@in_one_world("used", METHODS)
def test_only_the_registered_method_works(register: Register, unchanged: Unchanged, registered: str, used: str) -> None:
    """RFC 6749 section 2.3; A-35."""
    rp = register(public=registered == "none", token_endpoint_auth_method=registered)
    secret = rp.secret or "x" * 43
    with unchanged():
        if used == "client_secret_basic":
            response = call(rp, basic(rp.client_id, secret), grant_type="refresh_token", refresh_token="x")
        else:
            body = {"client_id": rp.client_id, **({"client_secret": secret} if used == "client_secret_post" else {})}
            response = call(rp, grant_type="refresh_token", refresh_token="x", **body)
    if used == registered:
        assert response.json()["error"] == "invalid_grant"
    else:
        assert_invalid_client(response)


@in_one_world("endpoint", [TOKEN, "/oauth2/introspect", "/oauth2/revoke", "/oauth2/par"])
@in_one_world("used", METHODS)
def test_where_no_method_was_chosen_both_ways_to_send_a_secret_work(
    register: Register, endpoint: str, used: str
) -> None:
    """RFC 6749 section 2.3.1: libraries send the one or the other by default. Without the secret nothing works."""
    rp = register(token_endpoint_auth_method=None)
    assert rp.secret
    headers = {"authorization": basic(rp.client_id, rp.secret)} if used == "client_secret_basic" else {}
    secret = {"client_secret": rp.secret} if used == "client_secret_post" else {}
    asked = {**rp.request()[0], "token": "x", "grant_type": "refresh_token", "refresh_token": "x", **secret}
    response = rp.http.post(endpoint, data=asked, headers=headers)
    if used == "none":
        assert_invalid_client(response)
    else:
        assert response.status_code in {200, 201, 400}, response.text
        assert response.json().get("error") in {None, "invalid_grant"} if response.content else True


def test_a_registered_method_is_required_even_if_it_is_the_default(register: Register, work: Work) -> None:
    """RFC 6749 section 2.3; A-35; and the choice can be taken back."""
    rp = register(token_endpoint_auth_method="client_secret_basic")
    assert rp.secret
    body = {"client_id": rp.client_id, "client_secret": rp.secret}
    assert_invalid_client(call(rp, **body))
    with work() as w:
        clients.update_client(w, rp.client_id, replace(rp.client.metadata, token_endpoint_auth_method=None))
    assert call(rp, **body).json()["error"] == "unauthorized_client"


def test_two_client_authentication_methods_are_rejected(service: RelyingParty) -> None:
    """RFC 6749 section 2.3; A-35."""
    assert service.secret
    header = basic(service.client_id, service.secret)
    for body in ({"client_secret": service.secret}, {"client_id": "other"}, {"client_secret": "x", "client_id": "y"}):
        response = call(service, header, **body)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_two_authorization_headers_are_rejected(service: RelyingParty) -> None:
    """RFC 6749 section 2.3; A-35."""
    right = basic(service.client_id, service.secret or "")
    for other in (right, basic("other", "x" * 43), "Bearer x"):
        headers = [("authorization", right), ("authorization", other)]
        response = service.http.post(TOKEN, data={"grant_type": "client_credentials"}, headers=headers)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_the_same_client_id_in_the_body_is_no_second_way(service: RelyingParty) -> None:
    """RFC 6749 section 3.2.1."""
    assert service.secret
    header = basic(service.client_id, service.secret)
    assert call(service, header, client_id=service.client_id).status_code == 200


@in_one_world(
    "wrong",
    [
        lambda s: "",
        lambda s: s + "\x00",
        lambda s: s + " ",
        lambda s: " " + s,
        lambda s: s.swapcase(),
        lambda s: s[:-1],
        lambda s: s + s,
        lambda s: quote(quote(s + "ä")),
        lambda s: "x" * 3000,
    ],
)
@in_one_world("method", METHODS[:2])
def test_a_wrong_secret_is_refused(register: Register, unchanged: Unchanged, method: str, wrong: Any) -> None:
    """RFC 6749 section 5.2; A-36."""
    rp = register(**SERVICE, token_endpoint_auth_method=method)
    assert rp.secret
    with unchanged():
        if method == "client_secret_basic":
            response = call(rp, basic(rp.client_id, wrong(rp.secret)))
        else:
            response = call(rp, client_id=rp.client_id, client_secret=wrong(rp.secret))
    assert_invalid_client(response)


def test_a_secret_in_the_url_is_never_honoured(service: RelyingParty) -> None:
    """RFC 6749 section 2.3.1; A-36, A-90."""
    url = f"{TOKEN}?client_id={service.client_id}&client_secret={service.secret}"
    response = service.http.post(url, data={"grant_type": "client_credentials"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_unknown_and_disabled_clients_and_wrong_secrets_answer_alike(
    service: RelyingParty, register: Register, work: Work
) -> None:
    """A-36: nobody learns which client_ids exist."""
    disabled = register(**SERVICE)
    with work() as w:
        clients.disable(w, disabled.client_id)
    wrong = call(service, basic(service.client_id, "x" * 43))
    unknown = call(service, basic("nobody", "x" * 43))
    off = call(disabled, basic(disabled.client_id, disabled.secret or ""))
    bodies = [{**each.json(), "error_id": ""} for each in (wrong, unknown, off)]
    assert bodies[0] == bodies[1] == bodies[2]
    assert wrong.status_code == unknown.status_code == off.status_code == 401


@in_one_world(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWJj",
        "Basic " + "A" * 5000,
        "Basic YTpi YTpi",
        "Bearer x",
        "Negotiate x",
        "YTpi",
        raw_basic(":"),
        raw_basic(":secret"),
        raw_basic("id:"),
        raw_basic(b"\xff\xfe:\xff"),
        raw_basic("ä:ö"),
        raw_basic("a\x00b:c\x00d"),
        raw_basic("%00:%00"),
        raw_basic("%ff%fe:%ff"),
        raw_basic("%:%"),
        raw_basic("x" * 200 + ":y"),
    ],
)
def test_a_broken_header_is_refused(service: RelyingParty, unchanged: Unchanged, header: str) -> None:
    """RFC 6749 section 2.3.1, RFC 7617; A-35."""
    with unchanged():
        assert_invalid_client(call(service, header))


def test_the_scheme_is_not_case_sensitive(service: RelyingParty) -> None:
    """RFC 9110 section 11.1."""
    assert service.secret
    header = basic(service.client_id, service.secret).replace("Basic", "bAsIc")
    assert call(service, header).status_code == 200


def test_id_and_secret_are_form_decoded(work: Work, http: WatchedClient) -> None:
    """RFC 6749 section 2.3.1."""
    secret = "a b+c%d:e/f&g=h" + "x" * 32
    metadata = ClientMetadata(grant_types=("client_credentials",), scope="api")
    with work() as w:
        client, _ = clients.create_client(w, metadata, client_id="a:b+c", secret=secret)
    assert RelyingParty(http, client, secret).client_credentials().status == 200


def test_before_and_after_a_rotation_both_secrets_work_for_a_day(
    service: RelyingParty, work: Work, clock: Clock
) -> None:
    """A-26: then the one before is refused."""
    old = service.secret
    assert old
    with work() as w:
        new = secret_rotation.rotate_secret(w, service.client_id)
    for secret in (old, new):
        assert call(service, basic(service.client_id, secret)).status_code == 200
    clock.advance(days=1, seconds=1)
    assert_invalid_client(call(service, basic(service.client_id, old)))
    assert call(service, basic(service.client_id, new)).status_code == 200


def test_guessing_secrets_is_slowed_and_the_right_one_still_works(service: RelyingParty, lower: Lower) -> None:
    """A-36: per client and network; only failures count."""
    lower(client_secret="4/5minutes")
    assert service.secret
    answers = [call(service, basic(service.client_id, f"{i:043}")).status_code for i in range(5)]
    assert answers == [401] * 4 + [429]
    limited = call(service, basic(service.client_id, "x" * 43))
    assert int(limited.headers["retry-after"]) > 0
    assert limited.json()["error"] == "temporarily_unavailable"
    assert service.client_credentials().status == 200


def test_a_refusal_says_what_was_expected_and_never_the_secret(service: RelyingParty, explain: Explain) -> None:
    """The refusal is explained: the check, what was expected, what came and what to do."""
    guess = "guess-" + "x" * 40
    row = explain(call(service, basic(service.client_id, guess)).json()["error_id"])
    assert [check["name"] for check in row.checks][-3:] == [
        "The client is registered and enabled",
        "The client used its registered authentication method",
        "The client secret is correct",
    ]
    assert guess not in str(row)
    assert (service.secret or "") not in str(row)


@pytest.mark.parametrize("header", ["{secret}", "{secret} x", "Basic{secret}", "Bearer {secret}"])
def test_a_secret_in_the_wrong_place_is_not_kept(service: RelyingParty, explain: Explain, header: str) -> None:
    """A-104: an explanation holds no secret."""
    assert service.secret
    response = call(service, header.format(secret=service.secret))
    assert service.secret[:20] not in str(explain(response.json()["error_id"]))


@given(header=st.text() | st.text(string.printable).map("Basic ".__add__) | st.binary(max_size=60).map(raw_basic))
def test_no_header_raises_anything_but_a_refusal(header: str) -> None:
    with contextlib.suppress(InvalidClientError):
        shown = read_credentials(Checks("token"), authorization=header, form={})
        assert shown.method == "client_secret_basic"


@given(body=st.binary(max_size=80) | st.text(max_size=40).map(lambda text: f"client_id={quote(text)}".encode()))
def test_no_form_crashes_the_token_endpoint(service: RelyingParty, body: bytes) -> None:
    """A-89, A-90."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = service.http.post(TOKEN, content=body, headers=headers)
    assert response.status_code in {400, 401, 429}
