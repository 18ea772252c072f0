"""Operations on things that do not exist: 404, whatever the operation and whatever the id looks like."""

from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from provider.admin.operation import AdminOperation
from provider.web.routing import flattened
from tests.admin.conftest import API, Program, events
from tests.admin.test_conformance import MAKERS
from tests.api.test_picture import picture
from tests.support.cases import in_one_world
from tests.support.effort import effort
from tests.support.factories import REDIRECT_URI
from tests.support.installation import Work

NUL = "%00"
LIKE_AN_ID = "00000000-0000-7000-8000-000000000000"
UNLIKE_AN_ID = ("x", "%27", "00000000000070008000000000000000", "ä")
SHOP = {"client_name": "Shop", "redirect_uris": [REDIRECT_URI]}
BODIES: dict[str, dict[str, Any]] = {
    "change_user": {"roles": ["x"]},
    "suspend_user": {"reason": "x"},
    "remove_key": {"even_if_used": True},
    "request_email_change_of_user": {"email": "ada@new.example.test"},
    "link_identity": {"issuer": "https://accounts.example", "subject": "117"},
    "send_letter": {"purpose": "reset"},
    "issue_link": {"purpose": "reset"},
    "change_session": {"expires_at": "2100-01-01T00:00:00Z"},
    "replace_client": SHOP,
    "replace_upstream": {"preset": "github", "client_id": "us", "client_secret": "s"},
    "replace_trusted_issuer": {"algorithms": ["ES256"]},
    "enable_signal_stream": {"reason": "x"},
    "pause_signal_stream": {"reason": "x"},
    "disable_signal_stream": {"reason": "x"},
    "put_signal_stream": {"endpoint_url": "https://shop.example.test/events"},
    "put_provisioning": {"base_url": "https://shop.example.test/scim", "token": "t"},
    "retry_provisioning": {"kind": "user", "key": "x"},
    "replay_webhook": {"since": "2026-01-01T00:00:00Z"},
}
PARTS = {"identity_id", "app_id", "passkey_id", "device_id", "family_id", "error_id"}
"""Named by a path, and never made here: each of them is unknown."""


def send(operator: Program, route: Route, path: str, *, seen: str | None = None) -> httpx2.Response:
    method = next(each for each in route.methods or () if each != "HEAD")
    if method == "PUT" and path.endswith("/picture"):
        headers = {"authorization": f"Bearer {operator.token}", "content-type": "image/png"}
        return operator.http.put(API + path, content=picture("PNG"), headers=headers)
    return operator(method, path, seen=seen, **BODIES.get(route.name, {}))


@pytest.mark.also_on_postgresql
def test_what_does_not_exist_is_not_found(app: Starlette, operator: Program, work: Work) -> None:
    """RFC 9110 section 15.5.5. Each id of each path in turn is one that nothing has; the others exist."""
    seen: set[str] = set()
    for route in flattened(app.routes):
        if not (isinstance(route, Route) and isinstance(route.endpoint, AdminOperation) and "{" in route.path):
            continue
        names = list(route.param_convertors)
        path = route.path.removeprefix("/api/admin").replace(":path", "")
        if route.name in {
            "put_role",
            "put_group",
            "put_details_type",
            "put_user_attribute",
            "put_claim_mapping",
        }:  # creates it
            creating = path.format(role=NUL, group=NUL, type=NUL, name=NUL, mapping=NUL)
            assert send(operator, route, creating, seen='"x"').is_client_error, path
            continue
        for name in names:
            one = UNLIKE_AN_ID[len(seen) % len(UNLIKE_AN_ID)]
            for unknown in (LIKE_AN_ID, NUL, *effort((one,), UNLIKE_AN_ID)):
                with work() as w:
                    real = {other: MAKERS[other](w) for other in names if other != name and other in MAKERS}
                filled = path.format(**{**dict.fromkeys(PARTS, "x"), **real, name: unknown})
                if unknown == NUL:  # PostgreSQL cannot compare with it, also while it locks what is to be changed
                    answer = send(operator, route, filled, seen='"x"')
                    assert answer.status_code == 404, (route.name, name, answer.text)
                answer = send(operator, route, filled)
                assert answer.status_code == 404, (route.name, name, unknown, answer.text)
                assert answer.json()["type"].startswith("urn:signet:problem:"), answer.text
        seen.add(route.name)
    assert len(seen) > 30


@in_one_world(
    ("path", "kind"),
    [
        (f"/identities/{LIKE_AN_ID}", "no-such-identity"),
        ("/picture", "no-picture"),
        ("/two-factor", "not-turned-on"),
        ("/consents/shop", "not-connected"),
        (f"/token-families/{LIKE_AN_ID}", "no-such-family"),
    ],
)
def test_what_a_user_does_not_have_is_not_found_and_nothing_is_recorded(
    operator: Program, ada: str, work: Work, path: str, kind: str
) -> None:
    answer = operator("DELETE", f"/users/{ada}{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, f"urn:signet:problem:{kind}")
    assert [
        event for name in ("account.identity.unlinked", "account.picture.changed") for event in events(work, name)
    ] == []


def test_an_identity_of_another_user_is_not_found(operator: Program, ada: str) -> None:
    """A-55."""
    bob = operator("POST", "/users", email="bob@example.test").json()["id"]
    linked = operator("POST", f"/users/{bob}/identities", issuer="https://accounts.example", subject="117").json()
    path = f"/identities/{linked['identities'][0]['id']}"
    assert operator("DELETE", f"/users/{ada}{path}").status_code == 404
    assert (
        operator("DELETE", f"/users/{bob}{path.upper().replace('IDENTITIES', 'identities')}?force=true").status_code
        == 204
    )
    assert operator("DELETE", f"/users/{bob}{path}?force=true").status_code == 404
