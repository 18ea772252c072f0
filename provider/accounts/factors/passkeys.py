"""Passkeys (WebAuthn Level 3): adding, using, naming and removing them.

A passkey signs a user in on its own, and is a second factor after a password. To have one does not turn two-factor
authentication on: the password alone still signs in, unless the user turned that on too.
"""

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Any

from provider.accounts import throttle
from provider.accounts.factors import authenticators, policy, remembered_devices, webauthn
from provider.accounts.factors.factor import Factor, WrongSecondFactor
from provider.accounts.factors.live_session import require_live
from provider.accounts.factors.passkey_signals import name_and_display_name
from provider.accounts.factors.store import passkeys, totp, two_factor_choices, used_challenges
from provider.accounts.factors.store.passkeys import LONGEST_NAME, Passkey
from provider.accounts.factors.webauthn import Assertion, Challenge, InvalidPasskey
from provider.accounts.notices import notify
from provider.accounts.store import linked_identities, passwords
from provider.audit.devices import device_name
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import new_id
from provider.languages.free_text import InvalidText, clean_line
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import NotFound, Refusal
from provider.sessions.assurance import HARDWARE_KEY, SOFTWARE_KEY
from provider.sessions.store import Session
from provider.work import UnitOfWork

MOST = 20
"""Passkeys of one user."""


class WrongPasskey(WrongSecondFactor):
    """An invalid answer at the second-factor page. All get the same message."""

    code = "wrong-passkey"
    message = Text("That passkey didn't work. Try again.")


class UnknownPasskey(InvalidPasskey):
    """No user has a passkey with this ID: it was removed here, but is still on the device."""

    code = "unknown-passkey"

    def __init__(self) -> None:
        super().__init__("unknown", Text("That passkey was removed from your account. Sign in another way."))


class PasskeyTaken(Refusal):
    """An account has a passkey with this ID already."""

    code = "passkey-taken"
    message = Text("This passkey is already in use.")


class TooManyPasskeys(Refusal):
    code = "too-many-passkeys"
    message = Text("You have %(most)s passkeys, the most an account can have. Remove one first.", most=MOST)


class NoSuchPasskey(NotFound):
    code = "no-such-passkey"
    title = Text("Passkey not found")
    message = Text("There is no passkey with this ID.")


class LastPasskey(Refusal):
    code = "last-passkey"
    title = Text("You can't remove your only way to sign in")
    message = Text("Your account has no password, so you couldn't sign in any more. Set a password first.")


class OnlySecondFactor(Refusal):
    code = "only-second-factor"
    status_code = 409
    title = Text("This passkey is your only second factor")
    message = Text("You need it for two-factor authentication. Add another passkey first.")


def new_passkey_options(work: UnitOfWork, session: Session, *, is_conditional: bool = False) -> dict[str, Any]:
    """Return the options with which a browser creates a passkey for this session's user.

    `is_conditional` is for a browser that creates one without asking, after a password that it filled in. Raises
    TooManyPasskeys.
    """
    held = passkeys.find_of_user(work.read, session.user_id)
    if len(held) >= MOST:
        raise TooManyPasskeys
    name, display_name = name_and_display_name(work, session.user_id)
    return webauthn.creation_options(
        work,
        bound_to=session.id,
        user_id=session.user_id,
        name=name,
        display_name=display_name,
        held=held,
        is_conditional=is_conditional,
    )


def add(work: UnitOfWork, session: Session, *, answer: str) -> Passkey:
    """Store the passkey that the browser created, and notify its user by email.

    Raises InvalidPasskey, SessionEnded, PasskeyTaken or TooManyPasskeys.
    """
    created, challenge = webauthn.verify_creation(work, answer, bound_to=session.id)
    require_live(work, session)
    _spend(work, challenge)
    # Not locked: whoever adds another one waits for the user's row.
    if len(passkeys.find_of_user(work.db, session.user_id)) >= MOST:
        raise TooManyPasskeys
    passkey = Passkey(
        id=new_id(),
        user_id=session.user_id,
        credential_id=created.credential_id,
        public_key=created.public_key,
        sign_count=created.sign_count,
        aaguid=created.aaguid,
        transports=" ".join(created.transports),
        is_synced=created.is_synced,
        is_backed_up=created.is_backed_up,
        name=authenticators.find_name(created.aaguid) or device_name(work.origin.user_agent),
        created_at=work.now,
        last_used_at=None,
    )
    if not passkeys.add(work.db, passkey):
        raise PasskeyTaken
    record(work, Event.PASSKEY_ADDED, user_id=session.user_id, passkey=passkey.id, name=passkey.name)
    notify(work, session.user_id, partial(messages.passkey_added, passkey=passkey.name))
    return passkey


def rename(work: UnitOfWork, *, user_id: str, passkey_id: str, name: str) -> None:
    """Rename a passkey of this user. Raises NoSuchPasskey, or InvalidText for a name that cannot be shown."""
    cleaned = clean_line(name, most=LONGEST_NAME)
    if not cleaned:
        raise InvalidText(Text("Enter a name."))
    if not passkeys.rename(work.db, user_id, passkey_id, cleaned):
        raise NoSuchPasskey


def remove(work: UnitOfWork, *, user_id: str, passkey_id: str, force: bool = False) -> None:
    """Remove a passkey of this user, and notify them by email. With `force`, even if they can't sign in afterwards.

    Raises NoSuchPasskey, LastPasskey or OnlySecondFactor.
    """
    held = {passkey.id: passkey for passkey in passkeys.lock_of_user(work.db, user_id)}
    if passkey_id not in held:
        raise NoSuchPasskey
    if len(held) == 1 and not force and not _has_other_way(work, user_id):
        raise LastPasskey
    if len(held) == 1 and not totp.find_owners(work.db, [user_id]) and _needs_two_factors(work, user_id):
        raise OnlySecondFactor
    passkeys.remove(work.db, user_id, passkey_id)
    removed = held[passkey_id]
    remembered_devices.forget_all(work, user_id=user_id)
    record(work, Event.PASSKEY_REMOVED, user_id=user_id, passkey=passkey_id, name=removed.name)
    notify(work, user_id, partial(messages.passkey_removed, passkey=removed.name))


def remove_all(work: UnitOfWork, *, user_id: str) -> None:
    """Remove every passkey of this user. The caller notifies them of what happened."""
    for passkey in passkeys.lock_of_user(work.db, user_id):
        passkeys.remove(work.db, user_id, passkey.id)
        record(work, Event.PASSKEY_REMOVED, user_id=user_id, passkey=passkey.id, name=passkey.name)


def find_of_user(work: UnitOfWork, user_id: str) -> list[Passkey]:
    """Return the passkeys of this user, the oldest first."""
    return passkeys.find_of_user(work.read, user_id)


def sign_in_options(work: UnitOfWork, *, bound_to: str) -> dict[str, Any]:
    """Return the options with which a browser signs in with any passkey. They say nothing about who has one."""
    return webauthn.request_options(work, bound_to=bound_to, held=None)


def second_factor_options(work: UnitOfWork, session: Session) -> dict[str, Any]:
    """Return the options with which a browser shows one of the passkeys of this session's user."""
    held = passkeys.find_of_user(work.read, session.user_id)
    return webauthn.request_options(work, bound_to=session.id, held=held)


def use(work: UnitOfWork, answer: str, *, bound_to: str, origins: list[str] | None = None) -> Passkey:
    """Accept an answer that signs in on its own, for which the device verified its user; return the passkey.

    `origins` are those of apps, for an answer that is not of our own pages. Raises InvalidPasskey or UnknownPasskey,
    and then has written nothing.
    """
    return _use(work, answer, bound_to=bound_to, owner=None, origins=origins)


def amr_of(passkey: Passkey) -> str:
    """Return the `amr` value of its key: `swk` if it is copied to several devices, else `hwk` (RFC 8176 section 2)."""
    return SOFTWARE_KEY if passkey.is_synced else HARDWARE_KEY


def _use(
    work: UnitOfWork, answer: str, *, bound_to: str, owner: str | None, origins: list[str] | None = None
) -> Passkey:
    credential = webauthn.read_answer(answer)
    passkey = passkeys.find(work.read, credential["id"])
    if passkey is None or owner not in {None, passkey.user_id}:
        raise UnknownPasskey
    shown, challenge = webauthn.verify_assertion(
        work, credential, passkey, bound_to=bound_to, must_verify_user=owner is None, origins=origins
    )
    _require_counted_up(passkey, shown)
    _spend(work, challenge)
    if not passkeys.use(
        work.db,
        passkey,
        sign_count=shown.sign_count,
        is_synced=shown.is_synced,
        is_backed_up=shown.is_backed_up,
        now=work.now,
    ):
        raise InvalidPasskey("it was used or removed at the same time")
    if shown.is_backed_up != passkey.is_backed_up:
        record(
            work,
            Event.PASSKEY_BACKUP_CHANGED,
            user_id=passkey.user_id,
            passkey=passkey.id,
            backed_up=shown.is_backed_up,
        )
    return replace(passkey, is_synced=shown.is_synced)


def _require_counted_up(passkey: Passkey, shown: Assertion) -> None:
    """Raise InvalidPasskey if the counter went back, as that of a copied authenticator does (section 6.1.1).

    Synced passkeys do not count: theirs is always zero.
    """
    if (shown.sign_count or passkey.sign_count) and shown.sign_count <= passkey.sign_count:
        raise InvalidPasskey("the counter went back: the authenticator may have been copied")


def _spend(work: UnitOfWork, challenge: Challenge) -> None:
    if not used_challenges.spend(work.db, challenge.digest, expires_at=challenge.expires_at):
        raise InvalidPasskey("the challenge was answered before")


def _has_other_way(work: UnitOfWork, user_id: str) -> bool:
    has_password = passwords.find(work.db, user_id) is not None
    return has_password or bool(linked_identities.find_of_user(work.db, user_id))


def _needs_two_factors(work: UnitOfWork, user_id: str) -> bool:
    """Return whether the user turned two-factor authentication on with passkeys, or operators require it.

    Without its last factor the password alone would sign in, and whoever knows it could set up another one.
    """
    return bool(two_factor_choices.find_time(work.db, user_id)) or policy.find_requirement(work, user_id).is_any


def _find_owners(work: UnitOfWork, user_ids: Collection[str]) -> set[str]:
    return passkeys.find_owners(work.read, user_ids) if work.settings.has("passkeys") else set()


def _prove(work: UnitOfWork, session: Session, answer: str) -> str | None:
    try:
        return amr_of(_use(work, answer, bound_to=session.id, owner=session.user_id))
    except InvalidPasskey:
        return None


def _remove(work: UnitOfWork, user_id: str) -> None:
    remove_all(work, user_id=user_id)


def _export(work: UnitOfWork, user_id: str) -> dict[str, Any]:
    held = passkeys.find_of_user(work.read, user_id)
    return {
        "passkeys": [
            {"name": one.name, "created_at": one.created_at, "last_used_at": one.last_used_at, "synced": one.is_synced}
            for one in held
        ]
    }


PASSKEYS = Factor(
    name="passkey",
    template="login/second_factor/passkey.html",
    offer=Text("Use a passkey"),
    policy=throttle.SECOND_FACTOR,
    wrong=WrongPasskey,
    signs_in=True,
    find_owners=_find_owners,
    question=second_factor_options,
    recognizes=lambda answer: answer.startswith("{") and '"clientDataJSON"' in answer,
    prove=_prove,
    remove=_remove,
    export=_export,
)
