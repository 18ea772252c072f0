"""Which account of a browser an authorization request is for, where several are signed in."""

from collections.abc import Sequence

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.store import email_addresses
from provider.oauth.authorize.request import AuthorizationRequest
from provider.oauth.authorize.store.authorization_requests import ParkedRequest
from provider.oauth.tokens.store import grants
from provider.sessions.active import ActiveSession
from provider.work import UnitOfWork


def find_account(
    work: UnitOfWork,
    request: AuthorizationRequest,
    *,
    current: ActiveSession | None,
    signed_in: Sequence[ActiveSession],
    parked: ParkedRequest | None,
    login_hint: str | None,
) -> ActiveSession | None:
    """Return the session that the request is for, of the several in `signed_in`; None if the user must choose one.

    An id_token_hint or a `sub` in claims names the user; if that one is not signed in, the request needs a sign-in.
    What the user chose on the way, or signed in with, comes next, and then the login_hint (OIDC Core section 3.1.2.1).

    Without these, prompt=none is for the account with which the app is signed in here, if there is just one. Which one
    is open otherwise (account_selection_required, section 3.1.2.6).
    """
    if request.expected_user_id is not None:
        expected = (session for session in signed_in if session.user_id == request.expected_user_id)
        return next(expected, current or signed_in[0])
    is_chosen = current is not None and parked is not None and parked.is_for(current)
    if is_chosen:
        return current
    if login_hint is not None:
        address = parse_address(login_hint)
        owner = None if address is None else email_addresses.find_owner(work.read, address.normal)
        return next((session for session in signed_in if owner is not None and session.user_id == owner[0].id), None)
    if "none" in request.prompt:
        return _find_used(work, request, signed_in)
    return None


def _find_used(
    work: UnitOfWork, request: AuthorizationRequest, signed_in: Sequence[ActiveSession]
) -> ActiveSession | None:
    """Return the one session in which the app got a grant, or None if there is none or more than one."""
    got = grants.find_clients_of_sessions(work.read, [session.id for session in signed_in])
    ids = {session_id for client_id, _, session_id in got if client_id == request.client.client_id}
    used = [session for session in signed_in if session.id in ids]
    return used[0] if len(used) == 1 else None
