"""Whom a backchannel authentication request is for: exactly one hint names the user (CIBA section 7.1)."""

from collections.abc import Mapping

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.store import email_addresses, users
from provider.accounts.store.users import Status, User
from provider.oauth.authorize.parameters import read_hinted_sub
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidRequestError, UnknownUserIdError
from provider.oauth.tokens.server import AuthorizationServer
from provider.ratelimits import LIMITS, fail
from provider.work import UnitOfWork

HINTS = ("login_hint", "id_token_hint", "login_hint_token")


def find_hinted_user(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, given: Mapping[str, str]
) -> User:
    """Return the active user whom the hint names. `login_hint` is an email address that the user has verified.

    Raises InvalidRequestError or UnknownUserIdError (CIBA section 13, decision 274); TooManyRequests if
    many hints named no user.
    """
    hints = [name for name in HINTS if name in given]
    checks.require(
        len(hints) == 1,
        "The request has exactly one hint",
        section="CIBA section 7.1",
        error=InvalidRequestError,
        description="Send exactly one of login_hint and id_token_hint",
        expected="login_hint or id_token_hint",
        got=" and ".join(hints) or "no hint",
        fix="Name the user with exactly one of login_hint (an email address) and id_token_hint.",
    )
    checks.require(
        hints != ["login_hint_token"],
        "The hint is one that is supported",
        section="CIBA section 7.1",
        error=InvalidRequestError,
        description="login_hint_token is not supported. Send login_hint or id_token_hint",
        expected="login_hint or id_token_hint",
        got="login_hint_token",
        fix="Name the user with login_hint (an email address) or id_token_hint.",
    )
    user = _find(work, server, checks, client, given)
    if user is None or user.status != Status.ACTIVE:
        user = None
        fail(work, LIMITS.unknown_hint, key=f"unknown-hint:{client.client_id}")
    return checks.found(
        user,
        "The hint names an active user",
        section="CIBA section 13",
        error=UnknownUserIdError,
        description=f"{hints[0]} names no user who can sign in here",
        expected="the verified email address of an active user, or an ID token of one",
        got="an unknown user, or one who is not active",
        fix="Check the hint. The user must have an active account with a verified email address.",
    )


def _find(
    work: UnitOfWork, server: AuthorizationServer, checks: Checks, client: Client, given: Mapping[str, str]
) -> User | None:
    sub = read_hinted_sub(work, server, checks, client, given)
    if sub is not None:
        return users.find(work.read, server.subjects.user_id_of(work, client, sub))
    address = parse_address(given["login_hint"])
    owner = None if address is None else email_addresses.find_owner_and_claimant(work.read, address.normal)[0]
    return None if owner is None else owner[0]
