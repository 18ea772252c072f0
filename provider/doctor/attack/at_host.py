"""Probes of the web server: other hosts, other origins, other methods."""

from collections.abc import Mapping
from typing import Any

from provider.doctor.attack.probe import PROXY, probe
from provider.doctor.attack.wire import Unclear
from provider.doctor.attack.world import EVIL, LOGIN, TOKEN, USERINFO, World, read, tokens_of
from provider.doctor.transport import Response

DISCOVERY = "/.well-known/openid-configuration"
POISONED = "Links in emails and metadata lead to the attacker, also for others if a cache keeps the response."


def _names_evil(response: Response) -> bool:
    return EVIL.encode() in response.body or any(EVIL in value for _, value in response.headers)


def _unmoved(world: World, headers: Mapping[str, str], what: str) -> str | None:
    for path in (DISCOVERY, LOGIN):
        answer = world.wire.send("GET", path, headers=headers)
        if _names_evil(answer):
            return f"With {what}, {path} names {EVIL} (status {answer.status})."
        issuer = read(answer).get("issuer")
        if issuer is not None and issuer != world.case.url:
            return f"With {what}, {path} has the issuer {issuer}."
    return None


@probe(
    "other-host",
    tries="Requests with another Host",
    must="rejected, or answered as always: no link and no metadata follows it",
    why=POISONED,
    section="docs/operate/deploy.md",
)
def other_host(world: World) -> str | None:
    return _unmoved(world, {"Host": EVIL}, f"Host: {EVIL}")


@probe(
    "forwarded-host",
    tries="Requests that claim another host in X-Forwarded-Host, Forwarded and four other headers",
    must="answered as always: no link and no metadata follows it",
    why=POISONED,
    section="docs/operate/deploy.md",
)
def forwarded_host(world: World) -> str | None:
    claimed = {
        "X-Forwarded-Host": EVIL,
        "X-Host": EVIL,
        "X-Forwarded-Server": EVIL,
        "X-Original-Host": EVIL,
        "X-Forwarded-Prefix": f"//{EVIL}",
        "Forwarded": f"for=192.0.2.1;host={EVIL};proto=https",
    }
    return _unmoved(world, claimed, "X-Forwarded-Host")


@probe(
    "metadata-endpoints",
    tries="The discovery document",
    must="the issuer is the URL that was asked, and every endpoint is below it or SIGNET_MTLS_URL",
    why="An app sends codes and secrets where the document says (mix-up).",
    section="RFC 8414 section 3.3",
    fix=PROXY,
)
def endpoints(world: World) -> str | None:
    metadata = read(world.wire.send("GET", DISCOVERY))
    if metadata.get("issuer") != world.case.url:
        return f"The issuer is {metadata.get('issuer')!r}, and not {world.case.url}."
    ours = tuple(url for url in (world.case.url, world.case.settings.mtls_url) if url)
    for name, value in _endpoints(metadata):
        if not str(value).startswith(ours):
            return f"{name} is {value}."
    return None


def _endpoints(metadata: dict[str, Any]) -> list[tuple[str, Any]]:
    aliases = metadata.get("mtls_endpoint_aliases")
    both = [*metadata.items(), *(aliases.items() if isinstance(aliases, dict) else ())]
    return [(name, value) for name, value in both if name.endswith("_endpoint") or name == "jwks_uri"]


@probe(
    "trace",
    tries="The method TRACE, with a cookie",
    must="rejected, and nothing is echoed",
    why="A script reads cookies that are HttpOnly (cross-site tracing).",
    section="RFC 9110 section 9.3.8",
    fix=PROXY,
)
def trace(world: World) -> str | None:
    marker = "doctor-cookie-2f6c"
    answer = world.wire.send("TRACE", LOGIN, headers={"Cookie": f"x={marker}"})
    if marker.encode() in answer.body:
        return f"The cookie comes back, with status {answer.status}."
    if answer.status < 400:
        raise Unclear(f"TRACE is answered with status {answer.status}.")
    return None


@probe(
    "foreign-origin",
    tries="Tokens, userinfo, and a page, asked by a script of another site",
    must="no Access-Control-Allow-Origin for it",
    why="Scripts of any site read tokens and personal data.",
    section="RFC 9700 section 2.6",
    fix=PROXY,
)
def foreign_origin(world: World) -> str | None:
    origin = f"https://{EVIL}"
    code = world.code()
    tokens = tokens_of(world.redeem(code))
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    answers = {
        TOKEN: world.wire.send("POST", TOKEN, headers={"Origin": origin}, form={"grant_type": "authorization_code"}),
        USERINFO: world.wire.send("GET", USERINFO, headers={"Origin": origin, **bearer}),
        LOGIN: world.wire.send("GET", LOGIN, headers={"Origin": origin}),
    }
    for path, answer in answers.items():
        allowed = answer.header("access-control-allow-origin")
        if allowed in {origin, "*", "null"}:
            return f"{path} answers with Access-Control-Allow-Origin: {allowed}."
    return None
