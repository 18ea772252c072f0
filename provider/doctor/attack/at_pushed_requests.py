"""Probes of pushed authorization requests, and of parameters, credentials and headers that are sent twice."""

import base64
from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from provider.crypto.digests import new_opaque
from provider.doctor.attack.guests import ThrowAwayClient
from provider.doctor.attack.probe import PROXY, probe
from provider.doctor.attack.visitor import Page
from provider.doctor.attack.wire import Unclear
from provider.doctor.attack.world import (
    AUTHORIZE,
    EVIL,
    TOKEN,
    USERINFO,
    World,
    first,
    inactive,
    parameters_of,
    read,
    rejected,
)
from provider.doctor.transport import Response

PAR = "/oauth2/par"
PUSHED = "The app and Signet would not speak about the same request."
TWICE = "Of two values, a proxy or firewall may check one and Signet use the other."


def _push(world: World, by: ThrowAwayClient | None = None, **changes: str | None) -> Response:
    client = world.guests.confidential
    asked = world.request(client, **changes)
    given = dict(parse_qsl(urlsplit(asked.url).query))
    return world.post(PAR, given, by or client)


def _request_uri(world: World) -> str:
    answer = _push(world)
    value = read(answer).get("request_uri")
    if answer.status != 201 or not isinstance(value, str):
        raise Unclear(f"No request can be pushed: {answer.status} {read(answer).get('error', '')}")
    return value


def _use(world: World, request_uri: str, client_id: str, **more: str) -> Page:
    query = urlencode({"client_id": client_id, "request_uri": request_uri, **more})
    return world.visitor.open(f"{world.case.url}{AUTHORIZE}?{query}")


def _leads_nowhere(page: Page, what: str) -> str | None:
    if page.location is not None and "error" not in parameters_of(page):
        return f"{what} is not rejected, and leads to {page.location[:200]}."
    if page.location is None and page.response.status < 400:
        return f"{what} is not rejected (status {page.response.status})."
    return None


@probe(
    "pushed-without-secret",
    tries="A request that is pushed for the confidential client, with a wrong secret and without one",
    must="invalid_client",
    why="Anyone can push requests in the name of an app.",
    section="RFC 9126 section 2",
)
def without_secret(world: World) -> str | None:
    client = world.guests.confidential
    wrong, without = (replace(client, secret=secret) for secret in (new_opaque(), None))
    return first([rejected(_push(world, by), "invalid_client") for by in (wrong, without)])


@probe(
    "pushed-redirect-to-other-host",
    tries="A pushed request whose redirect_uri is at another host",
    must="rejected with invalid_request, before a browser is involved",
    why="A code or a user that goes to another address goes to an attacker.",
    section="RFC 9126 section 2.3",
)
def pushed_redirect(world: World) -> str | None:
    return rejected(_push(world, redirect_uri=f"https://{EVIL}/callback"), "invalid_request", "invalid_redirect_uri")


@probe(
    "pushed-request-of-another-client",
    tries="A pushed request of one client, used with the client_id of another, and an invented one",
    must="rejected",
    why=PUSHED,
    section="RFC 9126 section 4",
)
def pushed_by_another(world: World) -> str | None:
    public, own = world.guests.public.client_id, world.guests.confidential.client_id
    invented = f"urn:ietf:params:oauth:request_uri:{new_opaque()}"
    return first(
        [
            _leads_nowhere(_use(world, _request_uri(world), public), "A request of another client"),
            _leads_nowhere(_use(world, invented, own), "An invented request"),
        ]
    )


@probe(
    "pushed-request-with-more-parameters",
    tries="A pushed request, with another redirect_uri and scope in the URL beside it",
    must="what was pushed counts, or rejected",
    why=PUSHED,
    section="RFC 9101 section 6.3; RFC 9126 section 3",
)
def more_parameters(world: World) -> str | None:
    own = world.guests.confidential.client_id
    page = _use(world, _request_uri(world), own, redirect_uri=f"https://{EVIL}/", scope="openid admin:write")
    page = world.visitor.follow(page)
    if page.location is not None and urlsplit(page.location).hostname == EVIL:
        return f"The user is sent to {page.location[:200]}."
    return None


@probe(
    "parameters-twice",
    tries="client_id, code and scope twice in one request to the token endpoint",
    must="invalid_request",
    why=TWICE,
    section="RFC 6749 section 3.2",
)
def parameters_twice(world: World) -> str | None:
    client = world.guests.public
    form = [("grant_type", "refresh_token"), ("refresh_token", new_opaque()), ("client_id", client.client_id)]
    doubled = [("client_id", "signet-doctor-other"), ("refresh_token", new_opaque()), ("grant_type", "password")]
    answers = [world.wire.send("POST", TOKEN, form=[*form, each]) for each in doubled]
    return first([rejected(answer, "invalid_request", "invalid_client") for answer in answers])


@probe(
    "credentials-twice",
    tries="Two ways of client authentication in one request, the right secret in one of them",
    must="invalid_request or invalid_client",
    why=TWICE,
    section="RFC 6749 section 2.3",
)
def credentials_twice(world: World) -> str | None:
    client = world.guests.confidential
    given = {"grant_type": "refresh_token", "refresh_token": new_opaque(), "client_id": client.client_id}
    return rejected(
        world.post(TOKEN, {**given, "client_secret": new_opaque()}, client), "invalid_request", "invalid_client"
    )


@probe(
    "authorization-twice",
    tries="Two Authorization headers, a valid token in the first and in the second",
    must="rejected",
    why=TWICE,
    section="RFC 9110 section 11.6.2; RFC 6750 section 2",
    fix=PROXY,
)
def authorization_twice(world: World) -> str | None:
    token = f"Bearer {world.tokens()['access_token']}"
    other = f"Basic {base64.b64encode(quote('signet:doctor').encode()).decode()}"
    for one, two in ((token, other), (other, token)):
        answer = world.wire.send("GET", USERINFO, headers={"Authorization": one, "authorization": two})
        if answer.status != 400 and (problem := inactive(answer)) is not None:
            return problem
    return None
