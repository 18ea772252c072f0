"""The token-exchange grant: an API exchanges a received token for one that another API accepts, to act for the same
user (RFC 8693).

It is off except for clients that an operator registered for it, and then limited to the APIs in their
`exchange_targets`. The result is a delegation, never an impersonation: `act` names the current actor and those before.
The new token has no more scope and authorization details, and lives no longer, than the subject token. It ends with the
same grant. Other targets are servers elsewhere (`id_jag`) and upstream providers (`upstream_tokens`).
"""

from datetime import UTC, datetime
from typing import Any

from provider.audit.events import Event
from provider.audit.log import record
from provider.oauth.authorization_details.granting import narrow_details
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.clients.clients import Client
from provider.oauth.clients.resources import name_one_of, read_resources
from provider.oauth.errors import InvalidRequestError, InvalidScopeError, InvalidTargetError
from provider.oauth.grants.delegation import record_delegation
from provider.oauth.grants.id_jag import ID_JAG
from provider.oauth.grants.id_jag import issue as issue_id_jag
from provider.oauth.grants.request import TokenRequest
from provider.oauth.grants.upstream_tokens import issue_upstream_token, named_upstream
from provider.oauth.scopes import OFFLINE_ACCESS, OPENID, requested_scope
from provider.oauth.tokens.access_tokens import (
    ActiveToken,
    Authorization,
    InactiveToken,
    read_access_token,
    token_response,
)
from provider.oauth.tokens.claims import actors_of
from provider.oauth.tokens.store import delegations
from provider.oauth.tokens.store.grants import Grant, end_of

GRANT_TYPE = TOKEN_EXCHANGE
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a type
MOST_ACTORS = 5
"""The longest chain of APIs acting for one another. A longer one suggests a loop."""


def redeem(request: TokenRequest) -> dict[str, Any]:
    """Return the token response (RFC 8693 section 2.2.1). Raises InvalidRequestError for a token that cannot be
    exchanged.
    """
    if request.form.get("requested_token_type") == ID_JAG:
        return issue_id_jag(request)
    _require_types(request)
    request.require_enabled()
    subject = _read(request, "subject_token")
    checks, client, work = request.checks, request.client, request.work
    acts_for = None if subject.grant is None or subject.person is None else (subject.grant, subject.person)
    grant, person = checks.found(
        acts_for if _is_for(client, subject, request.server.issuer) else None,
        "subject_token acts for a user and is for this client",
        section="RFC 8693 section 2.1",
        error=InvalidRequestError,
        description="subject_token must be issued for a user, with this client as its audience",
        expected="a token of a user whose audience is this client",
        got=" ".join(sorted(subject.audience)),
        fix="Send an access token that was issued for a user with this client's API as its audience (resource).",
    )
    _require_own_actor(request)
    if (upstream := named_upstream(request)) is not None:
        return issue_upstream_token(request, subject, upstream, user_id=grant.user_id)
    target = _target(request)
    scope = _scope(request, subject)
    details = narrow_details(
        work,
        checks,
        client,
        request.form.get("authorization_details"),
        granted=subject.claims.get("authorization_details"),
        audience=target,
    )
    act = _act(request, subject)
    authorization = Authorization(
        client=client,
        scope=scope,
        grant=grant,
        person=person,
        audience=target,
        act=act,
        confirmation=request.confirmation,
        expires_at=_end_of(subject, grant),
        authorization_details=details,
    )
    response = token_response(work, request.server, authorization)
    issuer_of_subject = str(subject.claims["client_id"])
    record_delegation(
        request,
        user_id=grant.user_id,
        method=delegations.EXCHANGE,
        via=issuer_of_subject,
        scope=scope,
        resources=target,
        expires_at=int(work.now.timestamp()) + authorization.lifetime(work),
    )
    record(
        work,
        Event.TOKEN_EXCHANGED,
        user_id=grant.user_id,
        client_id=client.client_id,
        of=issuer_of_subject,
        target=" ".join(target),
        actors=list(actors_of({"act": act})),
    )
    return {**response, "issued_token_type": ACCESS_TOKEN}


def _require_types(request: TokenRequest) -> None:
    request.required("subject_token", "RFC 8693 section 2.1")
    request.required("subject_token_type", "RFC 8693 section 2.1")
    form = request.form
    types = [
        form.get(name, ACCESS_TOKEN) for name in ("subject_token_type", "actor_token_type", "requested_token_type")
    ]
    request.checks.require(
        set(types) == {ACCESS_TOKEN},
        "Only access tokens are exchanged",
        section="RFC 8693 sections 2.1, 3",
        error=InvalidRequestError,
        description=f"subject_token_type, actor_token_type and requested_token_type must be {ACCESS_TOKEN}",
        expected=ACCESS_TOKEN,
        got=" ".join(types),
        fix="Send an access token, and use the expected value for subject_token_type, actor_token_type "
        "and requested_token_type.",
    )
    request.checks.require(
        ("actor_token" in form) == ("actor_token_type" in form),
        "actor_token and actor_token_type are sent together",
        section="RFC 8693 section 2.1",
        error=InvalidRequestError,
        description="actor_token and actor_token_type must be sent together",
        expected="both or neither",
        got="one of them",
        fix="Send actor_token and actor_token_type together, or neither.",
    )


def _read(request: TokenRequest, name: str) -> ActiveToken:
    token, problem = None, ""
    try:
        token = read_access_token(request.work, request.server, request.form[name], with_person=True)
    except InactiveToken as inactive:
        problem = str(inactive)
    return request.checks.found(
        token,
        f"{name} is active",
        section="RFC 8693 section 2.2.2",
        error=InvalidRequestError,
        description=f"{name} is invalid, expired or revoked",
        expected="an active access token of this server",
        got=problem,
        fix="Send a token that has not expired and was not revoked. Refresh it first if needed.",
    )


def _is_for(client: Client, subject: ActiveToken, issuer: str) -> bool:
    return name_one_of(subject.audience, (issuer, *client.metadata.resource_identifiers))


def _end_of(subject: ActiveToken, grant: Grant) -> datetime:
    """Return when the new token expires at the latest: with the subject token, or when its grant ends by itself."""
    expires_at = datetime.fromtimestamp(subject.claims["exp"], UTC)
    return expires_at if subject.state is None else min(expires_at, end_of(grant, subject.state))


def _require_own_actor(request: TokenRequest) -> None:
    """Check that the actor is the client itself. The only actor_token it may send is one of its own tokens."""
    client_id = request.client.client_id
    if "actor_token" in request.form:
        actor = _read(request, "actor_token")
        request.checks.require(
            actor.grant is None and actor.claims["sub"] == client_id,
            "actor_token belongs to this client",
            section="RFC 8693 section 2.1",
            error=InvalidRequestError,
            description="actor_token must be an access token that this client got with client_credentials",
            expected=f"sub {client_id}",
            got=f"sub {actor.claims['sub']}",
            fix="Get an access token with grant_type=client_credentials, and send it as actor_token.",
        )


def _act(request: TokenRequest, subject: ActiveToken) -> dict[str, Any]:
    """Return the `act` claim: the current actor, and nested in it those before (RFC 8693 section 4.1)."""
    act: dict[str, Any] = {"sub": request.client.client_id}
    before = subject.claims.get("act")
    if before is not None:
        act["act"] = before
    actors, one = 0, act
    while one:
        actors, one = actors + 1, one.get("act", {})
    request.checks.require(
        actors <= MOST_ACTORS,
        "subject_token was not exchanged too often",
        section="RFC 8693 section 4.1",
        error=InvalidRequestError,
        description=f"subject_token was exchanged too often. At most {MOST_ACTORS} clients can act one for another",
        expected=f"at most {MOST_ACTORS} clients in act",
        got=str(actors),
        fix="Exchange the first token instead of one that was exchanged before.",
    )
    return act


def _target(request: TokenRequest) -> tuple[str, ...]:
    """Return the requested APIs. `resource` and `audience` both name them by registered URI (RFC 8693 sections 2.1,
    2.1.1).
    """
    asked = " ".join(filter(None, (request.form.get("resource"), request.form.get("audience"))))
    target = read_resources(request.work, request.checks, asked)
    allowed = request.client.metadata.exchange_targets
    request.checks.require(
        target and all(name_one_of([uri], allowed) for uri in target),
        "Each target is in exchange_targets of the client",
        section="RFC 8693 section 2.2.2",
        error=InvalidTargetError,
        description="resource is not in exchange_targets of this client"
        if target
        else "resource or audience is missing",
        expected=" or ".join(allowed),
        got=" ".join(target) or "no resource and no audience",
        fix="Send an API of exchange_targets as resource or audience, or add this one: `signet client "
        "update CLIENT_ID --metadata FILE`.",
    )
    return target


def _scope(request: TokenRequest, subject: ActiveToken) -> tuple[str, ...]:
    """Return the scope of the new token: at most what the subject token has and the client is registered for.

    It never includes openid or offline_access, which are for the app that signed the user in.
    """
    shared = request.client.metadata.still_of(subject.scope)
    most = [token for token in shared if token not in {OPENID, OFFLINE_ACCESS}]
    asked = requested_scope(request.form.get("scope"), default=most, offline=False)
    excess = [token for token in asked if token not in most]
    request.checks.require(
        not excess,
        "Each requested scope is in subject_token and registered for the client",
        section="RFC 8693 section 2.1",
        error=InvalidScopeError,
        description=f"The scope {' '.join(excess)} is not in subject_token or not registered for this client",
        expected=" ".join(most),
        got=" ".join(asked),
        fix="Request only scopes of the subject token, or leave out scope. To register more for this "
        "client: `signet client update CLIENT_ID --scope SCOPES`.",
    )
    return asked
