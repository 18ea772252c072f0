"""The certified openid-client asks in every way there is: PAR, JAR, both, form_post, resource indicators, exchange."""

from typing import Any

from joserfc.jwk import ECKey

from provider.accounts.store import email_addresses
from provider.database.security_stamp import FIRST
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.sessions import lifecycle
from provider.web import cookies
from provider.work import unit_of_work
from tests.interop.conftest import EMAIL, Served, StartApp
from tests.support.factories import make_client

API, OTHER_API = "https://books.example.test", "https://films.example.test"


def register_api(served: Served, identifier: str, **metadata: Any) -> tuple[str, str | None]:
    with unit_of_work(served.installation) as work:
        client, secret = make_client(
            work,
            redirect_uris=(),
            scope="read",
            resource_identifiers=(identifier,),
            **{"grant_types": ("client_credentials",), **metadata},
        )
    return client.client_id, secret


def test_openid_client_asks_in_every_way(served: Served, start_app: StartApp) -> None:
    """RFC 9126, RFC 9101, Form Post Response Mode, RFC 8707, RFC 8693; authenticated by private_key_jwt (RFC 7523)."""
    api, secret = register_api(served, API, grant_types=(TOKEN_EXCHANGE,), exchange_targets=(OTHER_API,))
    register_api(served, OTHER_API)
    key = ECKey.generate_key("P-256", {"kid": "own", "alg": "ES256"})
    with unit_of_work(served.installation) as work:
        found = email_addresses.find_owner(work.read, EMAIL)
        assert found is not None
        user_id = found[0].id
        session = lifecycle.open_session(work, user_id=user_id, security_stamp=FIRST, factor="pwd")
    cookie = cookies.cookie_name(served.installation.settings, cookies.SESSION)
    app = start_app(
        "private_key_jwt",
        app="ways",
        own_key=key.as_dict(private=True),
        more={
            "cookie": f"{cookie}={session}",
            "api": API,
            "other_api": OTHER_API,
            "api_client_id": api,
            "api_secret": secret,
        },
        jwks={"keys": [key.as_dict(private=False)]},
        first_party=True,
        scope="openid profile read",
    )
    learned = app.listen()
    for way in ("pushed", "both"):
        assert learned[way] == {"in_url": ["client_id", "request_uri"], "sub": user_id}
    assert learned["signed"] == {"in_url": ["client_id", "request"], "sub": user_id}
    assert learned["form_post"] == user_id
    assert learned["jwt"] == user_id
    assert API in learned["resource"]
    assert learned["refused"] == "invalid_target"
    assert API in learned["api_sees"]
    assert learned["exchanged"] == {
        "aud": OTHER_API,
        "type": "urn:ietf:params:oauth:token-type:access_token",
    }
