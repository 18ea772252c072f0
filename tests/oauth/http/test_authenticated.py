"""What every endpoint that authenticates its client has in common: one table, whatever is built behind it."""

from typing import Any

import httpx2
import pytest

from provider.ratelimits import LIMITS
from tests.oauth.conftest import Register, Unchanged
from tests.oauth.devices import DEVICE_AUTHORIZATION, DEVICE_CODE
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory, asserting, assertion_claims
from tests.support.installation import ISSUER
from tests.support.relying_party import INTROSPECT, REVOKE, TOKEN, RelyingParty, basic

PAR = "/oauth2/par"
URLS = (TOKEN, INTROSPECT, REVOKE, PAR, DEVICE_AUTHORIZATION)
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE)


@pytest.fixture
def everywhere(register: Register) -> RelyingParty:
    """A client that may call each of them."""
    return register(grant_types=GRANT_TYPES)


def form_for(rp: RelyingParty, url: str) -> dict[str, str]:
    """One that is answered with success."""
    if url == PAR:
        return rp.request()[0]
    own = {TOKEN: {"grant_type": "client_credentials"}, DEVICE_AUTHORIZATION: {"scope": "openid"}}
    return own.get(url, {"token": "x"})


def refused(response: httpx2.Response, error: str, status: int = 400) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error), response.text


def test_the_table_is_right(everywhere: RelyingParty) -> None:
    for url in URLS:
        assert everywhere.post(url, **form_for(everywhere, url)).status_code in {200, 201}


@pytest.mark.parametrize("first", URLS)
def test_a_client_assertion_is_valid_for_one_request_at_one_endpoint(register: Register, first: str) -> None:
    """RFC 7523 section 3, RFC 9126 section 2; A-39."""
    rp = register(grant_types=GRANT_TYPES, token_endpoint_auth_method="private_key_jwt", jwks=Signatory().jwks)
    shown = asserting(rp.signatory.sign(assertion_claims(rp.client_id, ISSUER)))
    assert rp.http.post(first, data={**form_for(rp, first), **shown}).status_code in {200, 201}
    for url in URLS:
        refused(rp.http.post(url, data={**form_for(rp, url), **shown}), "invalid_client", 401)


def test_wrong_secrets_are_counted_together_wherever_they_are_tried(everywhere: RelyingParty) -> None:
    """A-36: no endpoint gives 50 tries more."""
    wrong = {"authorization": basic(everywhere.client_id, "w" * 43)}

    def guess(url: str) -> httpx2.Response:
        return everywhere.http.post(url, data=form_for(everywhere, url), headers=wrong)

    for number in range(int(LIMITS.client_secret.partition("/")[0])):
        refused(guess(URLS[number % len(URLS)]), "invalid_client", 401)
    assert {guess(url).status_code for url in URLS} == {429}
    assert everywhere.post(PAR, **form_for(everywhere, PAR)).status_code == 201


@in_one_world("url", URLS)
def test_it_takes_one_form_by_post(everywhere: RelyingParty, url: str, unchanged: Unchanged) -> None:
    """RFC 6749 section 3.2, RFC 9126 section 2.3; A-35, A-89, A-90."""
    headers, _ = everywhere.authentication()
    form = form_for(everywhere, url)
    http, name = everywhere.http, next(iter(form))
    twice: dict[str, Any] = {**form, name: [form[name], form[name]]}
    with unchanged():
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            response = http.request(method, url, params=form, headers=headers)
            assert response.status_code == 405
            assert "POST" in response.headers["allow"]
        refused(http.post(url, json=form, headers=headers), "invalid_request")
        refused(http.post(url, files={name: form[name]}, headers=headers), "invalid_request")
        refused(http.post(url, content=f"{name}=x", headers=headers), "invalid_request")
        refused(http.post(url, headers=headers), "invalid_request")
        refused(http.post(url, data=twice, headers=headers), "invalid_request")
        refused(http.post(url, data={**form, "client_secret": "x" * 43}, headers=headers), "invalid_request")
        refused(http.post(url, data=form, params={"client_secret": everywhere.secret}), "invalid_request")
        refused(http.post(url, data={**form, "x": "y" * 70_000}, headers=headers), "invalid_request", 413)
        refused(http.post(url, data={**form, "client_id": "another"}, headers=headers), "invalid_request")


def test_an_empty_parameter_is_absent_beside_one_that_may_be_repeated(
    everywhere: RelyingParty, http: WatchedClient
) -> None:
    """RFC 6749 section 3.2: also where `resource` comes twice (RFC 8707 section 2)."""
    headers, _ = everywhere.authentication()
    form = {**form_for(everywhere, PAR), "request_uri": "", "request": "", "resource": [ISSUER, ISSUER + "/"]}
    assert http.post(PAR, data=form, headers=headers).status_code == 201
    form["state"] = ["", "1"]
    refused(http.post(PAR, data=form, headers=headers), "invalid_request")
