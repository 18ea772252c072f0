"""The signing keys in the console: show them and who uses them, rotate, retire, remove and revoke them."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    Subject,
    action_endpoint,
    available,
    done_message,
)
from provider.languages.text import Text
from provider.oauth.keys import retirement, rotation, waiting
from provider.oauth.keys.refusals import StillUsed, TokensStillValid, TooSoon, UnknownKey
from provider.oauth.keys.store import State
from provider.oauth.keys.waiting import KeyStatus
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

PATH = "/admin/keys"
NEEDS = Permission.KEYS_WRITE
TOO_SOON = Text(
    "Applications may not have fetched the upcoming key yet. It can sign from %(time)s UTC. To use it now, choose "
    "“Rotate immediately”."
)
NOT_KNOWN = Text(
    "Applications were seen that don't know the upcoming key: %(users)s. To use it now, choose “Rotate immediately”."
)
NOT_EXPIRED = Text("Tokens signed with this key are valid until %(time)s UTC. To end them now, choose “Revoke key”.")
STILL_USED = Text("Applications still use this key: %(users)s. To remove it now, choose “Remove immediately”.")


def _rotate(*, at_once: bool) -> Action[KeyStatus]:
    def do(call: Call, subject: Subject[KeyStatus]) -> None:
        try:
            rotation.rotate(call.work, alg=subject.value.row.alg, at_once=at_once)
        except TooSoon as refusal:
            refusal.message = Text(TOO_SOON.message, time=f"{refusal.may_sign_from:%Y-%m-%d %H:%M}")
            raise
        except StillUsed as refusal:
            refusal.message = Text(NOT_KNOWN.message, users=refusal.users)
            raise

    def is_current(key: KeyStatus) -> bool:
        return key.row.state == State.CURRENT

    if at_once:
        return Action(
            title=Text("Rotate immediately"),
            button=Text("Rotate immediately"),
            means=(
                Text(
                    "The upcoming key starts signing now, even if applications haven't fetched it yet. Applications "
                    "that cache the key set may reject new tokens for a while."
                ),
                Text("Tokens signed with the current key stay valid until they expire."),
            ),
            done=Text("Key rotated. The next key is in use."),
            do=do,
            danger=True,
            is_available=is_current,
        )
    return Action(
        title=Text("Rotate key"),
        button=Text("Rotate key"),
        means=(
            Text("The upcoming key starts signing, and a new upcoming key is published."),
            Text("Tokens signed with the current key stay valid until they expire."),
        ),
        done=Text("Key rotated. The next key is in use."),
        do=do,
        is_available=is_current,
    )


def _revoke(call: Call, subject: Subject[KeyStatus]) -> None:
    rotation.revoke(call.work, kid=subject.value.row.kid)


def _remove(*, even_if_used: bool) -> Action[KeyStatus]:
    def do(call: Call, subject: Subject[KeyStatus]) -> None:
        try:
            retirement.remove(call.work, kid=subject.value.row.kid, even_if_used=even_if_used)
        except TokensStillValid as refusal:
            refusal.message = Text(NOT_EXPIRED.message, time=f"{refusal.until:%Y-%m-%d %H:%M}")
            raise
        except StillUsed as refusal:
            refusal.message = Text(STILL_USED.message, users=refusal.users)
            raise

    def users(key: KeyStatus) -> tuple[Text, ...]:
        used_by = waiting.name_sources(key.waits_for)
        return (Text("It is still used: %(users)s.", users=used_by),) if used_by else ()

    title = Text("Remove immediately") if even_if_used else Text("Remove key")
    removed = Text("The key leaves the key set now, without waiting any longer.")
    harm = Text("Applications and APIs reject the tokens that are still valid. Users may have to sign in again.")
    return Action(
        title=title,
        button=title,
        means=(removed, harm) if even_if_used else (removed, Text("All tokens signed with it have expired.")),
        done=Text("Key removed."),
        do=do,
        danger=even_if_used,
        is_available=lambda key: key.can_be_removed and key.is_delayed == even_if_used,
        also=users,
    )


ACTIONS: Actions[KeyStatus] = {
    "rotate": _rotate(at_once=False),
    "retire": _rotate(at_once=True),
    "remove": _remove(even_if_used=False),
    "remove-now": _remove(even_if_used=True),
    "revoke": Action(
        title=Text("Revoke key"),
        button=Text("Revoke key"),
        means=(
            Text("Do this if the private key may have leaked. All tokens signed with it become invalid."),
            Text("Users must sign in to their applications again. Another key starts signing immediately."),
        ),
        done=Text("Key revoked."),
        do=_revoke,
        danger=True,
        is_available=lambda key: key.row.state != State.REVOKED,
    ),
}


@endpoint
def list_keys(call: Call) -> Response:
    operator = require_operator(call, Permission.KEYS_READ)
    statuses = reversed(waiting.find_statuses(call.work))
    rows = [(status, status.row, available(ACTIONS, status, NEEDS, operator)) for status in statuses]
    return page(call, "admin/keys.html", keys=rows, done=done_message(call, ACTIONS))


def find_key(call: Call, operator: Operator) -> Subject[KeyStatus]:
    """Return the key named by the query, as a Subject. The kid is not in the path, because it may begin with any
    character. Raises UnknownKey.
    """
    kid = call.query.get("kid")
    key = next((one for one in waiting.find_statuses(call.work) if one.row.kid == kid), None)
    if key is None:
        raise UnknownKey
    return Subject(f"{key.row.alg} {key.row.kid}", PATH, key, operator)


act_on_key = action_endpoint(find_key, ACTIONS, here="keys", needs=NEEDS)
