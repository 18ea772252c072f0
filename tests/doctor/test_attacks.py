"""signet doctor as an attacker: each weakness is named. Each case breaks Signet, or what comes back from it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from starlette.testclient import TestClient

from provider.app import create_app
from provider.doctor.attack import guests, tokens
from provider.doctor.attack.examination import _try
from provider.doctor.attack.probe import PROBES
from provider.doctor.attack.wire import Wire
from provider.doctor.attack.world import EVIL, World
from provider.doctor.examination import Case
from provider.doctor.findings import Severity
from provider.doctor.transport import Response
from provider.installation import open_installation
from provider.oauth.authorize import parameters, request
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.endpoints import end_session
from provider.oauth.grants import authorization_code
from provider.oauth.keys.key_ring import Keys
from provider.oauth.tokens import access_tokens
from provider.ratelimits.counter import LimitCounter
from provider.sessions import lifecycle
from provider.web import csrf, destination
from tests.support.clock import Clock
from tests.support.doctor import FakeResolver, FakeTransport, Proxy, Request, forward, respond, with_header, without
from tests.support.installation import ISSUER, settings_for

TOKEN, USERINFO, AUTHORIZE, LOGIN = "/oauth2/token", "/oauth2/userinfo", "/oauth2/authorize", "/login"
NAMED = {probe.name: probe for probe in PROBES}


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One installation and one signed-in user for all cases: what they break is mended after each."""
    path = tmp_path_factory.mktemp("attacks") / "signet.db"
    path.write_bytes(sqlite_template.read_bytes())
    clock = Clock()
    installation = open_installation(settings_for(f"sqlite:///{path}"), clock=clock, counter=LimitCounter())
    app = create_app(installation)
    with TestClient(app, base_url=ISSUER, follow_redirects=False) as client:
        proxy = Proxy(client, ISSUER)
        case = Case(
            url=ISSUER,
            transport=FakeTransport(proxy),
            resolver=FakeResolver(),
            now=clock,
            installation=installation,
        )
        wire = Wire(case)
        created = guests.create(installation, wire.request_ids)
        world = World(case, wire, created)
        world.enter(world.visitor, world.request())
        yield world
        guests.remove(created)
    app.state.threads.close()
    installation.database.close()


@dataclass
class Broken:
    """What a case breaks."""

    proxy: Proxy
    patch: pytest.MonkeyPatch

    def skip(self, *names: str) -> None:
        """Let a check of the protocol pass."""
        usual = Checks.require

        def require(checks: Checks, passed: object, name: str, **detail: Any) -> None:
            usual(checks, passed or name in names, name, **detail)

        self.patch.setattr(Checks, "require", require)

    def change(self, path: str | None, change: Callable[[Response], Response]) -> None:
        """Let a proxy change the responses of a path, or of all."""
        self.proxy.change = lambda asked, response: change(response) if path in {None, asked} else response

    def location(self, old: str, new: str) -> None:
        """Let a proxy rewrite where responses redirect to."""
        self.change(
            None,
            lambda response: (
                with_header(response, "location", str(response.header("location")).replace(old, new))
                if response.header("location")
                else response
            ),
        )

    def repeat(self, path: str) -> None:
        """Let a proxy answer the same form with the same response."""
        known: dict[bytes | None, Response] = {}

        def answer(asked: Request) -> Response | None:
            if asked[1] != path or asked[3] not in known:
                self.proxy.change = lambda at, response: (
                    known.setdefault(asked[3], response) if at == path else response
                )
                return None
            return known[asked[3]]

        self.proxy.answer = answer

    def verified(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Let the claims of access tokens be others, after their signature was verified."""
        usual = Keys.verify
        self.patch.setattr(Keys, "verify", lambda *given, **more: change(usual(*given, **more)))


@pytest.fixture
def broken(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broken]:
    proxy = world.case.transport.answers  # type: ignore[attr-defined]  # the stand-in
    usual = proxy.forward, proxy.answer, proxy.change
    yield Broken(proxy, monkeypatch)
    proxy.forward, proxy.answer, proxy.change = usual


def ok(response: Response) -> Response:
    return replace(response, status=200) if response.status in {400, 401} else response


def to_app(asked: Request) -> Response | None:
    """A code for anyone who asks with prompt=none."""
    _, path, headers, _ = asked
    if not path.startswith(AUTHORIZE) or "prompt=none" not in path or "Cookie" in headers:
        return None
    return respond(303, location=parse_qs(urlsplit(path).query)["redirect_uri"][0] + "?code=x")


def from_query(asked: Request) -> Request:
    """A proxy that moves a token from the query to the header."""
    method, path, headers, body = forward(asked)
    given = parse_qs(urlsplit(path).query).get("access_token")
    return (method, USERINFO, {**headers, "Authorization": f"Bearer {given[0]}"}, body) if given else asked


def to_code_of_pushed(asked: Request) -> Response | None:
    """A code for anyone who names a pushed request."""
    return respond(303, location="https://app.example/cb?code=x") if "request_uri=" in asked[1] else None


def to_redirect_beside(asked: Request) -> Response | None:
    """An error for the address that stands beside a pushed request."""
    given = parse_qs(urlsplit(asked[1]).query)
    beside = "request_uri" in given and "redirect_uri" in given
    return respond(303, location=given["redirect_uri"][0] + "?error=x") if beside else None


def other_keys(response: Response) -> Response:
    key = tokens.foreign_key().as_dict(private=False)
    keys = [{**key, "kid": each["kid"], "alg": each["alg"]} for each in json.loads(response.body)["keys"]]
    return replace(response, body=json.dumps({"keys": keys}).encode())


def host_follows(name: str) -> Callable[[Request], Response | None]:
    return lambda asked: (
        respond(200, f'<a href="https://{asked[2][name]}/">'.encode()) if asked[2].get(name) == EVIL else None
    )


def echo(asked: Request) -> Response | None:
    return respond(200, str(asked[2]).encode()) if asked[0] == "TRACE" else None


def anything(*_: object) -> bool:
    return True


def nothing(*_: object, **__: object) -> None:
    """Check nothing."""


def unverified(_keys: Keys, _work: object, token: str, **_: object) -> dict[str, Any]:
    """Believe what a token says."""
    return tokens.claims_of(token)


Break = Callable[[Broken], object]
CASES: list[tuple[str, Break]] = [
    ("attack.redirect-to-other-host", lambda b: b.patch.setattr(request, "is_registered", anything)),
    ("attack.redirect-to-variant", lambda b: b.patch.setattr(request, "is_registered", lambda u, r: u.startswith(r))),
    ("attack.redirect-of-errors", lambda b: b.patch.setattr(request, "is_registered", anything)),
    (
        "attack.redirect-twice-given",
        lambda b: [b.patch.setattr(each, "require_sent_once", nothing) for each in (request, parameters)],
    ),
    ("attack.redirect-after-sign-out", lambda b: b.patch.setattr(end_session, "is_registered", anything)),
    ("attack.redirect-after-sign-in", lambda b: b.patch.setattr(destination, "local_path", lambda text: text)),
    (
        "attack.no-pkce",
        lambda b: b.patch.setattr(request, "read_challenge", lambda _c, _cl, _r, given: given.get("code_challenge")),
    ),
    ("attack.plain-pkce", lambda b: b.skip("code_challenge_method is S256")),
    (
        "attack.implicit",
        lambda b: b.skip("response_type is supported", "response_type is registered for the client"),
    ),
    ("attack.no-sign-in", lambda b: setattr(b.proxy, "answer", to_app)),
    ("attack.mix-up", lambda b: b.location("iss=", "issuer=")),
    ("attack.mix-up", lambda b: b.location(quote(ISSUER, safe=""), quote(f"https://{EVIL}", safe=""))),
    ("attack.state", lambda b: b.location("state=a", "state=b")),
    ("attack.code-replay", lambda b: b.repeat(TOKEN)),
    ("attack.code-replay", lambda b: b.patch.setattr(authorization_code, "_revoke_replayed", nothing)),
    ("attack.wrong-verifier", lambda b: b.patch.setattr(authorization_code, "_matches", anything)),
    ("attack.no-verifier", lambda b: b.patch.setattr(authorization_code, "_matches", anything)),
    (
        "attack.verifier-without-challenge",
        lambda b: b.patch.setattr(authorization_code, "_matches", lambda verifier, challenge: verifier == challenge),
    ),
    (
        "attack.code-of-another-client",
        lambda b: b.patch.setattr(authorization_code, "require_own", lambda _r, _k, found: found),
    ),
    (
        "attack.code-with-another-redirect-uri",
        lambda b: b.skip("redirect_uri is the same as in the authorization request"),
    ),
    ("attack.invented-code", lambda b: b.change(TOKEN, ok)),
    ("attack.wrong-client-secret", lambda b: b.patch.setattr(Client, "has_secret", anything)),
    ("attack.credentials-in-the-url", lambda b: b.change(TOKEN, ok)),
    ("attack.password-grant", lambda b: b.change(TOKEN, ok)),
    ("attack.unregistered-grant", lambda b: b.change(TOKEN, ok)),
    ("attack.refresh-replay", lambda b: b.repeat(TOKEN)),
    ("attack.refresh-token-of-another-client", lambda b: b.change(TOKEN, ok)),
    ("attack.refresh-with-more-scope", lambda b: b.change(TOKEN, ok)),
    ("attack.revoked-token", lambda b: setattr(b.proxy, "answer", lambda a: respond() if "revoke" in a[1] else None)),
    ("attack.caches-of-tokens", lambda b: b.change(TOKEN, lambda response: without(response, "cache-control"))),
    ("attack.caches-of-tokens", lambda b: b.change(USERINFO, lambda r: with_header(r, "cache-control", "max-age=9"))),
    ("attack.id-token", lambda b: b.change(tokens.KEYS, other_keys)),
    ("attack.alg-none", lambda b: b.patch.setattr(Keys, "verify", unverified)),
    ("attack.forged-key", lambda b: b.patch.setattr(Keys, "verify", unverified)),
    ("attack.key-in-the-header", lambda b: b.patch.setattr(Keys, "verify", unverified)),
    ("attack.public-key-as-secret", lambda b: b.patch.setattr(Keys, "verify", unverified)),
    ("attack.changed-token", lambda b: b.patch.setattr(Keys, "verify", unverified)),
    ("attack.foreign-issuer", lambda b: b.verified(lambda claims: claims | {"iss": ISSUER})),
    ("attack.foreign-audience", lambda b: b.verified(lambda claims: claims | {"aud": ISSUER})),
    ("attack.expired-token", lambda b: b.patch.setattr(access_tokens, "_is_timely", anything)),
    ("attack.id-token-as-access-token", lambda b: b.change(USERINFO, ok)),
    ("attack.token-in-the-url", lambda b: setattr(b.proxy, "forward", from_query)),
    ("attack.forged-sign-in", lambda b: b.patch.setattr(csrf, "require_token", nothing)),
    ("attack.forged-sign-in", lambda b: b.patch.setattr(csrf, "require_same_site", nothing)),
    ("attack.forged-consent", lambda b: b.patch.setattr(csrf, "require_token", nothing)),
    ("attack.forged-consent", lambda b: b.patch.setattr(csrf, "require_same_site", nothing)),
    ("attack.session-fixation", lambda b: b.patch.setattr(lifecycle, "new_opaque", lambda: "A" * 43)),
    (
        "attack.session-after-sign-out",
        lambda b: setattr(b.proxy, "answer", lambda a: respond(303, location="/login") if "sign-out" in a[1] else None),
    ),
    ("attack.framing", lambda b: b.change(LOGIN, lambda r: without(r, "content-security-policy"))),
    ("attack.framing", lambda b: b.change("/consent", lambda r: without(r, "x-frame-options"))),
    ("attack.caches-of-pages", lambda b: b.change("/account", lambda r: without(r, "cache-control"))),
    ("attack.caches-of-pages", lambda b: b.change(AUTHORIZE, lambda r: without(r, "referrer-policy"))),
    (
        "attack.markup",
        lambda b: setattr(b.proxy, "answer", lambda a: respond(200, unquote(a[1]).encode()) if "svg" in a[1] else None),
    ),
    ("attack.other-host", lambda b: setattr(b.proxy, "answer", host_follows("Host"))),
    ("attack.forwarded-host", lambda b: setattr(b.proxy, "answer", host_follows("X-Forwarded-Host"))),
    (
        "attack.metadata-endpoints",
        lambda b: b.change(
            "/.well-known/openid-configuration",
            lambda r: replace(r, body=r.body.replace(f"{ISSUER}{TOKEN}".encode(), b"https://evil.example")),
        ),
    ),
    ("attack.trace", lambda b: setattr(b.proxy, "answer", echo)),
    (
        "attack.foreign-origin",
        lambda b: b.change(USERINFO, lambda r: with_header(r, "access-control-allow-origin", "*")),
    ),
    ("attack.pushed-without-secret", lambda b: b.patch.setattr(Client, "has_secret", anything)),
    ("attack.pushed-redirect-to-other-host", lambda b: b.patch.setattr(request, "is_registered", anything)),
    ("attack.pushed-request-of-another-client", lambda b: setattr(b.proxy, "answer", to_code_of_pushed)),
    ("attack.pushed-request-with-more-parameters", lambda b: setattr(b.proxy, "answer", to_redirect_beside)),
    ("attack.parameters-twice", lambda b: b.change(TOKEN, ok)),
    ("attack.credentials-twice", lambda b: b.change(TOKEN, ok)),
    ("attack.authorization-twice", lambda b: b.change(USERINFO, ok)),
    ("attack.bound-token-as-bearer", lambda b: b.change(USERINFO, ok)),
    ("attack.wrong-proof", lambda b: b.change(USERINFO, ok)),
    ("attack.proof-replay", lambda b: b.change(USERINFO, ok)),
    ("attack.refresh-with-another-key", lambda b: b.change(TOKEN, ok)),
    ("attack.device-code-before-approval", lambda b: b.change(TOKEN, ok)),
    ("attack.device-code-of-another-client", lambda b: b.change(TOKEN, ok)),
    ("attack.forged-device-approval", lambda b: b.patch.setattr(csrf, "require_token", nothing)),
    ("attack.forged-device-approval", lambda b: b.patch.setattr(csrf, "require_same_site", nothing)),
    (
        "attack.password-guessing",
        lambda b: b.change(LOGIN, lambda r: replace(r, status=400) if r.status == 429 else r),
    ),
]


def test_each_probe_is_shown_a_weakness() -> None:
    """A probe that cannot fail says nothing."""
    assert {f"attack.{name}" for name in NAMED} == {name for name, _ in CASES} | {"attack.session-cookie"}
    assert len(PROBES) >= 25


@pytest.mark.parametrize(("name", "do"), CASES, ids=[f"{name}-{number}" for number, (name, _) in enumerate(CASES)])
def test_a_weakness_is_named(world: World, broken: Broken, name: str, do: Break) -> None:
    """N-439."""
    do(broken)
    found = _try(world, NAMED[name.partition(".")[2]])
    assert (found.id, found.severity) == (name, Severity.PROBLEM), found.what


def test_a_session_cookie_that_scripts_can_read_is_named(world: World, broken: Broken) -> None:
    visitor = world.visitor
    for attribute in ("HttpOnly; ", "; SameSite=lax", "; Secure"):
        broken.patch.setitem(visitor.lines, "__Host-signet", visitor.lines["__Host-signet"].replace(attribute, ""))
        assert _try(world, NAMED["session-cookie"]).id == "attack.session-cookie"
        broken.patch.undo()
