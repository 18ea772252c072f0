"""Turning a user's approval into a grant and into the parameters of the response.

The response holds a code. With the response types for older apps it also holds tokens (RFC 6749 section 4.1.2, OIDC
Core sections 3.2.2.5 and 3.3.2.5).
"""

from functools import partial

from provider.crypto.digests import digest, new_opaque
from provider.database.base import new_id
from provider.oauth.authorization_details.granting import for_audience
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.authorize.store import approved_grants, authorization_codes, authorization_requests
from provider.oauth.authorize.store.authorization_codes import AuthorizationCode
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.clients.resources import whole_audience
from provider.oauth.clients.rules.fapi2 import code_lifetime_of
from provider.oauth.clients.unused_clients import mark_used
from provider.oauth.response_types import CODE, ID_TOKEN, TOKEN
from provider.oauth.scopes import format_scope
from provider.oauth.tokens.access_tokens import Authorization, sign_access_token
from provider.oauth.tokens.id_tokens import make_id_token
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import people
from provider.oauth.tokens.store.grants import Grant
from provider.observability import counters
from provider.sessions.assurance import PHR, acr_of
from provider.sessions.store import Session
from provider.work import UnitOfWork


def approve(
    work: UnitOfWork,
    server: AuthorizationServer,
    request: AuthorizationRequest,
    session: Session,
    parked: ParkedRequest | None,
) -> dict[str, str] | None:
    """Return the parameters of the successful response. Returns None if the parked request was completed meanwhile, or
    if the session or the consent ended.
    """
    grant = new_grant(work, request, session)
    code = new_opaque() if CODE in request.response_type else None
    answer = {} if code is None else {"code": code}
    answer |= _front_channel_tokens(work, server, request, grant, code)
    if parked is not None and not authorization_requests.complete(work.db, parked.digest, now=work.now):
        return None
    if code is None:
        is_kept = approved_grants.add(work.autocommit, grant, needs_consent=not request.client.metadata.first_party)
    else:
        is_kept = _keep_code(work, request, grant, code)
    if not is_kept:
        return None
    mark_used(work, request.client)
    count_sign_in(work, request)
    return answer


def new_code(work: UnitOfWork, request: AuthorizationRequest, session: Session) -> tuple[str, Grant] | None:
    """Create and store a code and its grant; return both. Returns None if the session or the consent has ended."""
    code, grant = new_opaque(), new_grant(work, request, session)
    if not _keep_code(work, request, grant, code):
        return None
    count_sign_in(work, request)
    return code, grant


def count_sign_in(work: UnitOfWork, request: AuthorizationRequest) -> None:
    """Count that a user signed in to the app with this request, for the operators' overview."""
    work.after_commit.append(partial(counters.count, counters.APP + request.client.client_id))


def new_grant(work: UnitOfWork, request: AuthorizationRequest, session: Session) -> Grant:
    """Return a grant of what the user approved in this session. It is not stored yet."""
    lasting = work.now + work.settings.refresh_absolute_lifetime
    return Grant(
        id=new_id(),
        user_id=session.user_id,
        client_id=request.client.client_id,
        session_id=session.id,
        scope=format_scope(request.scope),
        claims=request.claims.as_json(),
        offline=request.offline,
        auth_time=session.auth_time,
        amr=session.amr,
        created_at=work.now,
        # Without offline_access the app may act for the person as long as their session may last, and no longer.
        expires_at=lasting if request.offline else session.expires_at,
        revoked_at=None,
        revoke_reason=None,
        resources=request.resources,
        security_stamp=session.security_stamp,
        acr=acr_of(session.amr, request.acr_values) if PHR in request.acr_values else None,
        authorization_details=list(request.details.values) or None,
    )


def _keep_code(work: UnitOfWork, request: AuthorizationRequest, grant: Grant, code: str) -> bool:
    return authorization_codes.add(
        work.autocommit,
        AuthorizationCode(
            digest=digest(code),
            grant_id=grant.id,
            redirect_uri=request.redirect_uri,
            redirect_uri_given=request.redirect_uri_given,
            code_challenge=request.code_challenge,
            nonce=request.nonce,
            expires_at=work.now + code_lifetime_of(work.settings, request.client.metadata),
            attempts=0,
            spent_at=None,
            confirmation=request.confirmation,
        ),
        grant,
        needs_consent=not request.client.metadata.first_party,
    )


def _front_channel_tokens(
    work: UnitOfWork, server: AuthorizationServer, request: AuthorizationRequest, grant: Grant, code: str | None
) -> dict[str, str]:
    """Return the access token and the ID token of the response, as parameters.

    The ID token carries the hashes of the code and of the access token. Both are signed before anything is written.
    """
    if not request.response_type & {TOKEN, ID_TOKEN}:
        return {}
    client, person = request.client, people.find(work.read, grant.user_id)
    assert person is not None  # noqa: S101  # their session is active
    answer: dict[str, str] = {}
    if TOKEN in request.response_type:
        audience = whole_audience(work, granted=request.resources, scope=request.scope)
        details = for_audience(request.details.values, request.details.types, audience, issuer=server.issuer)
        authorization = Authorization(
            client=client,
            scope=request.scope,
            grant=grant,
            person=person,
            audience=audience,
            authorization_details=details,
        )
        answer |= {
            "access_token": sign_access_token(work, server, authorization),
            "token_type": "Bearer",
            "expires_in": str(authorization.lifetime(work)),
            "scope": grant.scope,
        }
    if ID_TOKEN in request.response_type:
        answer["id_token"] = make_id_token(
            work,
            server,
            client=client,
            grant=grant,
            scope=request.scope,
            person=person,
            nonce=request.nonce,
            access_token=answer.get("access_token"),
            code=code,
        )
    return answer
