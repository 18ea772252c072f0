"""Audit events as sentences with names, for pages. Programs and filters use the names in `audit.events`."""

from collections.abc import Mapping
from typing import Any

from provider.audit.events import Event
from provider.languages.text import Text
from provider.operators.audit.event_names import EVENT_NAMES

OF_USER: Mapping[str, Text] = {
    Event.ACCOUNT_REGISTERED: Text("%(user)s signed up"),
    Event.ACCOUNT_CREATED: Text("An account was created for %(user)s"),
    Event.ACCOUNT_ACTIVATED: Text("The account of %(user)s was activated"),
    Event.ACCOUNT_DELETED: Text("The account of %(user)s was deleted"),
    Event.ACCOUNT_SUSPENDED: Text("%(user)s was suspended"),
    Event.ACCOUNT_RESTORED: Text("%(user)s was restored"),
    Event.DELETION_REQUESTED: Text("%(user)s asked to delete their account"),
    Event.DELETION_CANCELLED: Text("%(user)s kept their account after asking to delete it"),
    Event.COMPROMISE_REPORTED: Text("%(user)s reported that someone else used their account"),
    Event.DATA_EXPORTED: Text("%(user)s downloaded their data"),
    Event.TERMS_ACCEPTED: Text("%(user)s accepted the terms of service"),
    Event.PROFILE_CHANGED: Text("%(user)s updated their profile"),
    Event.PICTURE_CHANGED: Text("%(user)s changed their picture"),
    Event.ROLES_CHANGED: Text("The roles of %(user)s changed"),
    Event.GROUPS_CHANGED: Text("The groups of %(user)s changed"),
    Event.INVITED: Text("%(user)s was invited"),
    Event.LINK_ISSUED: Text("A single-use link was created for %(user)s"),
    Event.EMAIL_VERIFIED: Text("%(user)s verified their email address"),
    Event.VERIFICATION_SENT: Text("A verification email was sent to %(user)s"),
    Event.EMAIL_CHANGE_REQUESTED: Text("%(user)s asked to change their email address"),
    Event.EMAIL_CHANGE_CANCELLED: Text("%(user)s canceled the change of their email address"),
    Event.EMAIL_CHANGED: Text("%(user)s changed their email address"),
    Event.EMAIL_CHANGE_UNDONE: Text("%(user)s undid the change of their email address"),
    Event.PASSWORD_RESET_REQUESTED: Text("A password reset was requested for %(user)s"),
    Event.PASSWORD_RESET: Text("%(user)s reset their password"),
    Event.PASSWORD_CHANGED: Text("%(user)s changed their password"),
    Event.TWO_FACTOR_ENABLED: Text("%(user)s turned on two-factor authentication"),
    Event.TWO_FACTOR_DISABLED: Text("%(user)s turned off two-factor authentication"),
    Event.TWO_FACTOR_LOCKED: Text("The authenticator app of %(user)s was locked"),
    Event.RECOVERY_CODE_USED: Text("%(user)s used a recovery code"),
    Event.DEVICE_FORGOTTEN: Text("A known device of %(user)s was removed"),
    Event.REMEMBERED_DEVICE_ADDED: Text("%(user)s chose to skip the second factor on a device"),
    Event.REMEMBERED_DEVICE_REMOVED: Text("A remembered device of %(user)s was removed"),
    Event.RECOVERY_CODES_RENEWED: Text("%(user)s replaced their recovery codes"),
    Event.AUTHENTICATOR_APP_ADDED: Text("%(user)s added an authenticator app"),
    Event.AUTHENTICATOR_APP_REMOVED: Text("%(user)s removed an authenticator app"),
    Event.PASSKEY_ADDED: Text("%(user)s added a passkey"),
    Event.PASSKEY_REMOVED: Text("%(user)s removed a passkey"),
    Event.PASSKEY_BACKUP_CHANGED: Text("The backup of a passkey of %(user)s changed"),
    Event.IDENTITY_LINKED: Text("%(user)s linked an account at another provider"),
    Event.IDENTITY_UNLINKED: Text("%(user)s unlinked an account at another provider"),
    Event.IDENTITY_USED: Text("%(user)s signed in at another provider"),
    Event.SIGNED_IN: Text("%(user)s signed in"),
    Event.NEW_DEVICE: Text("%(user)s signed in on a new device"),
    Event.SIGN_IN_FAILED: Text("%(user)s failed to sign in"),
    Event.SIGN_IN_CODE_REQUESTED: Text("A code to sign in was requested for %(user)s"),
    Event.SECOND_FACTOR_FAILED: Text("%(user)s entered a wrong two-factor code"),
    Event.STEPPED_UP: Text("%(user)s confirmed their identity again"),
    Event.ACCOUNT_CHOSEN: Text("%(user)s switched to this account"),
    Event.SIGNED_OUT: Text("%(user)s signed out"),
    Event.SESSIONS_ENDED: Text("%(user)s was signed out everywhere"),
    Event.CONSENT_GRANTED: Text("%(user)s allowed %(app)s access"),
    Event.CONSENT_WITHDRAWN: Text("%(user)s removed the access of %(app)s"),
    Event.CONSENT_DENIED: Text("%(user)s denied %(app)s access"),
    Event.DELEGATION_ENDED: Text("%(user)s stopped %(app)s from acting for them"),
    Event.DELEGATION_RESUMED: Text("%(user)s allowed %(app)s to act for them again"),
    Event.DEVICE_ALLOWED: Text("%(user)s connected a device with %(app)s"),
    Event.APPROVAL_REQUESTED: Text("%(app)s asked %(user)s for approval"),
    Event.APPROVAL_GIVEN: Text("%(user)s approved a request from %(app)s"),
    Event.CODE_REPLAYED: Text("%(app)s sent an authorization code of %(user)s again. Its tokens were revoked"),
    Event.REFRESH_REUSED: Text("%(app)s sent a used refresh token of %(user)s. All of its tokens were revoked"),
    Event.FAMILY_REVOKED: Text("%(app)s revoked its refresh token for %(user)s"),
    Event.TOKEN_REVOKED: Text("%(app)s revoked an access token"),
    Event.TOKEN_EXCHANGED: Text("%(app)s acted for %(user)s"),
    Event.ASSERTION_ACCEPTED: Text("%(app)s acted for %(user)s with an assertion of another server"),
    Event.CLIENT_CREATED: Text("%(app)s was registered"),
    Event.CLIENT_UPDATED: Text("The registration of %(app)s was updated"),
    Event.CLIENT_SECRET_ROTATED: Text("The client secret of %(app)s was rotated"),
    Event.CLIENT_DELETED: Text("%(app)s was deleted"),
}
"""What happened, or what the user or the application did."""

SIGN_INS: Mapping[str, Text] = {
    "pwd": Text("%(user)s signed in with a password"),
    "fed": Text("%(user)s signed in with another provider"),
}
"""The sentence for the first factor of a sign-in (`amr`)."""
SIGN_INS_TO_APP: Mapping[str, Text] = {
    "pwd": Text("%(user)s signed in to %(app)s with a password"),
    "fed": Text("%(user)s signed in to %(app)s with another provider"),
}
"""The sentence for the first factor of a sign-in that an app's request waited for (`amr`)."""
TO_APP: Mapping[str, Text] = {
    Event.SIGNED_IN: Text("%(user)s signed in to %(app)s"),
    Event.SIGN_IN_FAILED: Text("%(user)s failed to sign in to %(app)s"),
    Event.STEPPED_UP: Text("%(user)s confirmed their identity again for %(app)s"),
}
"""The sentence for a sign-in that the request of an app waited for."""
UNKNOWN: Mapping[str, Text] = {
    Event.SIGN_IN_FAILED: Text("Someone failed to sign in with an unknown address"),
    Event.PASSWORD_RESET_REQUESTED: Text("A password reset was requested for an unknown address"),
}
"""The sentence for an event that names no user."""

BY_OPERATOR: Mapping[str, Text] = {
    Event.ACCOUNT_CREATED: Text("%(by)s created an account for %(user)s"),
    Event.ACCOUNT_DELETED: Text("%(by)s deleted the account of %(user)s"),
    Event.ACCOUNT_SUSPENDED: Text("%(by)s suspended %(user)s"),
    Event.ACCOUNT_RESTORED: Text("%(by)s restored %(user)s"),
    Event.DELETION_REQUESTED: Text("%(by)s scheduled the deletion of %(user)s"),
    Event.DELETION_CANCELLED: Text("%(by)s canceled the deletion of %(user)s"),
    Event.PROFILE_CHANGED: Text("%(by)s updated the profile of %(user)s"),
    Event.PICTURE_CHANGED: Text("%(by)s changed the picture of %(user)s"),
    Event.ROLES_CHANGED: Text("%(by)s changed the roles of %(user)s"),
    Event.GROUPS_CHANGED: Text("%(by)s changed the groups of %(user)s"),
    Event.INVITED: Text("%(by)s invited %(user)s"),
    Event.LINK_ISSUED: Text("%(by)s created a single-use link for %(user)s"),
    Event.EMAIL_VERIFIED: Text("%(by)s marked the email address of %(user)s as verified"),
    Event.VERIFICATION_SENT: Text("%(by)s sent a verification email to %(user)s"),
    Event.EMAIL_CHANGED: Text("%(by)s changed the email address of %(user)s"),
    Event.EMAIL_CHANGE_CANCELLED: Text("%(by)s canceled the change of the email address of %(user)s"),
    Event.PASSWORD_RESET_REQUESTED: Text("%(by)s sent %(user)s a link to reset their password"),
    Event.TWO_FACTOR_DISABLED: Text("%(by)s turned off two-factor authentication for %(user)s"),
    Event.AUTHENTICATOR_APP_REMOVED: Text("%(by)s removed an authenticator app of %(user)s"),
    Event.PASSKEY_REMOVED: Text("%(by)s removed a passkey of %(user)s"),
    Event.REMEMBERED_DEVICE_REMOVED: Text("%(by)s removed a remembered device of %(user)s"),
    Event.DEVICE_FORGOTTEN: Text("%(by)s removed a known device of %(user)s"),
    Event.IDENTITY_LINKED: Text("%(by)s linked %(user)s to an account at another provider"),
    Event.IDENTITY_UNLINKED: Text("%(by)s unlinked %(user)s from an account at another provider"),
    Event.SIGNED_OUT: Text("%(by)s ended a session of %(user)s"),
    Event.SESSIONS_ENDED: Text("%(by)s signed %(user)s out everywhere"),
    Event.CONSENT_WITHDRAWN: Text("%(by)s removed the access of %(app)s to the account of %(user)s"),
    Event.FAMILY_REVOKED: Text("%(by)s revoked a refresh token of %(app)s for %(user)s"),
    Event.CLIENT_CREATED: Text("%(by)s registered %(app)s"),
    Event.CLIENT_UPDATED: Text("%(by)s updated %(app)s"),
    Event.CLIENT_SECRET_ROTATED: Text("%(by)s rotated the client secret of %(app)s"),
    Event.CLIENT_SECRETS_ENDED: Text("%(by)s revoked old client secrets of %(app)s"),
    Event.CLIENT_TRIED: Text("%(by)s tried to sign in to %(app)s"),
    Event.CLIENT_DISABLED: Text("%(by)s disabled %(app)s"),
    Event.CLIENT_ENABLED: Text("%(by)s enabled %(app)s"),
    Event.CLIENT_DELETED: Text("%(by)s deleted %(app)s"),
}
"""What an operator did, where the event is about a user or an application."""

DONE_BY = Text("%(event)s by %(by)s")
"""An operator's change of something else, with the name of the event."""
BECAUSE = Text("%(sentence)s: %(reason)s")
"""A sentence and the reason that was given."""


def sentence_for(name: str, *, names: Mapping[str, str], details: Mapping[str, Any]) -> Text | str:
    """Return the sentence for an event. `names` has what is shown for `user`, `app` and `by`, as far as there are any.

    An event of another release, which has no words here, is returned as its name.
    """
    own, factor = OF_USER.get(name), str(details.get("amr"))
    if "user" not in names:
        own = UNKNOWN.get(name, own)
    elif name == Event.SIGNED_IN and factor in SIGN_INS:
        own = SIGN_INS_TO_APP[factor] if "app" in names else SIGN_INS[factor]
    elif "app" in names:
        own = TO_APP.get(name, own)
    for sentence in (BY_OPERATOR.get(name) if "by" in names else None, own):
        if sentence is not None and all(
            f"%({each})s" not in sentence or each in names for each in ("user", "app", "by")
        ):
            return Text(sentence.message, **names)
    event = EVENT_NAMES.get(name)
    if event is None:
        return name
    return Text(DONE_BY.message, event=event, **names) if "by" in names else event
