"""Issuing an ID-JAG: a token exchange of an ID token of ours for an assertion that another authorization server accepts
(draft-ietf-oauth-identity-assertion-authz-grant-03 section 4.3).

It is off except for clients that an operator registered with `id_jag_audiences`: the issuers of those servers, each
with the client_id that the client has there.
"""

from typing import Any

from provider.accounts.store import users
from provider.accounts.store.users import Status
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import new_opaque
from provider.database.base import parse_id
from provider.oauth.authorize.access_policy import require_access_without_user
from provider.oauth.clients.resources import problem_with_identifier
from provider.oauth.errors import InvalidRequestError, InvalidTargetError
from provider.oauth.grants.delegation import record_delegation
from provider.oauth.grants.request import TokenRequest
from provider.oauth.scopes import OFFLINE_ACCESS, OPENID, requested_scope
from provider.oauth.tokens.id_tokens import read_hint
from provider.oauth.tokens.store import active_grants, delegations, people
from provider.oauth.tokens.store.grants import Grant

ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105  # a type
ID_JAG_TYP = "oauth-id-jag+jwt"
"""The `typ` of an ID-JAG."""
LIFETIME = 300
"""How long an ID-JAG is valid, in seconds. The client uses it at once."""
SECTION = "ID-JAG draft-03 section 4.3"


def issue(request: TokenRequest) -> dict[str, Any]:
    """Return the token response: the ID-JAG as `access_token`, with `token_type` N_A (RFC 8693 section 2.2.1).

    Raises InvalidRequestError, InvalidTargetError; InvalidGrantError if the user stopped the client, or may not sign in
    to it any more.
    """
    work, server, client = request.work, request.server, request.client
    request.required("subject_token", "RFC 8693 section 2.1")
    request.checks.require(
        request.form.get("subject_token_type") == ID_TOKEN and "actor_token" not in request.form,
        "An ID-JAG is issued for an ID token",
        section=SECTION,
        error=InvalidRequestError,
        description=f"subject_token_type must be {ID_TOKEN}, without actor_token",
        expected=ID_TOKEN,
        got=request.form.get("subject_token_type", "nothing"),
        fix="Send an ID token that was issued to this client as subject_token.",
    )
    request.require_enabled()
    audience, client_there = _require_audience(request)
    claims, grant = _require_subject(request)
    require_access_without_user(
        request.checks,
        client,
        people.find(work.read, grant.user_id),
        grant.amr,
        section=SECTION,
        fix="Send the user to sign in again, and exchange the new ID token.",
    )
    resources = _resources(request)
    scope = requested_scope(request.form.get("scope"), default=(), offline=False)
    scope = tuple(token for token in scope if token not in {OPENID, OFFLINE_ACCESS})
    issued = int(work.now.timestamp())
    given: dict[str, Any] = {
        "iss": server.issuer,
        "sub": claims["sub"],
        "aud": audience,
        "client_id": client_there,
        "jti": new_opaque()[:22],
        "iat": issued,
        "exp": issued + LIFETIME,
        **{name: claims[name] for name in ("auth_time", "acr", "amr") if name in claims},
    }
    if scope:
        given["scope"] = " ".join(scope)
    if resources:
        given["resource"] = resources[0] if len(resources) == 1 else list(resources)
    token = server.keys.signer(work, client.metadata.usual_alg).sign(given, typ=ID_JAG_TYP)
    record_delegation(
        request,
        user_id=grant.user_id,
        method=delegations.ID_JAG,
        via=audience,
        scope=scope,
        resources=resources,
        expires_at=issued + LIFETIME,
    )
    record(
        work,
        Event.TOKEN_EXCHANGED,
        user_id=grant.user_id,
        client_id=client.client_id,
        of=client.client_id,
        target=audience,
        actors=[client.client_id],
    )
    response = {"issued_token_type": ID_JAG, "access_token": token, "token_type": "N_A", "expires_in": LIFETIME}
    return response | ({"scope": given["scope"]} if scope else {})


def _require_audience(request: TokenRequest) -> tuple[str, str]:
    """Return the issuer of the other server, and the client_id of the client there."""
    allowed = request.client.metadata.id_jag_audiences or {}
    asked = request.form.get("audience", "")
    client_there = request.checks.found(
        allowed.get(asked),
        "audience is in id_jag_audiences of the client",
        section=SECTION,
        error=InvalidTargetError,
        description="audience is not in id_jag_audiences of this client" if asked else "audience is missing",
        expected=" or ".join(allowed) or "no server: the client has none",
        got=asked or "no audience",
        fix="Send the issuer of an allowed authorization server as audience, or allow this one: `signet client update "
        "CLIENT_ID --metadata FILE`.",
    )
    return asked, client_there


def _require_subject(request: TokenRequest) -> tuple[dict[str, Any], Grant]:
    """Return the claims of the ID token and the active grant it came from. Raises InvalidRequestError."""
    work, server, client = request.work, request.server, request.client
    claims, problem = read_hint(work, server.keys, request.form["subject_token"])
    if claims and (claims["aud"] != client.client_id or claims["exp"] <= work.now.timestamp()):
        problem = "one of another client" if claims["aud"] != client.client_id else "one that has expired"
    grant: Grant | None = None
    if claims and not problem:
        user_id = server.subjects.user_id_of(work, client, str(claims["sub"]))
        session_id = server.subjects.session_id_of(work, client, str(claims.get("sid")))
        user = users.find(work.read, user_id)
        if user is not None and user.status == Status.ACTIVE:
            grant = _find_active(request, user_id, session_id)
        problem = "one whose sign-in has ended"
    found = request.checks.found(
        grant,
        "subject_token is an ID token of this client whose sign-in is active",
        section=SECTION,
        error=InvalidRequestError,
        description="subject_token is not a current ID token of this client, or its sign-in has ended",
        expected="an ID token that was issued to this client and has not expired",
        got=problem,
        fix="Send the user to sign in again, and exchange the new ID token.",
    )
    return claims, found


def _find_active(request: TokenRequest, user_id: str, sid: str) -> Grant | None:
    """Return the client's latest active grant of the session."""
    session_id = parse_id(sid)
    if session_id is None:
        return None
    work, client_id = request.work, request.client.client_id
    found = active_grants.find_active(
        work.read, user_id, now=work.now, client_id=client_id, session_id=session_id, limit=1
    )
    return found[0] if found else None


def _resources(request: TokenRequest) -> tuple[str, ...]:
    """Return the requested resources of the other server, which decides about them."""
    asked = tuple(dict.fromkeys(request.form.get("resource", "").split()))
    request.checks.require(
        all(problem_with_identifier(uri) is None for uri in asked),
        "Each resource is an absolute URI without a fragment",
        section="RFC 8707 section 2",
        error=InvalidTargetError,
        description="resource must be an absolute URI without a fragment",
        expected="absolute URIs without a fragment",
        got=" ".join(asked),
        fix="Send each resource as an absolute URI without a fragment, such as https://api.example.com/.",
    )
    return asked
