"""Answers that travel through the browser back to the app: a code or an error, with state and iss (RFC 9207)."""

from urllib.parse import quote_plus

from starlette.responses import RedirectResponse, Response

from provider.crypto.digests import digest, new_opaque
from provider.database.base import new_id
from provider.oauth.authorization_request import AuthorizationRequest
from provider.oauth.errors import OAuth2Error
from provider.oauth.scopes import format_scope
from provider.oauth.store import authorization_codes, authorization_requests
from provider.oauth.store.authorization_codes import AuthorizationCode
from provider.oauth.store.authorization_requests import ParkedRequest
from provider.oauth.store.grants import Grant
from provider.sessions.store import Session
from provider.work import UnitOfWork


def send_back(redirect_uri: str, parameters: dict[str, str | None]) -> Response:
    """The redirect. The registered URI's own query stays as it is (RFC 6749 section 4.1.2)."""
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in parameters.items() if value is not None)
    joiner = "" if not query or redirect_uri.endswith(("?", "&")) else "&" if "?" in redirect_uri else "?"
    response = RedirectResponse("/", status_code=303, headers={"cache-control": "no-store"})
    # Set as it is: the URI was registered and compared byte for byte, and must arrive that way.
    response.headers["location"] = redirect_uri + joiner + query
    return response


def error_response(issuer: str, redirect_uri: str, state: str | None, error: OAuth2Error, error_id: str) -> Response:
    """RFC 6749 section 4.1.2.1; the description ends in the id that `signet explain` knows."""
    description = f"{error.description} (error id {error_id})" if error.description else f"error id {error_id}"
    return send_back(
        redirect_uri, {"error": error.error, "error_description": description, "state": state, "iss": issuer}
    )


def issue_code(
    work: UnitOfWork, request: AuthorizationRequest, session: Session, parked: ParkedRequest | None
) -> Response | None:
    """The grant, its code, and the redirect that carries it. None when the parked request was completed meanwhile."""
    if parked is not None and not authorization_requests.complete(work.db, parked.digest, now=work.now):
        return None
    code, _ = new_code(work, request, session)
    return send_back(request.redirect_uri, {"code": code, "state": request.state, "iss": work.settings.issuer})


def new_code(work: UnitOfWork, request: AuthorizationRequest, session: Session) -> tuple[str, Grant]:
    """What this person approved in this session, and the code that stands for it."""
    code = new_opaque()
    settings = work.settings
    grant = Grant(
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
        expires_at=work.now + settings.refresh_absolute_lifetime if request.offline else session.expires_at,
        revoked_at=None,
        revoke_reason=None,
    )
    authorization_codes.add(
        work.once,
        AuthorizationCode(
            digest=digest(code),
            grant_id=grant.id,
            redirect_uri=request.redirect_uri,
            redirect_uri_given=request.redirect_uri_given,
            code_challenge=request.code_challenge,
            nonce=request.nonce,
            expires_at=work.now + settings.code_lifetime,
            attempts=0,
            spent_at=None,
        ),
        grant,
    )
    return code, grant
