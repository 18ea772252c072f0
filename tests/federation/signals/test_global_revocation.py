"""Global token revocation: one request ends all access of a user (draft-parecki-oauth-global-token-revocation-06)."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from starlette.testclient import TestClient

from provider.audit.store import find as find_events
from provider.sessions.store import find_all
from provider.work import Installation
from tests.federation.conftest import EXAMPLE
from tests.federation.fake_provider import ISSUER as UPSTREAM
from tests.federation.fake_provider import Traveller, rsa_key
from tests.federation.signals.conftest import ADA, Ends
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import ISSUER, Work
from tests.support.limits import Lower
from tests.support.people import find_user
from tests.support.relying_party import RelyingParty, sign_in_person

SCOPE = "global_token_revocation"
ENDPOINT = f"{ISSUER}/oauth2/global-token-revocation"
NO_ONE = "00000000-0000-4000-8000-000000000001"

Tool = Callable[[Any], httpx2.Response]


def send(client: TestClient, sub_id: Any, token: str | None) -> httpx2.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    answer: httpx2.Response = client.post(ENDPOINT, content=json.dumps({"sub_id": sub_id}), headers=headers)
    return answer


@pytest.fixture
def tool(client: TestClient, work: Work) -> Tool:
    """A security tool, which sends a subject."""
    with work() as w:
        own: dict[str, Any] = {"grant_types": ("client_credentials",), "redirect_uris": (), "scope": SCOPE}
        registered, secret = make_client(w, **{**own, "client_name": "Security tool"})
    token = RelyingParty(client, registered, secret).client_credentials(scope=SCOPE).access_token
    return lambda sub_id: send(client, sub_id, token)


@pytest.fixture
def ada(client: TestClient, work: Work, installation: Installation) -> str:
    with work() as w:
        user_id = make_user(w)
    sign_in_person(client, installation, user_id)
    return user_id


def test_a_tool_ends_all_access_of_a_user_by_address_or_id(
    tool: Tool, ada: str, client: TestClient, work: Work, installation: Installation
) -> None:
    """Sections 3.1 to 3.4. `tests/accounts/test_access.py` has what ends."""
    subjects = (
        {"format": "email", "email": "Ada@Example.test"},
        {"format": "opaque", "id": ada},
        {"format": "iss_sub", "iss": ISSUER, "sub": ada},
    )
    for subject in subjects:
        answer = tool(subject)
        assert (answer.status_code, answer.content) == (204, b"")
        sign_in_person(client, installation, ada)
    with work() as w:
        assert [one.end_reason for one in find_all(w.read, ada)].count("global_revocation") == len(subjects)
        event = find_events(w.read, user_id=ada, names=["token.global_revocation"])[0]
    assert event.details["count"] == 1
    assert event.details["operator"] == f"client {event.client_id}"


def test_the_metadata_names_the_endpoint(client: TestClient) -> None:
    """Section 4."""
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    assert metadata["global_token_revocation_endpoint"] == ENDPOINT
    assert client.get(ENDPOINT).status_code == 405


def test_a_request_that_names_no_user_ends_nothing(tool: Tool, ada: str, ends: Ends) -> None:
    """N-531: section 3.4.2: 404 for an unknown user, 400 for what is no subject that is understood."""
    for unknown in (
        {"format": "email", "email": "bob@example.test"},
        {"format": "email", "email": ada},
        {"format": "opaque", "id": NO_ONE},
        {"format": "opaque", "id": "ada@example.test"},
        {"format": "iss_sub", "iss": "https://other.example.test", "sub": ada},
    ):
        assert tool(unknown).status_code == 404, unknown
    subjects: tuple[Any, ...] = (
        None,
        "ada@example.test",
        [],
        {"email": "ada@example.test"},
        {"format": "email"},
        {"format": "email", "email": ["ada@example.test"]},
        {"format": "phone_number", "phone_number": "+15550100"},
    )
    for wrong in subjects:
        assert tool(wrong).status_code == 400, wrong
    assert ends() == [None]


def test_only_a_client_with_the_scope_that_acts_for_itself_may_ask(
    client: TestClient, ada: str, work: Work, ends: Ends
) -> None:
    """N-532: section 5.1: 401 without a valid token, 403 without the scope."""
    subject = {"format": "opaque", "id": ada}
    with work() as w:
        given: dict[str, Any] = {"first_party": True, "scope": f"openid ssf.manage {SCOPE}"}
        grants = ("authorization_code", "client_credentials")
        app = RelyingParty(client, *make_client(w, grant_types=grants, **given))
    tokens = {
        "of a user": (app.sign_in(client, scope=f"openid {SCOPE}").access_token, 403),
        "with another scope": (app.client_credentials(scope="ssf.manage").access_token, 403),
        "no token": (None, 401),
        "a wrong token": ("x", 401),
    }
    for name, (token, status) in tokens.items():
        answer = send(client, subject, token)
        assert answer.status_code == status, name
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert ends() == [None]


@pytest.mark.both_databases
def test_a_subject_that_no_database_can_hold_is_rejected(tool: Tool, ada: str, ends: Ends) -> None:
    """The answer is 400."""
    for odd in (
        {"format": "iss_sub", "iss": "https://x.example.test/\x00", "sub": "a"},
        {"format": "iss_sub", "iss": "https://x.example.test", "sub": "\ud800"},
        {"format": "email", "email": "a\x00@example.test"},
    ):
        assert tool(odd).status_code == 400, odd
    assert ends() == [None]


def test_a_tool_that_signs_out_too_many_users_is_slowed_down(tool: Tool, ada: str, lower: Lower) -> None:
    lower(global_revocation="1/5minutes")
    assert [tool({"format": "opaque", "id": ada}).status_code for _ in range(2)] == [204, 429]


class TestUpstream:
    """An upstream signs the request like its ID tokens: Universal Logout of Okta."""

    @pytest.fixture
    def signed(self, clock: Clock) -> Callable[..., str]:
        def sign(key: Any = None, typ: str = "global-token-revocation+jwt", **changes: Any) -> str:
            now = int(clock.now.timestamp())
            usual = {"iss": UPSTREAM, "aud": ENDPOINT, "sub": "app", "iat": now, "exp": now + 300, "jti": f"j{now}"}
            claims = {name: value for name, value in {**usual, **changes}.items() if value is not ...}
            used = key or rsa_key("first")
            return jwt.encode({"alg": "RS256", "kid": "first", "typ": typ}, claims, used, algorithms=["RS256"])

        return sign

    def test_it_ends_what_was_opened_through_it(
        self, inside: Traveller, client: TestClient, signed: Callable[..., str], ends: Ends, work: Work
    ) -> None:
        other = {**ADA, "sub": "bob-at-example"}
        assert send(client, other, signed(jti="a")).status_code == 404
        of_ours = {"format": "iss_sub", "iss": ISSUER, "sub": find_user(work).id}
        assert send(client, of_ours, signed(jti="b")).status_code == 404, "our own subjects are not its business"
        assert ends() == [None]
        assert send(client, ADA, signed(jti="c")).status_code == 204
        assert ends() == ["upstream_signal"]

    def test_a_wrong_jwt_is_rejected(
        self, inside: Traveller, client: TestClient, signed: Callable[..., str], ends: Ends, clock: Clock
    ) -> None:
        """N-533: section 5.1."""
        now = int(clock.now.timestamp())
        used = signed(jti="used")
        assert send(client, {**ADA, "sub": "bob"}, used).status_code == 404
        tokens = {
            "used": used,
            "another issuer": signed(iss="https://evil.example.test"),
            "another endpoint": signed(aud="https://evil.example.test/revoke"),
            "another key": signed(rsa_key("x")),
            "expired": signed(iat=now - 900, exp=now - 600),
            "without expiry": signed(exp=...),
            "valid for a day": signed(exp=now + 86400),
            "without jti": signed(jti=...),
            "of another type": signed(typ="JWT"),
        }
        for name, token in tokens.items():
            assert send(client, ADA, token).status_code == 401, name
        assert ends() == [None]

    class TestTurnedOff:
        @pytest.fixture
        def configured(self) -> dict[str, dict[str, Any]]:
            return {"example": EXAMPLE}

        def test_an_upstream_without_signals_ends_nothing(
            self, inside: Traveller, client: TestClient, clock: Clock, ends: Ends
        ) -> None:
            now = int(clock.now.timestamp())
            claims = {"iss": UPSTREAM, "aud": ENDPOINT, "iat": now, "exp": now + 300, "jti": "j"}
            head = {"alg": "RS256", "kid": "first", "typ": "global-token-revocation+jwt"}
            token = jwt.encode(head, claims, rsa_key("first"), algorithms=["RS256"])
            assert send(client, ADA, token).status_code == 401
            assert ends() == [None]
