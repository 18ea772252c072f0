"""Probes of the authorization endpoint: redirects, PKCE, mix-up."""

from urllib.parse import quote, urlsplit

from provider.doctor.attack.probe import PROXY, probe
from provider.doctor.attack.visitor import Page
from provider.doctor.attack.wire import Unclear
from provider.doctor.attack.world import AUTHORIZE, EVIL, LOGIN, LOGOUT, World, first, parameters_of, read

REDIRECTION = "A code or a user that goes to another address goes to an attacker."


def _stays(world: World, page: Page, what: str) -> str | None:
    """Return None if a request was rejected on a page of the issuer, else where it leads."""
    if page.location is not None and not world.wire.is_ours(page.location):
        return f"{what} redirects to {page.location[:200]}."
    if page.location is not None:
        return f"{what} is not rejected, and leads to {page.location[:200]}."
    if page.response.status not in {400, 403}:
        raise Unclear(f"{what} is answered with status {page.response.status}, not 400.")
    return None


def _redirect_uris(world: World, uris: list[str]) -> str | None:
    pages = ((uri, world.visitor.open(world.request(redirect_uri=uri).url)) for uri in uris)
    return first([_stays(world, page, f"redirect_uri {uri}") for uri, page in pages])


@probe(
    "redirect-to-other-host",
    tries="A redirect_uri at another host: foreign, a suffix, a subdomain, the own host as user name",
    must="rejected on a page, without a redirect",
    why=REDIRECTION,
    section="RFC 9700 section 4.1.3",
)
def other_host(world: World) -> str | None:
    uri = world.guests.confidential.redirect_uri
    host = urlsplit(uri).netloc
    others = [EVIL, f"{host}.{EVIL}", f"x.{host}", f"{host}@{EVIL}", f"{EVIL}\\.{host}"]
    return _redirect_uris(world, [uri.replace(host, other) for other in others])


@probe(
    "redirect-to-variant",
    tries="A redirect_uri with another scheme, port, path, case, parameter or fragment, or a path that climbs",
    must="rejected on a page, without a redirect",
    why=REDIRECTION,
    section="RFC 9700 section 2.1",
)
def variant(world: World) -> str | None:
    uri = world.guests.confidential.redirect_uri
    host = urlsplit(uri).netloc
    return _redirect_uris(
        world,
        [
            uri.replace("https:", "http:"),
            uri.replace(host, f"{host}:8443"),
            f"{uri}/../evil",
            uri.replace("callback", "%63allback"),
            uri.upper(),
            f"{uri}/",
            f"{uri}?next=https://{EVIL}/",
            f"{uri}#fragment",
        ],
    )


@probe(
    "redirect-of-errors",
    tries="Other errors of a request whose redirect_uri or client_id is wrong",
    must="shown on a page, without a redirect",
    why="An error that is sent to any address makes the issuer an open redirector.",
    section="RFC 6749 section 4.1.2.1",
)
def errors(world: World) -> str | None:
    evil = f"https://{EVIL}/"
    requests = [
        world.request(redirect_uri=evil, response_type="nothing"),
        world.request(redirect_uri=evil, prompt="none", scope="no-such-scope"),
        world.request(redirect_uri=evil, client_id="signet-doctor-nobody"),
    ]
    visitor = world.new_visitor()
    return first([_stays(world, visitor.open(each.url), "The error") for each in requests])


@probe(
    "redirect-twice-given",
    tries="redirect_uri sent twice, a foreign one second and first",
    must="rejected on a page",
    why="Of two values, a proxy may check one and Signet use the other.",
    section="RFC 6749 section 3.1",
)
def twice(world: World) -> str | None:
    evil = quote(f"https://{EVIL}/", safe="")
    url = world.request().url
    second = world.visitor.open(f"{url}&redirect_uri={evil}")
    before = world.visitor.open(url.replace(f"{AUTHORIZE}?", f"{AUTHORIZE}?redirect_uri={evil}&", 1))
    return first([_stays(world, page, "redirect_uri sent twice") for page in (second, before)])


@probe(
    "redirect-after-sign-out",
    tries="A sign-out that leads to an address that is not registered",
    must="rejected on a page, without a redirect",
    why="A link to your issuer leads users to the page of an attacker.",
    section="OpenID Connect RP-Initiated Logout section 3",
)
def after_sign_out(world: World) -> str | None:
    client = world.guests.confidential
    evil = quote(f"https://{EVIL}/", safe="")
    stranger = world.new_visitor()
    named = stranger.open(f"{world.case.url}{LOGOUT}?client_id={client.client_id}&post_logout_redirect_uri={evil}")
    unnamed = stranger.visit(f"{world.case.url}{LOGOUT}?post_logout_redirect_uri={evil}")
    if unnamed.location is not None:
        return f"Without a client it redirects to {unnamed.location[:200]}."
    return _stays(world, named, "The sign-out")


@probe(
    "redirect-after-sign-in",
    tries="A sign-in page whose return_to is another host, in seven spellings",
    must="leads to a page of the issuer",
    why="A link to your issuer leads users, after they signed in, to the page of an attacker.",
    section="RFC 9700 section 4.11.2",
)
def after_sign_in(world: World) -> str | None:
    base = urlsplit(world.case.url)
    spellings = [
        f"https://{EVIL}/",
        f"//{EVIL}/",
        f"/\\{EVIL}/",
        f"/\t/{EVIL}/",
        f"https:{EVIL}",
        f"{base.scheme}://{base.netloc}@{EVIL}/",
        f"/%09//{EVIL}/",
    ]
    for spelling in spellings:
        page = world.visitor.open(f"{world.case.url}{LOGIN}?return_to={quote(spelling, safe='')}")
        to = page.response.header("location")
        if to is not None and (not world.wire.is_ours(page.location or to) or to.startswith(("//", "/\\", "/\t"))):
            return f"return_to={spelling!r} leads to {to[:200]}."
        if to is None:
            raise Unclear(f"The sign-in page answers {page.response.status} to a signed-in user, without a redirect.")
    return None


@probe(
    "no-pkce",
    tries="A request without code_challenge, by the public and the confidential client",
    must="rejected with invalid_request",
    why="A stolen code is redeemed by anyone.",
    section="RFC 9700 section 2.1.1",
)
def no_pkce(world: World) -> str | None:
    found = []
    for client in (world.guests.public, world.guests.confidential):
        asked = world.request(client, code_challenge=None, code_challenge_method=None)
        found.append(_error_at_app(world.visitor.open(asked.url), "invalid_request"))
    return first(found)


@probe(
    "plain-pkce",
    tries="A request with code_challenge_method=plain",
    must="rejected with invalid_request",
    why="The challenge in the URL is the verifier, so it protects nothing.",
    section="RFC 9700 section 2.1.1",
)
def plain_pkce(world: World) -> str | None:
    asked = world.request(world.guests.public, code_challenge_method="plain")
    return _error_at_app(world.visitor.open(asked.url), "invalid_request")


@probe(
    "implicit",
    tries="A request for tokens in the URL (response_type=token and id_token token)",
    must="rejected with unauthorized_client or unsupported_response_type",
    why="Tokens in URLs get into histories, logs and Referer headers.",
    section="RFC 9700 section 2.1.2",
)
def implicit(world: World) -> str | None:
    found = []
    for asked_for in ("token", "id_token token"):
        page = world.visitor.open(world.request(response_type=asked_for).url)
        found.append(_error_at_app(page, "unauthorized_client", "unsupported_response_type"))
    return first(found)


def _error_at_app(page: Page, *errors: str) -> str | None:
    given = parameters_of(page)
    if given.keys() & {"code", "access_token", "id_token"}:
        return "It is accepted, and the app gets an answer."
    if given.get("error") in errors:
        return None
    if page.location is not None and "error" not in given:
        return f"It is not rejected, and leads to {page.location[:200]}."
    raise Unclear(f"The answer is {page.response.status} {given.get('error', 'without an error')}, not {errors[0]}.")


@probe(
    "no-sign-in",
    tries="A browser that is not signed in, with prompt=none, and with an invented session cookie",
    must="login_required",
    why="Apps get codes for users who did not sign in.",
    section="OpenID Connect Core section 3.1.2.6",
)
def no_sign_in(world: World) -> str | None:
    stranger, liar = world.new_visitor(), world.new_visitor()
    liar.cookies[liar.name_of("signet")] = "A" * 43
    asked = world.request(prompt="none").url
    return first([_error_at_app(visitor.open(asked), "login_required") for visitor in (stranger, liar)])


@probe(
    "mix-up",
    tries="The response to the app, read for the issuer that sent it",
    must="iss is the issuer, in responses and errors, and discovery announces it",
    why="An app with several providers sends a code to the wrong one (mix-up).",
    section="RFC 9207 section 2",
    fix=PROXY,
)
def mix_up(world: World) -> str | None:
    metadata = read(world.wire.send("GET", "/.well-known/openid-configuration"))
    if metadata.get("authorization_response_iss_parameter_supported") is not True:
        return "Discovery does not announce iss."
    code = world.code().response.get("iss")
    error = parameters_of(world.visitor.open(world.request(response_type="nothing").url)).get("iss")
    for kind, said in (("a code", code), ("an error", error)):
        if said != world.case.url:
            return f"With {kind}, iss is {said or '(missing)'}."
    return None


@probe(
    "state",
    tries="A state with line breaks and markup",
    must="the app gets back exactly this state, and no header is added",
    why="Apps recognize forged responses by their state; a line break could add headers.",
    section="RFC 6749 section 10.12",
)
def state(world: World) -> str | None:
    sent = 'a"<b>&=%0d%0aX-Doctor: 1'
    page = world.enter(world.visitor, world.request(state=sent))
    if page.response.header("x-doctor") is not None:
        return "The state adds a header to the response."
    got = parameters_of(page).get("state")
    return None if got == sent else f"The state comes back as {got!r}."
