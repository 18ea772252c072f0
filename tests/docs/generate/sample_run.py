"""A run of the provider that shows its tokens and responses: a sign-in, a refresh, a service, an exchange, a sign-out.

The time is fixed. Values that are random in each run are replaced by fixed ones of the same form.
"""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from joserfc import jws
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from provider.accounts import registration
from provider.accounts.groups.groups import GroupSettings, create_group
from provider.accounts.groups.members import add_member
from provider.app import create_app
from provider.installation import open_installation
from provider.oauth.authorization_details.types import create_type, parse_declaration
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.grants.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from provider.oauth.logout.back_channel import make_logout_token
from provider.oauth.setting_up import create_keys_and_salt
from provider.oauth.tokens.introspection_jwts import MEDIA_TYPE
from provider.oauth.tokens.server import open_server
from provider.ratelimits.counter import LimitCounter
from provider.tables import metadata
from provider.work import Installation, unit_of_work
from tests.support.dpop import Prover
from tests.support.installation import settings_for
from tests.support.relying_party import RelyingParty, sign_in_person

NOW = datetime(2026, 11, 29, 10, 15, tzinfo=UTC)
ISSUER, API, FURTHER_API = "https://id.example.com", "https://api.example.com", "https://reports.example.com"
USER_ID = "0b8e5c1e-4b0f-4a57-9c0e-6d1c7f2a9e34"
SCOPE = "openid profile email roles groups offline_access"
DETAILS = [{"type": "files", "actions": ["read"], "identifier": "reports/2026"}]
FILES = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"type": True, "actions": {"type": "array"}, "identifier": {"type": "string"}},
}
RANDOM = {
    "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJraWQiOi...",
    "id_token": "eyJ0eXAiOiJKV1QiLCJraWQiOiJ...",
    "refresh_token": "4Qm1tXo0eJH2vUy8sKcN7wPzRb5dLgF3iAqTnVhEx6M",
    "grant_id": "9d2b7a90-3f1c-4c5e-8a64-1b0e7d5c2f48",
    "jti": "pX3vN8cQ2mZ7tK1yLw5RbA",
    "error_id": "7f3k2m9qd4htw1vb",
    "instance": "7f3k2m9qd4htw1vb",
    "kid": "mU2g7b0vQnK4tYx8HcL1sPdRzE6wJf3AoiN9VqT5GkB",
    "at_hash": "x7Qk2vN9tLm4cRb1YwZp8A",
    "c_hash": "Lm4cRb1YwZp8Ax7Qk2vN9t",
    "sid": "5d0c9a52-7d6e-4a83-8f63-0f0b3c1e2a77",
}

Sample = dict[str, Any]


@cache
def samples() -> dict[str, Sample]:
    """Return the payloads and bodies by name. The headers of tokens are `NAME header`."""
    with TemporaryDirectory(prefix="signet-samples-") as folder, capture_logs():
        settings = settings_for(f"sqlite:///{Path(folder)}/signet.db", issuer=ISSUER, legacy_response_types=True)
        installation = open_installation(settings, clock=lambda: NOW, counter=LimitCounter())
        try:
            metadata.create_all(installation.database.engine)
            return {name: _fixed(sample) for name, sample in _run(installation).items()}
        finally:
            installation.database.close()


def _run(installation: Installation) -> dict[str, Sample]:
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
        registration.create_user(
            work,
            email="ada@example.com",
            password=None,
            verified=True,
            roles=("editor",),
            claims={"name": "Ada Lovelace", "locale": "en"},
            user_id=USER_ID,
        )
        create_group(work, "engineering", GroupSettings())
        add_member(work, "engineering", user_id=USER_ID)
    app = create_app(installation)
    try:
        http = TestClient(app, base_url=ISSUER, follow_redirects=False)
        sign_in_person(http, installation, USER_ID, amr="pwd otp mfa")
        return _samples(installation, http)
    finally:
        app.state.threads.close()


def _samples(installation: Installation, http: TestClient) -> dict[str, Sample]:
    web = _register(
        installation,
        http,
        "quill",
        redirect_uris=("https://quill.example.com/callback",),
        scope=SCOPE,
        authorization_details_types=("files",),
    )
    with unit_of_work(installation) as work:
        create_type(work, "files", parse_declaration({"label": "Access your files", "json_schema": FILES}))
    service = _register(installation, http, "reports", grant_types=("client_credentials",), scope="read admin:write")
    api = _register(
        installation,
        http,
        "quill-api",
        grant_types=("client_credentials", GRANT_TYPE),
        resource_identifiers=(API,),
        exchange_targets=(FURTHER_API,),
        scope=f"{SCOPE} read",
    )
    further = _register(
        installation, http, "reports-api", resource_identifiers=(FURTHER_API,), grant_types=("client_credentials",)
    )
    first = web.redeem(web.ask(http, scope=SCOPE, nonce="n-0S6_WzA2Mj", authorization_details=json.dumps(DETAILS)))
    for_api = web.redeem(web.ask(http, scope=SCOPE, resource=API), resource=API)
    exchanged = api.post(
        "/oauth2/token",
        grant_type=GRANT_TYPE,
        subject_token=for_api.access_token,
        subject_token_type=ACCESS_TOKEN,
        resource=FURTHER_API,
    ).json()
    hybrid = _register(
        installation,
        http,
        "legacy",
        redirect_uris=("https://legacy.example.com/callback",),
        response_types=("code id_token",),
        grant_types=("authorization_code", "implicit"),
        scope="openid",
    )
    front = hybrid.ask(http, response_type="code id_token", nonce="n-0S6_WzA2Mj")
    headers = api.authentication()[0] | {"accept": MEDIA_TYPE}
    jwt = http.post("/oauth2/introspect", data={"token": for_api.access_token}, headers=headers).text
    service.prover = Prover()  # with a nonce, because the time of this run is not the present
    service.prover.nonce = service.client_credentials().response.headers["dpop-nonce"]
    bound = service.client_credentials(scope="read").access_token
    service.prover = None
    with unit_of_work(installation) as work:
        server = open_server(installation)
        logout = make_logout_token(
            work, server, web.client, user_id=USER_ID, session_id=_payload(first.id_token)["sid"]
        )
    return {
        "token response": first.body,
        "access token header": _header(first.access_token),
        "access token": _payload(first.access_token),
        "access token of a service": _payload(service.client_credentials(scope="read").access_token),
        "bound access token": _payload(bound),
        "exchanged access token": _payload(exchanged["access_token"]),
        "token response of an exchange": exchanged,
        "ID token header": _header(first.id_token),
        "ID token": _payload(first.id_token),
        "ID token with a code": _payload(front.parameters["id_token"]),
        "userinfo": web.userinfo(first).json(),
        "introspection": api.introspect(for_api.access_token),
        "introspection of an exchanged token": further.introspect(exchanged["access_token"]),
        "introspection of a bound token": service.introspect(bound),
        "introspection of a refresh token": web.introspect(first.refresh_token),
        "introspection of an inactive token": web.introspect("unknown"),
        "introspection JWT header": _header(jwt),
        "introspection JWT": _payload(jwt),
        "logout token header": _header(logout),
        "logout token": _payload(logout),
        "OAuth error": web.redeem(web.ask(http), code="unknown").body,
        "problem": _problem(http, service),
    }


def _problem(http: TestClient, operator: RelyingParty) -> Sample:
    token = operator.client_credentials(scope="admin:write").access_token
    problem: Sample = http.post("/api/admin/users", json={}, headers={"authorization": f"Bearer {token}"}).json()
    return problem


def _register(installation: Installation, http: TestClient, client_id: str, **members: Any) -> RelyingParty:
    given = {
        "client_name": client_id,
        "grant_types": ("authorization_code", "refresh_token"),
        "token_endpoint_auth_method": "client_secret_basic",
        "claims_in_id_token": True,
        "first_party": True,
        **members,
    }
    with unit_of_work(installation) as work:
        client, secret = clients.create_client(work, ClientMetadata(**given), client_id=client_id)
    return RelyingParty(http, client, secret, issuer=ISSUER)


def _header(token: str) -> Sample:
    return dict(jws.extract_compact(token.encode()).headers())


def _payload(token: str) -> Sample:
    found: Sample = json.loads(jws.extract_compact(token.encode()).payload)
    return found


def _fixed(sample: Sample) -> Sample:
    """Return a sample with fixed values in place of random ones."""
    return {
        name: _fixed(value) if name == "token_introspection" else RANDOM.get(name, value)
        for name, value in sample.items()
    }
