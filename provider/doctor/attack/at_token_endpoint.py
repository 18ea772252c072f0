"""Probes of the token endpoint: codes, client authentication, refresh tokens."""

from dataclasses import replace
from urllib.parse import urlencode

from provider.crypto.digests import new_opaque
from provider.doctor.attack.probe import PROXY, probe
from provider.doctor.attack.wire import Unclear
from provider.doctor.attack.world import REVOKE, TOKEN, World, first, inactive, rejected, tokens_of

CODES = "Anyone who sees a code in a URL, log or history gets the user's tokens."
TOKENS = "Anyone who finds an old refresh token keeps access."


@probe(
    "code-replay",
    tries="A code that is used twice",
    must="invalid_grant, and the tokens of the first use end",
    why=CODES,
    section="RFC 6749 section 4.1.2",
)
def code_replay(world: World) -> str | None:
    code = world.code()
    tokens = tokens_of(world.redeem(code))
    again = rejected(world.redeem(code), "invalid_grant")
    if again is not None:
        return f"The second use: {again}"
    if world.userinfo(tokens["access_token"]).status == 200:
        return "The access token of the first use is still accepted."
    return rejected(world.refresh(tokens["refresh_token"], by=code.client), "invalid_grant")


@probe(
    "wrong-verifier",
    tries="A code with another code_verifier",
    must="invalid_grant",
    why=CODES,
    section="RFC 7636 section 4.6",
)
def wrong_verifier(world: World) -> str | None:
    return rejected(world.redeem(world.code(world.guests.public), code_verifier=new_opaque()), "invalid_grant")


@probe(
    "no-verifier",
    tries="A code without code_verifier",
    must="invalid_grant or invalid_request",
    why=CODES,
    section="RFC 9700 section 4.8.2",
)
def no_verifier(world: World) -> str | None:
    code = world.code(world.guests.public)
    return rejected(world.redeem(code, code_verifier=None), "invalid_grant", "invalid_request")


@probe(
    "verifier-without-challenge",
    tries="The challenge in place of the verifier",
    must="invalid_grant",
    why="The challenge is in the URL, so it must not be worth as much as the verifier.",
    section="RFC 7636 section 7.2",
)
def challenge_as_verifier(world: World) -> str | None:
    challenge = "A" * 43
    code = world.code(world.guests.public, code_challenge=challenge)
    return rejected(world.redeem(code, code_verifier=challenge), "invalid_grant")


@probe(
    "code-of-another-client",
    tries="A code of one client, redeemed by another",
    must="invalid_grant",
    why="An app, or an attacker who registered one, gets the tokens of another.",
    section="RFC 6749 section 4.1.3",
)
def foreign_code(world: World) -> str | None:
    return rejected(world.redeem(world.code(), by=world.guests.public), "invalid_grant")


@probe(
    "code-with-another-redirect-uri",
    tries="A code with another redirect_uri than it was issued for",
    must="invalid_grant",
    why="A code that was injected into another response is redeemed.",
    section="RFC 6749 section 4.1.3",
)
def other_redirect_uri(world: World) -> str | None:
    code = world.code()
    return rejected(world.redeem(code, redirect_uri=world.guests.public.redirect_uri), "invalid_grant")


@probe(
    "invented-code",
    tries="A code that was never issued",
    must="invalid_grant",
    why="Codes can be guessed.",
    section="RFC 6749 section 10.10",
)
def invented_code(world: World) -> str | None:
    return rejected(world.redeem(replace(world.code(), value=new_opaque())), "invalid_grant")


@probe(
    "wrong-client-secret",
    tries="The confidential client with a wrong secret, and without one",
    must="invalid_client",
    why="Anyone can act as an app.",
    section="RFC 6749 section 3.2.1",
)
def wrong_secret(world: World) -> str | None:
    code = world.code()
    impostors = [replace(code.client, secret=secret) for secret in (new_opaque(), None)]
    return first([rejected(world.redeem(code, by=each), "invalid_client") for each in impostors])


@probe(
    "credentials-in-the-url",
    tries="The token endpoint with GET, and with the secret in the query",
    must="rejected",
    why="Credentials in URLs get into logs.",
    section="RFC 6749 section 3.2",
)
def in_url(world: World) -> str | None:
    code = world.code()
    given = {
        "grant_type": "authorization_code",
        "code": code.value,
        "redirect_uri": code.client.redirect_uri,
        "code_verifier": code.verifier,
        "client_id": code.client.client_id,
        "client_secret": code.client.secret or "",
    }
    for method in ("GET", "POST"):
        answer = world.wire.send(method, f"{TOKEN}?{urlencode(given)}", form={} if method == "POST" else None)
        if answer.status < 400:
            return f"{method} with everything in the query is accepted with status {answer.status}."
    return None


@probe(
    "password-grant",
    tries="The user's password at the token endpoint (grant_type=password)",
    must="unsupported_grant_type or unauthorized_client",
    why="Apps would ask users for their passwords, and second factors would be skipped.",
    section="RFC 9700 section 2.4",
)
def password_grant(world: World) -> str | None:
    given = {"grant_type": "password", "username": world.guests.email, "password": world.guests.password}
    answer = world.post(TOKEN, given, world.guests.confidential)
    return rejected(answer, "unsupported_grant_type", "unauthorized_client")


@probe(
    "unregistered-grant",
    tries="Grants that the client is not registered for (client_credentials)",
    must="unauthorized_client",
    why="A client gets tokens that no operator allowed.",
    section="RFC 6749 section 5.2",
)
def unregistered_grant(world: World) -> str | None:
    answers = [
        world.post(TOKEN, {"grant_type": "client_credentials"}, client)
        for client in (world.guests.confidential, world.guests.public)
    ]
    return first([rejected(answer, "unauthorized_client", "invalid_client") for answer in answers])


@probe(
    "refresh-replay",
    tries="A refresh token that was replaced twice",
    must="invalid_grant, and its whole family ends",
    why=TOKENS,
    section="RFC 9700 section 4.14.2",
)
def refresh_replay(world: World) -> str | None:
    client = world.guests.public
    first_token = str(world.tokens(client)["refresh_token"])
    second = tokens_of(world.refresh(first_token, by=client))
    third = tokens_of(world.refresh(str(second["refresh_token"]), by=client))
    again = rejected(world.refresh(first_token, by=client), "invalid_grant")
    if again is not None:
        return again
    if world.userinfo(third["access_token"]).status == 200:
        return "The access token of the family is still accepted."
    last = rejected(world.refresh(str(third["refresh_token"]), by=client), "invalid_grant")
    return None if last is None else "The latest refresh token of the family still works."


@probe(
    "refresh-token-of-another-client",
    tries="A refresh token of one client, used by another, and an invented one",
    must="invalid_grant",
    why=TOKENS,
    section="RFC 6749 section 6",
)
def foreign_refresh_token(world: World) -> str | None:
    token = str(world.tokens()["refresh_token"])
    by = world.guests.public
    return first([rejected(world.refresh(each, by=by), "invalid_grant") for each in (token, new_opaque())])


@probe(
    "refresh-with-more-scope",
    tries="A refresh that asks for more than the user allowed",
    must="invalid_scope",
    why="An app gets permissions that the user did not give.",
    section="RFC 6749 section 6",
)
def more_scope(world: World) -> str | None:
    code = world.code(scope="openid offline_access")
    token = str(tokens_of(world.redeem(code))["refresh_token"])
    return rejected(world.refresh(token, by=code.client, scope="openid email"), "invalid_scope")


@probe(
    "revoked-token",
    tries="Tokens after the app revoked the refresh token",
    must="rejected at userinfo and at the token endpoint",
    why="Signing out of an app, or removing its access, would have no effect.",
    section="RFC 7009 section 2",
)
def revoked(world: World) -> str | None:
    client = world.guests.confidential
    tokens = world.tokens(client)
    token = str(tokens["refresh_token"])
    if (answer := world.post(REVOKE, {"token": token}, client)).status != 200:
        raise Unclear(f"The revocation endpoint answers {answer.status}.")
    used = inactive(world.userinfo(tokens["access_token"]))
    return used or rejected(world.refresh(token, by=client), "invalid_grant")


@probe(
    "caches-of-tokens",
    tries="The headers of a token response and of userinfo",
    must="Cache-Control: no-store",
    why="A cache may keep tokens and personal data and give them to someone else.",
    section="RFC 6749 section 5.1",
    fix=PROXY,
)
def caches(world: World) -> str | None:
    answer = world.redeem(world.code())
    tokens = tokens_of(answer)
    for name, response in (("A token response", answer), ("Userinfo", world.userinfo(tokens["access_token"]))):
        said = response.header("cache-control") or "(none)"
        if "no-store" not in said.lower():
            return f"{name} has Cache-Control: {said}."
    return None
