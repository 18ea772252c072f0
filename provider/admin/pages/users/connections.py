"""The actions that operators take on one connection of a user, named by the query: a session, an application, or a
linked identity.
"""

from urllib.parse import urlencode

from provider.accounts import known_devices, linked_identities
from provider.accounts.factors import authenticator_apps, passkeys, removal
from provider.accounts.factors.totp import name_of
from provider.accounts.linked_identities import LastSignInMethod
from provider.admin.pages.actions import Action, Actions, Subject
from provider.admin.pages.users.details import UserDetails
from provider.languages.text import Text
from provider.oauth.authorize import connected_apps
from provider.oauth.http.server import server_of
from provider.refusals import RedirectRequired
from provider.sessions import lifecycle
from provider.web.call import Call


def _session(call: Call, person: UserDetails) -> str | None:
    return next((one.id for one in person.sessions if one.id == call.query.text("session")), None)


def _end_session(call: Call, _subject: Subject[UserDetails]) -> None:
    lifecycle.end_by_operator(call.work, session_id=call.query.text("session"))


def _device(call: Call, person: UserDetails) -> str | None:
    known = known_devices.find_of_user(call.work, person.user.id)
    return next((one.network or one.id for one in known if one.id == call.query.text("device")), None)


def _forget_device(call: Call, subject: Subject[UserDetails]) -> None:
    known_devices.forget(call.work, user_id=subject.value.user.id, device_id=call.query.text("device"))


def _passkey(call: Call, person: UserDetails) -> str | None:
    held = passkeys.find_of_user(call.work, person.user.id)
    return next((one.name for one in held if one.id == call.query.text("passkey")), None)


def _remove_passkey(call: Call, subject: Subject[UserDetails]) -> None:
    removal.remove_passkey(call.work, user_id=subject.value.user.id, passkey_id=call.query.text("passkey"))


def _authenticator_app(call: Call, person: UserDetails) -> str | None:
    held = authenticator_apps.find_of_user(call.work, person.user.id)
    return next((name_of(one) for one in held if one.id == call.query.get("authenticator")), None)


def _remove_authenticator_app(call: Call, subject: Subject[UserDetails]) -> None:
    app_id = call.query.text("authenticator")
    removal.remove_authenticator_app(call.work, user_id=subject.value.user.id, app_id=app_id)


def _app(call: Call, person: UserDetails) -> str | None:
    return next((one.name for one in person.apps if one.client_id == call.query.get("client_id")), None)


def _disconnect(call: Call, subject: Subject[UserDetails]) -> None:
    user_id, client_id = subject.value.user.id, call.query["client_id"]
    connected_apps.disconnect(call.work, server_of(call), user_id=user_id, client_id=client_id)


def _identity(call: Call, person: UserDetails) -> str | None:
    found = (one for one in person.identities if one.id == call.query.text("identity"))
    return next((f"{one.issuer}, {one.subject}" for one in found), None)


def _unlink(call: Call, subject: Subject[UserDetails]) -> None:
    user_id, identity_id = subject.value.user.id, call.query.text("identity")
    try:
        linked_identities.unlink(call.work, user_id=user_id, identity_id=identity_id, name_of=str)
    except LastSignInMethod:
        raise RedirectRequired(f"/admin/users/{user_id}/unlink-last?{urlencode({'identity': identity_id})}") from None


def _only_identity(call: Call, person: UserDetails) -> str | None:
    return _identity(call, person) if person.is_only_way_in else None


def _unlink_last(call: Call, subject: Subject[UserDetails]) -> None:
    user_id, identity_id = subject.value.user.id, call.query.text("identity")
    linked_identities.unlink(call.work, user_id=user_id, identity_id=identity_id, name_of=str, force=True)


CONNECTION_ACTIONS: Actions[UserDetails] = {
    "end-session": Action(
        title=Text("Sign out device"),
        button=Text("Sign out"),
        means=(Text("The session ends immediately. Applications that support it are notified."),),
        done=Text("Device signed out."),
        do=_end_session,
        part=_session,
    ),
    "forget-device": Action(
        title=Text("Remove known device"),
        button=Text("Remove"),
        means=(
            Text("The next sign-in there counts as one on a new device, and the user is notified by email."),
            Text("If the user chose not to be asked for the second factor there, they are asked for it again."),
            Text("The device stays signed in. To end its session, sign it out."),
        ),
        done=Text("Known device removed."),
        do=_forget_device,
        part=_device,
    ),
    "remove-passkey": Action(
        title=Text("Remove passkey"),
        button=Text("Remove"),
        means=(
            Text("Use this if the device was lost or stolen. The user can no longer sign in with this passkey."),
            Text("All sessions and application access end now, including offline access."),
            Text("The user is notified by email. If this was their only way to sign in, send them a password link."),
        ),
        done=Text("Passkey removed."),
        do=_remove_passkey,
        part=_passkey,
        danger=True,
    ),
    "remove-authenticator": Action(
        title=Text("Remove authenticator app"),
        button=Text("Remove"),
        means=(
            Text("Use this if the device was lost or stolen. The user can no longer sign in with codes from this app."),
            Text("All sessions and application access end now, including offline access."),
            Text("The user is notified by email."),
        ),
        done=Text("Authenticator app removed."),
        do=_remove_authenticator_app,
        part=_authenticator_app,
        danger=True,
    ),
    "disconnect": Action(
        title=Text("Revoke application access"),
        button=Text("Revoke access"),
        means=(Text("The user's consent to this application is withdrawn, and its tokens for the user are revoked."),),
        done=Text("Application access revoked."),
        do=_disconnect,
        part=_app,
        danger=True,
    ),
    "unlink": Action(
        title=Text("Unlink account"),
        button=Text("Unlink"),
        means=(Text("The user can no longer sign in with this account. They are notified by email."),),
        done=Text("Account unlinked."),
        do=_unlink,
        part=_identity,
        danger=True,
    ),
    "unlink-last": Action(
        title=Text("Unlink the only way to sign in"),
        button=Text("Unlink anyway"),
        means=(
            Text("This account has no password and no other linked account. The user won't be able to sign in."),
            Text("To restore access, send an invitation or create a password link."),
            Text("The user is notified by email."),
        ),
        done=Text("Account unlinked."),
        do=_unlink_last,
        part=_only_identity,
        danger=True,
    ),
}
