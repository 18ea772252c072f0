"""The signing keys in the console: show, rotate, retire and revoke them."""

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
from provider.oauth.keys import rotation
from provider.oauth.keys.refusals import TooSoon, UnknownKey
from provider.oauth.keys.store import SigningKeyRow, State
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

PATH = "/admin/keys"
NEEDS = Permission.KEYS_WRITE
TOO_SOON = Text(
    "Applications may not have fetched the upcoming key yet. It can sign from %(time)s UTC. To use it now, choose "
    "“Rotate immediately”."
)


def _rotate(*, at_once: bool) -> Action[SigningKeyRow]:
    def do(call: Call, subject: Subject[SigningKeyRow]) -> None:
        try:
            rotation.rotate(call.work, alg=subject.value.alg, at_once=at_once)
        except TooSoon as refusal:
            refusal.message = Text(TOO_SOON.message, time=f"{refusal.may_sign_from:%Y-%m-%d %H:%M}")
            raise

    def is_current(key: SigningKeyRow) -> bool:
        return key.state == State.CURRENT

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


def _revoke(call: Call, subject: Subject[SigningKeyRow]) -> None:
    rotation.revoke(call.work, kid=subject.value.kid)


ACTIONS: Actions[SigningKeyRow] = {
    "rotate": _rotate(at_once=False),
    "retire": _rotate(at_once=True),
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
        is_available=lambda key: key.state != State.REVOKED,
    ),
}


@endpoint
def list_keys(call: Call) -> Response:
    operator = require_operator(call, Permission.KEYS_READ)
    rows = [(key, available(ACTIONS, key, NEEDS, operator)) for key in reversed(rotation.list_keys(call.work))]
    return page(call, "admin/keys.html", keys=rows, done=done_message(call, ACTIONS))


def find_key(call: Call, operator: Operator) -> Subject[SigningKeyRow]:
    """Return the key named by the query, as a Subject. The kid is not in the path, because it may begin with any
    character. Raises UnknownKey.
    """
    kid = call.query.get("kid")
    key = next((row for row in rotation.list_keys(call.work) if row.kid == kid), None)
    if key is None:
        raise UnknownKey
    return Subject(f"{key.alg} {key.kid}", PATH, key, operator)


act_on_key = action_endpoint(find_key, ACTIONS, here="keys", needs=NEEDS)
