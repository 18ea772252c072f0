"""The operations that programs and browsers repeat all day, each as a function to call again and again."""

from collections.abc import Callable
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.work import Installation, unit_of_work
from tests.support.browser import Browser
from tests.support.client_keys import Signatory
from tests.support.dpop import Prover
from tests.support.factories import make_client, make_user
from tests.support.people import sign_in
from tests.support.relying_party import RelyingParty, sign_in_person

SCOPE = "openid profile email offline_access"
EMAIL = "ada@example.test"

Operation = Callable[[], object]


def prepare(app: Starlette, installation: Installation, *, times: int) -> dict[str, Operation]:
    """Return the operations by name; each can be called `times` times. Raises AssertionError if one is refused."""
    issuer = str(installation.settings.issuer)
    with unit_of_work(installation) as work:
        user_id = make_user(work, EMAIL)
        client, secret = make_client(
            work,
            first_party=True,
            scope=SCOPE,
            grant_types=("authorization_code", "refresh_token", "client_credentials"),
        )

    def new_client() -> TestClient:
        return TestClient(app, base_url=issuer, follow_redirects=False)

    rp, browser = RelyingParty(new_client(), client, secret, issuer=issuer), new_client()
    sign_in_person(browser, installation, user_id)
    first = rp.sign_in(browser, scope=SCOPE)
    newest = [first.refresh_token]
    holder = RelyingParty(new_client(), client, secret, issuer=issuer)
    holder.prover = Prover()
    # With a nonce, because the clock of the installation may stand still.
    holder.prover.nonce = holder.client_credentials().response.headers["dpop-nonce"]
    signing: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "jwks": Signatory().jwks}
    with unit_of_work(installation) as work:
        keyed, _ = make_client(
            work, first_party=True, scope="read", redirect_uris=(), grant_types=("client_credentials",), **signing
        )
    signer = RelyingParty(new_client(), keyed, None, issuer=issuer)
    held = [holder.sign_in(browser, scope=SCOPE).refresh_token]
    codes = [rp.ask(browser, scope=SCOPE) for _ in range(times)]
    families = [rp.sign_in(browser, scope=SCOPE) for _ in range(times)]

    def done(response: httpx2.Response) -> Any:
        assert response.status_code in {200, 303}, response.text
        return response

    def refresh() -> None:
        newest[0] = rp.refresh(newest[0]).refresh_token

    def refresh_with_proof() -> None:
        held[0] = holder.refresh(held[0]).refresh_token

    return {
        "sign-in": lambda: sign_in(Browser(app, issuer), EMAIL),
        "authorization": lambda: rp.ask(browser, scope=SCOPE).code,
        "code": lambda: rp.redeem(codes.pop()).access_token,
        "refresh_token": refresh,
        "refresh_token with DPoP": refresh_with_proof,
        "client_credentials with DPoP": lambda: holder.client_credentials().access_token,
        "client_credentials with an assertion": lambda: signer.client_credentials().access_token,
        "client_credentials": lambda: rp.client_credentials().access_token,
        "userinfo": lambda: done(rp.userinfo(first)),
        "introspection": lambda: done(rp.post("/oauth2/introspect", token=first.access_token)),
        "revocation": lambda: done(rp.revoke(families.pop().refresh_token)),
        "account page": lambda: done(browser.get("/account")),
        "discovery": lambda: done(rp.http.get("/.well-known/openid-configuration")),
    }
