"""Ending the access to an account: one table says which cause ends what.

docs/explanation/ending-access.md shows the table to users and operators. Causes that end less than an account's access
are elsewhere:

- One session: `sessions.lifecycle`. Signing out, a device signed out from another one, too many wrong codes.
- One application's access: `oauth.authorize.consent`, and the revocation endpoint.
- One linked identity: `linked_identities.unlink`. Sessions that began with it continue, like those of an old address.
- What was opened through one upstream: `federation.signals.effects`, where the user has other ways to sign in.
- A role: roles are read again for each request and each token, so nothing has to end.
- A password found in a breach: it is rejected when a user chooses it. A sign-in with it ends nothing.
- Every account together: `operators.invalidation`, which invalidates everything that began before a given time.
- Accounts that were never confirmed: `unconfirmed`. No one could sign in to them.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum

from provider.accounts import known_devices, linked_identities, throttle
from provider.accounts.factors import passkeys, remembered_devices, second_factor
from provider.accounts.store import links, users
from provider.accounts.upstream_tokens import ending as upstream_tokens
from provider.sessions import store as sessions
from provider.sessions.lifecycle import end_all_sessions
from provider.work import UnitOfWork


class Access(StrEnum):
    """A way into an account, or a trace of earlier attempts, that a cause can end."""

    SESSIONS = "sessions"
    """Every session except those that are kept, and every sign-in that waits for a second factor. The tokens that an
    application got in a session without offline_access end with it."""
    TOKENS = "tokens"
    """Every token that an application got before now, also with offline_access, and also in a session that is kept."""
    LINKS = "links"
    """Links and codes sent by email, and with them a pending change of address. Links that undo a change of address
    stay valid: a user who was locked out needs them (decision 18)."""
    SETUPS = "setups"
    """Second factors that are being set up and are not confirmed yet."""
    KNOWN_DEVICES = "known_devices"
    REMEMBERED_DEVICES = "remembered_devices"
    """Known devices on which the second factor is not asked for. They stay known, unless those end, too."""
    LINKED_IDENTITIES = "linked_identities"
    UPSTREAM_TOKENS = "upstream_tokens"
    """The tokens with which apps use the user's accounts at other providers. They end with linked identities, too."""
    PASSKEYS = "passkeys"
    PASSWORD_FAILURES = "password_failures"  # noqa: S105  # no password
    """The count of wrong passwords, and the wait it causes. A known device has a count of its own."""
    SECOND_FACTOR_FAILURES = "second_factor_failures"
    """The count of wrong codes, and the lock it causes."""


class Cause(StrEnum):
    """A reason to end access. The value is at most 32 characters long."""

    SIGNED_OUT_OTHERS = "signed_out_elsewhere"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    SIGNED_OUT_BY_OPERATOR = "operator"
    GLOBAL_REVOCATION = "global_revocation"
    """A security tool that asks for it by the global token revocation endpoint."""
    UPSTREAM_SIGNAL = "upstream_signal"
    """A signal of the only upstream that the user can sign in with: the account there is closed or in danger."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    PASSWORD_RESET = "password_reset"  # noqa: S105
    FIRST_PASSWORD = "first_password"  # noqa: S105
    """A password set by a link for an account without one: an invited account, or one with a linked identity."""
    COMPROMISE_REPORTED = "intrusion_reported"
    """A user's report "This was not me", or a change of the address undone from the old mailbox."""
    COMPROMISE_REPORTED_NO_RESET = "intrusion_reported_no_reset"
    """A report where no email can lead to a new password, so that the ways to sign in have to stay."""
    EMAIL_CHANGED = "email_changed"
    TWO_FACTOR_ENABLED = "two_factor_enabled"
    TWO_FACTOR_DISABLED = "two_factor_disabled"
    TWO_FACTOR_RESET = "two_factor_reset"
    """Two-factor turned off by an operator, for a user who can no longer show the second factor."""
    SUSPENDED = "suspended"
    DELETION_REQUESTED = "deletion_requested"
    REOPENED = "reopened"
    """The end of a suspension, or a deletion that was canceled."""
    DELETED = "deleted"

    @property
    def reason(self) -> str:
        """The reason in audit events and in the sessions table. Some causes share one."""
        return _SHARED_REASONS.get(self, self).value


_SHARED_REASONS = {
    Cause.FIRST_PASSWORD: Cause.PASSWORD_RESET,
    Cause.COMPROMISE_REPORTED_NO_RESET: Cause.COMPROMISE_REPORTED,
    Cause.TWO_FACTOR_RESET: Cause.TWO_FACTOR_DISABLED,
}

_SIGNED_OUT = frozenset({
    Access.SESSIONS, Access.TOKENS, Access.SETUPS, Access.KNOWN_DEVICES, Access.REMEMBERED_DEVICES,
})  # fmt: skip
"""Everything that ends so that no one stays signed in and no device is known to the account any more (decision 19)."""
_CLOSED = _SIGNED_OUT | {Access.LINKS}
_TWO_FACTOR_CHANGED = frozenset({
    Access.SESSIONS, Access.SETUPS, Access.REMEMBERED_DEVICES, Access.SECOND_FACTOR_FAILURES,
})  # fmt: skip

ENDS: Mapping[Cause, frozenset[Access]] = {
    Cause.SIGNED_OUT_OTHERS: frozenset({Access.SESSIONS, Access.REMEMBERED_DEVICES}),
    Cause.SIGNED_OUT_EVERYWHERE: _SIGNED_OUT,
    Cause.SIGNED_OUT_BY_OPERATOR: _SIGNED_OUT,
    Cause.GLOBAL_REVOCATION: _SIGNED_OUT,
    # Links stay: the mailbox is no way in of the upstream's.
    Cause.UPSTREAM_SIGNAL: _SIGNED_OUT | {Access.UPSTREAM_TOKENS},
    # The user is still here, on a device that the account knows.
    Cause.PASSWORD_CHANGED: _CLOSED - {Access.KNOWN_DEVICES},
    Cause.PASSWORD_RESET: _CLOSED | {Access.LINKED_IDENTITIES, Access.UPSTREAM_TOKENS, Access.PASSWORD_FAILURES},
    Cause.FIRST_PASSWORD: _CLOSED | {Access.PASSWORD_FAILURES},
    # Passkeys stay after a reset: a forgotten password says nothing against them, and each one was announced by email.
    Cause.COMPROMISE_REPORTED: _CLOSED | {Access.LINKED_IDENTITIES, Access.UPSTREAM_TOKENS, Access.PASSKEYS},
    Cause.COMPROMISE_REPORTED_NO_RESET: _CLOSED | {Access.UPSTREAM_TOKENS},
    # A link in the mailbox that was left must not lead into the account.
    Cause.EMAIL_CHANGED: frozenset({Access.LINKS}),
    # Tokens stay: their `acr` says how the user signed in at `auth_time`, and that is still true.
    Cause.TWO_FACTOR_ENABLED: _TWO_FACTOR_CHANGED,
    Cause.TWO_FACTOR_DISABLED: _TWO_FACTOR_CHANGED,
    # Here nobody showed the second factor. A lost device may be in other hands, with the tokens of its apps; and a link
    # to choose a password, which the second factor made useless to a stranger, would now be enough (decision 65).
    Cause.TWO_FACTOR_RESET: _CLOSED | {Access.PASSKEYS, Access.SECOND_FACTOR_FAILURES},
    Cause.SUSPENDED: _CLOSED | {Access.UPSTREAM_TOKENS},
    Cause.DELETION_REQUESTED: _CLOSED | {Access.UPSTREAM_TOKENS},
    # What began while the account was closed, by a sign-in that was under way. A link sent meanwhile stays valid.
    Cause.REOPENED: frozenset({Access.SESSIONS, Access.TOKENS}),
    Cause.DELETED: frozenset(Access),
}


def end_access(
    work: UnitOfWork,
    *,
    user_id: str,
    cause: Cause,
    but: AbstractSet[str] = frozenset(),
    but_identities: AbstractSet[str] = frozenset(),
) -> int:
    """End what `ENDS` lists for the cause, in the transaction of the cause. Returns how many sessions ended.

    `but` has the ids of sessions that are kept, and `but_identities` those of linked identities. If the cause ends
    TOKENS, the caller has signed the sessions in again first, in the same transaction. Whatever else was signed in or
    granted so far is invalid from then on, whatever its time says: the clocks of nodes differ.
    """
    ends = ENDS[cause]
    # The user's row first: two transactions that end the same access queue at it, and do not lock each other out.
    if Access.TOKENS in ends:
        security_stamp = users.change_security_stamp(work.db, user_id, now=work.now)
        sessions.keep(work.db, but, security_stamp=security_stamp)
    if Access.LINKS in ends:
        links.expire_all(work.db, user_id)
    if Access.SETUPS in ends:
        second_factor.forget_setups(work, user_id)
    if Access.KNOWN_DEVICES in ends:
        known_devices.forget_all(work, user_id=user_id)
    if Access.UPSTREAM_TOKENS in ends:
        upstream_tokens.end_of_user(work, user_id=user_id, reason=cause.reason)
    if Access.LINKED_IDENTITIES in ends:
        linked_identities.unlink_all(work, user_id=user_id, reason=cause.reason, but=but_identities)
    if Access.PASSKEYS in ends:
        passkeys.remove_all(work, user_id=user_id)
    if Access.PASSWORD_FAILURES in ends:
        throttle.settle(work, throttle.PASSWORD, user_id)
    if Access.SECOND_FACTOR_FAILURES in ends:
        throttle.settle(work, throttle.SECOND_FACTOR, user_id)
    ended = end_all_sessions(work, user_id=user_id, reason=cause.reason, but=but) if Access.SESSIONS in ends else 0
    # After the sessions: one that was about to be remembered waited for its row, or has been seen here.
    if Access.REMEMBERED_DEVICES in ends:
        remembered_devices.forget_all(work, user_id=user_id)
    return ended
