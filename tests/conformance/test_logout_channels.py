"""The back-channel, front-channel and session-management plans: oidcc-backchannel-rp-initiated-logout-,
oidcc-frontchannel-rp-initiated-logout- and oidcc-session-management-certification-test-plan. One test per module.
"""

import re
import time
from html import unescape
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jws, jwt

from tests.conformance.suite import RP, Person, Provider
from tests.conformance.test_rp_initiated_logout import SIGNED_OUT, STATE, is_signed_out, log_out
from tests.support.foreign_server import ForeignServer, answer
from tests.support.waiting import wait_until

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def test_oidcc_backchannel_logout_discovery_endpoint_verification(provider: Provider) -> None:
    assert provider.metadata["backchannel_logout_supported"] is True
    assert provider.metadata["backchannel_logout_session_supported"] is True


def test_oidcc_backchannel_rp_initiated_logout(provider: Provider, person: Person, suite_server: ForeignServer) -> None:
    suite_server.behaviour = answer(b"")
    registration = {
        "post_logout_redirect_uris": [SIGNED_OUT],
        "backchannel_logout_uri": suite_server.url("/backchannel_logout"),
        "backchannel_logout_session_required": True,
    }
    with provider.client(**registration) as client:
        done = client.sign_in(person)
        log_out(person, client, done)
        assert person.left_to is not None
        assert parse_qs(urlsplit(person.left_to).query) == {"state": [STATE]}
        told = wait_until(lambda: suite_server.requests, what="the app was not notified")[0]
        assert (told.method, told.target) == ("POST", "/backchannel_logout")
        form = dict(parse_qsl(told.body.decode()))
        assert form.keys() == {"logout_token"}
        token = jwt.decode(form["logout_token"], provider.jwks(), algorithms=["RS256"])
        assert jws.extract_compact(form["logout_token"].encode()).headers()["typ"] == "logout+jwt"
        claims = token.claims
        assert (claims["iss"], claims["aud"]) == (provider.issuer, client.client_id)
        assert claims["events"] == {EVENT: {}}
        assert (claims["sub"], claims["sid"]) == (done.id_token["sub"], done.id_token["sid"])
        assert abs(claims["iat"] - time.time()) < 60
        assert claims["jti"]
        assert "nonce" not in claims
        assert is_signed_out(person, client)


def test_oidcc_frontchannel_logout_discovery_endpoint_verification(provider: Provider) -> None:
    assert provider.metadata["frontchannel_logout_supported"] is True
    assert provider.metadata["frontchannel_logout_session_supported"] is True


def test_oidcc_frontchannel_rp_initiated_logout(provider: Provider, person: Person) -> None:
    registration = {
        "post_logout_redirect_uris": [SIGNED_OUT],
        "frontchannel_logout_uri": f"{RP}/frontchannel_logout",
        "frontchannel_logout_session_required": True,
    }
    with provider.client(**registration) as client:
        done = client.sign_in(person)
        page = log_out(person, client, done)
        frame = unescape(re.findall(r'<iframe[^>]* src="([^"]+)"', page.html)[0])
        assert frame.partition("?")[0] == f"{RP}/frontchannel_logout"
        assert parse_qs(urlsplit(frame).query) == {"iss": [provider.issuer], "sid": [done.id_token["sid"]]}
        origin = "https://suite.example.test"
        assert f"frame-src {origin};" in page.response.headers["content-security-policy"]
        onward = next(target for target in page.links.values() if target.startswith(SIGNED_OUT))
        assert parse_qs(urlsplit(onward).query) == {"state": [STATE]}
        assert is_signed_out(person, client)


def test_oidcc_session_management_discovery_endpoint_verification(provider: Provider) -> None:
    assert provider.metadata["check_session_iframe"].startswith("https://")


def test_oidcc_session_management_rp_initiated_logout(provider: Provider, person: Person) -> None:
    """What the frame answers is tried in Chromium (`tests/journeys/test_logout_channels.py`); here, what it needs."""
    with provider.client(post_logout_redirect_uris=[SIGNED_OUT]) as client:
        done = client.sign_in(person)
        state = done.callback.parameters["session_state"]
        assert re.fullmatch(r"\S+", state)
        assert client.ask(person, prompt="none").parameters["session_state"]
        frame = person.open(provider.metadata["check_session_iframe"])
        assert frame.status == 200
        assert "x-frame-options" not in frame.response.headers
        assert "frame-ancestors" not in frame.response.headers["content-security-policy"]
        log_out(person, client, done)
        assert is_signed_out(person, client)
