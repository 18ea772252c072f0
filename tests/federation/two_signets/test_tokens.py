"""An app of one Signet calls the API of another one for its user, with the tokens that are stored here."""

from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.accounts.linked_identities import unlink
from provider.oauth.clients import clients
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.grants.token_exchange import ACCESS_TOKEN
from provider.work import Installation, unit_of_work
from tests.federation.conftest import identities_of
from tests.federation.two_signets.conftest import UPSTREAM, Go
from tests.federation.upstream_tokens.people import deliver
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_client
from tests.support.installation import Work
from tests.support.people import find_user
from tests.support.relying_party import RelyingParty, Tokens


@pytest.fixture
def configured(configured: dict[str, dict[str, Any]], upstream: Installation) -> dict[str, dict[str, Any]]:
    with unit_of_work(upstream) as other:
        [client] = clients.list_clients(other)
        wider = replace(
            client.metadata,
            scope="openid email profile offline_access",
            grant_types=("authorization_code", "refresh_token"),
        )
        clients.update_client(other, client.client_id, wider)
    return {"signet": configured["signet"] | {"store_tokens": True, "token_scopes": ["offline_access"]}}


def test_an_app_gets_tokens_that_open_the_api_there_until_the_account_is_unlinked(
    go: Go,
    browser: Browser,
    client: TestClient,
    installation: Installation,
    upstream_app: Starlette,
    work: Work,
    clock: Clock,
) -> None:
    """RFC 8693, RFC 6749 section 6, RFC 7009."""
    with work() as w:
        made, secret = make_client(
            w,
            first_party=True,
            scope="openid",
            upstream_tokens=("signet",),
            grant_types=("authorization_code", "refresh_token", TOKEN_EXCHANGE),
        )
    app, there = RelyingParty(client, made, secret), TestClient(upstream_app, base_url=UPSTREAM)

    def fetch() -> Tokens:
        subject = app.redeem(app.ask(browser.client, scope="openid")).access_token
        given = {"subject_token": subject, "subject_token_type": ACCESS_TOKEN, "audience": "signet"}
        return Tokens(app.post("/oauth2/token", grant_type=TOKEN_EXCHANGE, **given))

    def opens(token: str) -> bool:
        asked = there.get("/oauth2/userinfo", headers={"authorization": f"Bearer {token}"})
        return asked.status_code == 200

    go()
    first = fetch().access_token
    clock.advance(minutes=11)
    second = fetch().access_token
    assert not opens(first)
    assert opens(second)
    [identity] = identities_of(work, find_user(work).id)
    with work() as w:
        unlink(w, user_id=identity.user_id, identity_id=identity.id, name_of=str, force=True)
    deliver(installation)
    assert not opens(second)
    assert fetch().error == "invalid_grant"
