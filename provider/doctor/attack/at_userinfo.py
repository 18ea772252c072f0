"""Probes of an API, at userinfo: access tokens that were forged, changed, or meant for something else."""

from urllib.parse import urlencode

from provider.doctor.attack.probe import probe
from provider.doctor.attack.tokens import (
    claims_of,
    encode,
    foreign_key,
    header_of,
    published_keys,
    signed_by_foreign_key,
    signed_by_us,
    signed_with_public_key,
    wrong_with_id_token,
)
from provider.doctor.attack.wire import Unclear
from provider.doctor.attack.world import EVIL, USERINFO, World, first, inactive, tokens_of
from provider.jose import base64url

FORGED = "Anyone can write tokens for any user."


def _access_token(world: World) -> str:
    """Return an access token that userinfo accepts. Raises Unclear if it does not."""
    token = str(world.tokens()["access_token"])
    if (answer := world.userinfo(token)).status != 200:
        raise Unclear(f"Userinfo answers {answer.status} to a valid token.")
    return token


def _all_inactive(world: World, tokens: list[str]) -> str | None:
    return first([inactive(world.userinfo(token)) for token in tokens])


@probe(
    "id-token",
    tries="The ID token of a sign-in, read as an app does",
    must="signed by a published key, for this issuer, app, nonce and access token",
    why="Apps reject the sign-in, or accept the tokens of someone else.",
    section="OpenID Connect Core section 3.1.3.7",
)
def id_token(world: World) -> str | None:
    code = world.code()
    tokens = tokens_of(world.redeem(code))
    return wrong_with_id_token(world, code, str(tokens.get("id_token", "")), tokens["access_token"])


@probe(
    "alg-none",
    tries="An access token without a signature (alg none, in several spellings)",
    must="401",
    why=FORGED,
    section="RFC 8725 section 3.1",
)
def alg_none(world: World) -> str | None:
    token = _access_token(world)
    header, claims = header_of(token), claims_of(token)
    return _all_inactive(world, [encode(header | {"alg": alg}, claims) for alg in ("none", "None", "nOnE")])


@probe(
    "forged-key",
    tries="An access token that another key signed, under the kid of a real one",
    must="401",
    why=FORGED,
    section="RFC 7515 section 5.2",
)
def forged_key(world: World) -> str | None:
    token = _access_token(world)
    return _all_inactive(world, [signed_by_foreign_key(header_of(token), claims_of(token))])


@probe(
    "key-in-the-header",
    tries="An access token that brings its own key (jwk), or names where it is (jku)",
    must="401",
    why=FORGED,
    section="RFC 8725 section 3.10",
)
def own_key(world: World) -> str | None:
    token = _access_token(world)
    header, claims = header_of(token), claims_of(token)
    key = foreign_key().as_dict(private=False)
    brought = signed_by_foreign_key(
        {name: value for name, value in header.items() if name != "kid"} | {"jwk": key}, claims
    )
    named = signed_by_foreign_key(header | {"jku": f"https://{EVIL}/keys", "kid": "evil"}, claims)
    return _all_inactive(world, [brought, named])


@probe(
    "public-key-as-secret",
    tries="An access token with HS256, whose secret is a published key",
    must="401",
    why=FORGED,
    section="RFC 8725 section 2.1",
)
def public_key_as_secret(world: World) -> str | None:
    token = _access_token(world)
    keys = [key for key in published_keys(world) if key.get("kty") == "RSA"]
    if not keys:
        return None
    return _all_inactive(world, signed_with_public_key(claims_of(token), keys[0], str(header_of(token).get("typ"))))


@probe(
    "changed-token",
    tries="An access token whose user or scope was changed, with the signature of the original",
    must="401",
    why=FORGED,
    section="RFC 7515 section 5.2",
)
def changed(world: World) -> str | None:
    token = _access_token(world)
    signature = base64url.decode(token.split(".")[2])
    other = claims_of(token) | {"scope": "openid profile email phone address"}
    return _all_inactive(world, [encode(header_of(token), other, signature)])


@probe(
    "foreign-issuer",
    tries="A token of ours whose iss is another issuer",
    must="401",
    why="A test installation with a copy of the keys could write tokens for this one.",
    section="RFC 9068 section 4",
)
def foreign_issuer(world: World) -> str | None:
    claims = claims_of(_access_token(world))
    return _all_inactive(world, [signed_by_us(world, claims | {"iss": iss}) for iss in (f"https://{EVIL}", "")])


@probe(
    "foreign-audience",
    tries="A token of ours that is for another API",
    must="401",
    why="An API could use the tokens it gets at another one.",
    section="RFC 9068 section 4",
)
def foreign_audience(world: World) -> str | None:
    claims = claims_of(_access_token(world))
    return _all_inactive(world, [signed_by_us(world, claims | {"aud": f"https://{EVIL}/api"})])


@probe(
    "expired-token",
    tries="A token of ours that has expired, and one without exp",
    must="401",
    why="Tokens that leak work forever.",
    section="RFC 7519 section 4.1.4",
)
def expired(world: World) -> str | None:
    claims = claims_of(_access_token(world))
    timeless = {name: value for name, value in claims.items() if name != "exp"}
    old = claims | {"iat": claims["iat"] - 90_000, "exp": claims["iat"] - 86_400}
    return _all_inactive(world, [signed_by_us(world, each) for each in (old, timeless)])


@probe(
    "id-token-as-access-token",
    tries="An ID token in place of an access token",
    must="401",
    why="Apps put ID tokens where others can read them, because they give no access.",
    section="RFC 8725 section 3.11",
)
def confused(world: World) -> str | None:
    return _all_inactive(world, [str(world.tokens()["id_token"])])


@probe(
    "token-in-the-url",
    tries="An access token in the query of userinfo",
    must="401",
    why="URLs get into logs and histories, and so would tokens.",
    section="RFC 9700 section 4.3.2",
)
def in_url(world: World) -> str | None:
    query = urlencode({"access_token": _access_token(world)})
    return inactive(world.wire.send("GET", f"{USERINFO}?{query}"))
