"""What a page tells the browser about passkeys, so that devices stop offering removed ones and show the present name
(WebAuthn Level 3 section 5.1.10).

Each function returns the methods of PublicKeyCredential to call, with their options. Only pages of a user who is signed
in say what that user has.
"""

import re
from typing import Any

from provider.accounts.factors import webauthn
from provider.accounts.factors.store import passkeys
from provider.accounts.factors.webauthn import InvalidPasskey
from provider.accounts.store import email_addresses, users
from provider.work import UnitOfWork

Signals = dict[str, dict[str, Any]]
BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,1364}")


def accepted(work: UnitOfWork, *, user_id: str) -> Signals:
    """Return the signals with every passkey of this user, and with the user's name and email address."""
    held = [passkey.credential_id for passkey in passkeys.find_of_user(work.read, user_id)]
    all_of_user = {**_user(work, user_id), "allAcceptedCredentialIds": held}
    return {"signalAllAcceptedCredentials": all_of_user, **_details(work, user_id)}


def details(work: UnitOfWork, *, user_id: str) -> Signals:
    """Return the signal with the name and email address of this user, if they have a passkey."""
    has_passkeys = work.settings.has("passkeys") and passkeys.find_owners(work.read, [user_id])
    return _details(work, user_id) if has_passkeys else {}


def unknown(work: UnitOfWork, answer: str) -> Signals:
    """Return the signal that the credential in this answer is not known here, if it is not.

    It says nothing of any other credential, so it is also for a browser where nobody is signed in.
    """
    try:
        credential_id = webauthn.read_answer(answer)["id"]
    except InvalidPasskey:
        return {}
    if BASE64URL.fullmatch(credential_id) is None or passkeys.find(work.read, credential_id) is not None:
        return {}
    return {"signalUnknownCredential": {"rpId": webauthn.rp_id(work.settings), "credentialId": credential_id}}


def name_and_display_name(work: UnitOfWork, user_id: str) -> tuple[str, str]:
    """Return what devices show for a user: the email address, and the name if there is one."""
    user, address = users.find(work.read, user_id), email_addresses.find_of_user(work.read, user_id)
    name = "" if address is None else address.address
    return name, (user and user.claims.get("name")) or name


def _details(work: UnitOfWork, user_id: str) -> Signals:
    name, display_name = name_and_display_name(work, user_id)
    return {"signalCurrentUserDetails": {**_user(work, user_id), "name": name, "displayName": display_name}}


def _user(work: UnitOfWork, user_id: str) -> dict[str, Any]:
    return {"rpId": webauthn.rp_id(work.settings), "userId": webauthn.handle_of(user_id)}
