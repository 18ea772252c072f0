"""The actions that operators take on one connection of a user, named by the query: a session, an application, or a
linked identity.
"""

from urllib.parse import urlencode

from provider.accounts import linked_identities
from provider.accounts.linked_identities import LastWayIn
from provider.admin.pages.actions import Action, Actions, Subject
from provider.admin.pages.user_details import UserDetails
from provider.languages.text import Text
from provider.oauth.authorize import connected_apps
from provider.oauth.http.server import server_of
from provider.refusals import GoElsewhere
from provider.sessions import lifecycle
from provider.web.call import Call


def _session(call: Call, person: UserDetails) -> str | None:
    return next((one.id for one in person.sessions if one.id == call.query.text("session")), None)


def _end_session(call: Call, _subject: Subject[UserDetails]) -> None:
    lifecycle.end_by_operator(call.work, session_id=call.query.text("session"))


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
    except LastWayIn:
        raise GoElsewhere(f"{subject.url}/unlink-last?{urlencode({'identity': identity_id})}") from None


def _only_identity(call: Call, person: UserDetails) -> str | None:
    return _identity(call, person) if person.is_only_way_in else None


def _unlink_last(call: Call, subject: Subject[UserDetails]) -> None:
    user_id, identity_id = subject.value.user.id, call.query.text("identity")
    linked_identities.unlink(call.work, user_id=user_id, identity_id=identity_id, name_of=str, force=True)


CONNECTION_ACTIONS: Actions[UserDetails] = {
    "end-session": Action(
        title=Text("Sign this device out"),
        button=Text("Sign it out"),
        means=(Text("The session ends on every node, and applications are told."),),
        done=Text("The device is signed out."),
        do=_end_session,
        part=_session,
    ),
    "disconnect": Action(
        title=Text("Take an application's access away"),
        button=Text("Take it away"),
        means=(Text("What this person allowed the application is forgotten, and its tokens end."),),
        done=Text("The application has no access any more."),
        do=_disconnect,
        part=_app,
        danger=True,
    ),
    "unlink": Action(
        title=Text("Unlink a sign-in of another provider"),
        button=Text("Unlink"),
        means=(Text("It signs nobody in any more. The person is told by letter."),),
        done=Text("It is unlinked."),
        do=_unlink,
        part=_identity,
        danger=True,
    ),
    "unlink-last": Action(
        title=Text("Unlink the only way to sign in"),
        button=Text("Unlink it anyway"),
        means=(
            Text("This account has no password and no other linked account. Nobody can sign in to it afterwards."),
            Text("To give access back, send an invitation, or create a link to choose a password."),
            Text("The user is notified by email."),
        ),
        done=Text("It is unlinked."),
        do=_unlink_last,
        part=_only_identity,
        danger=True,
    ),
}
