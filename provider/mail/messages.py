"""One function per email: each renders and queues the email, in the transaction of the change it is about.

`language` is the recipient's choice. Without it, or if it is not offered, an email uses the language of the page it
comes from.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

from provider.audit.devices import device_name, is_known_browser
from provider.languages.catalogs import LANGUAGES, Language
from provider.languages.negotiation import best
from provider.mail.rendering import Email, link_to, render
from provider.outbox import messages
from provider.outbox.topics import Topic
from provider.work import UnitOfWork


class Notice(Protocol):
    """A function that queues an email about a change that needs no action."""

    def __call__(self, work: UnitOfWork, *, to: str, language: str | None = None) -> None: ...


def verify_email(work: UnitOfWork, *, to: str, token: str, code: str, carry: Mapping[str, str]) -> str:
    """Queue the email with a link and a code, each of which proves access to the mailbox.

    The link leads on to where the sign-up came from.
    """
    # Nothing the stranger who signed up wrote goes into it: it would make us a carrier of their spam.
    settings = work.settings
    email = render(
        settings,
        language_of(work, None),
        "verify_email",
        link=_link(work, work.origin.verify_uri, "/verify-email/confirm", token=token, carry=carry),
        code=code,
        code_lifetime=settings.verify_code_lifetime,
        link_lifetime=settings.verify_link_lifetime,
    )
    return _enqueue(work, to, email, "verify_email", lifetime=settings.verify_link_lifetime)


def already_registered(work: UnitOfWork, *, to: str, carry: Mapping[str, str], language: str | None = None) -> str:
    """Queue the email to the owner of an address that another sign-up used. The page does not reveal the account."""
    settings = work.settings
    sign_in, reset = link_to(settings, "/login", **carry), link_to(settings, "/forgot-password", **carry)
    email = render(settings, language_of(work, language), "already_registered", sign_in=sign_in, reset=reset)
    return _enqueue(work, to, email, "already_registered")


def reset_password(
    work: UnitOfWork, *, to: str, token: str, carry: Mapping[str, str], language: str | None = None
) -> None:
    settings = work.settings
    email = render(
        settings,
        language_of(work, language),
        "reset_password",
        link=_link(work, work.origin.reset_uri, "/reset-password", token=token, carry=carry),
        link_lifetime=settings.reset_link_lifetime,
    )
    _enqueue(work, to, email, "reset_password", lifetime=settings.reset_link_lifetime)


def sign_in_code(work: UnitOfWork, *, to: str, code: str, language: str | None = None) -> str:
    """Queue the email with a code to sign in. It has no link: the code is typed in the browser that asked for it."""
    lifetime = work.settings.verify_code_lifetime
    email = render(work.settings, language_of(work, language), "sign_in_code", code=code, code_lifetime=lifetime)
    return _enqueue(work, to, email, "sign_in_code", lifetime=lifetime)


def invitation(work: UnitOfWork, *, to: str, token: str, language: str | None = None) -> None:
    """Queue the email to a user for whom an operator created an account, with a link to set the password."""
    settings = work.settings
    email = render(
        settings,
        language_of(work, language),
        "invitation",
        link=link_to(settings, "/reset-password", token=token),
        link_lifetime=settings.invite_link_lifetime,
    )
    _enqueue(work, to, email, "invitation", lifetime=settings.invite_link_lifetime)


def password_was_reset(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "password_was_reset")


def password_changed(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "password_changed")


def two_factor_enabled(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "two_factor_enabled")


def two_factor_enabled_with_passkeys(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "two_factor_enabled_with_passkeys")


def two_factor_disabled(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "two_factor_disabled")


def recovery_code_used(work: UnitOfWork, *, to: str, left: int, few: bool, language: str | None = None) -> None:
    two_factor = link_to(work.settings, "/account/two-factor")
    _notice(work, to, language, "recovery_code_used", left=left, few=few, two_factor=two_factor)


def recovery_codes_renewed(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "recovery_codes_renewed")


def approval_requested(
    work: UnitOfWork, *, to: str, app: str, path: str, lifetime: timedelta, language: str | None = None
) -> str:
    """Queue the email about a request of an app that waits for the user's answer. `path` is the page to answer on.

    It does not contain what the app says about the request: that is shown after the user signed in.
    """
    settings = work.settings
    page, _, query = path.partition("?")
    email = render(
        settings,
        language_of(work, language),
        "approval_requested",
        requested_by=app,
        link=link_to(settings, page, **dict(parse_qsl(query))),
        link_lifetime=lifetime,
        when=work.now,
        account=link_to(settings, "/account"),
    )
    return _enqueue(work, to, email, "approval_requested", lifetime=lifetime)


def change_email(work: UnitOfWork, *, to: str, token: str, code: str | None, language: str | None = None) -> str:
    """Queue the email to the new address, with a link and a code for the user who requested the change.

    If an operator requested it, there is no code: the user has no page open to type it on.
    """
    settings = work.settings
    email = render(
        settings,
        language_of(work, language),
        "change_email",
        link=link_to(settings, "/account/email/confirm", token=token),
        code=code,
        code_lifetime=settings.verify_code_lifetime,
        link_lifetime=settings.verify_link_lifetime,
    )
    return _enqueue(work, to, email, "change_email", lifetime=settings.verify_link_lifetime)


def address_taken(work: UnitOfWork, *, to: str, language: str | None = None) -> str:
    """Queue the email to the owner of an address that another user wanted. The page does not reveal the account."""
    return _enqueue(work, to, render(work.settings, language_of(work, language), "address_taken"), "address_taken")


def email_change_requested(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "email_change_requested")


def email_changed(work: UnitOfWork, *, to: str, token: str | None, language: str | None = None) -> None:
    """Queue the email to the previous address, with a link that undoes the change. Without a token, an operator made
    the change, and there is no such link.
    """
    settings = work.settings
    undo = None if token is None else link_to(settings, "/undo-email-change", token=token)
    lifetime = None if token is None else settings.undo_link_lifetime
    _notice(
        work, to, language, "email_changed", lifetime=lifetime, undo=undo, link_lifetime=settings.undo_link_lifetime
    )


def account_secured(work: UnitOfWork, *, to: str, token: str) -> None:
    """Queue the email after a compromised account was secured, with a link to set a new password."""
    settings = work.settings
    _notice(
        work,
        to,
        None,
        "account_secured",
        lifetime=settings.reset_link_lifetime,
        link=link_to(settings, "/reset-password", token=token),
        link_lifetime=settings.reset_link_lifetime,
    )


def deletion_requested(work: UnitOfWork, *, to: str, delete_after: datetime, language: str | None = None) -> None:
    sign_in = link_to(work.settings, "/login")
    _notice(work, to, language, "deletion_requested", delete_after=delete_after, sign_in=sign_in)


def account_kept(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "account_kept")


def account_deleted(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "account_deleted")


def new_device(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "new_device", device_is_known=is_known_browser(work.origin.user_agent))


def authenticator_app_added(work: UnitOfWork, *, to: str, app: str, language: str | None = None) -> None:
    two_factor = link_to(work.settings, "/account/two-factor")
    _notice(work, to, language, "authenticator_app_added", app=app, two_factor=two_factor)


def authenticator_app_moved(work: UnitOfWork, *, to: str, app: str, old: str, language: str | None = None) -> None:
    _notice(work, to, language, "authenticator_app_moved", app=app, old=old)


def authenticator_app_removed(work: UnitOfWork, *, to: str, app: str, language: str | None = None) -> None:
    _notice(work, to, language, "authenticator_app_removed", app=app)


def passkey_added(work: UnitOfWork, *, to: str, passkey: str, language: str | None = None) -> None:
    passkeys = link_to(work.settings, "/account/passkeys")
    _notice(work, to, language, "passkey_added", passkey=passkey, passkeys=passkeys)


def passkey_removed(work: UnitOfWork, *, to: str, passkey: str, language: str | None = None) -> None:
    _notice(work, to, language, "passkey_removed", passkey=passkey)


def password_elsewhere(work: UnitOfWork, *, to: str, provider: str, language: str | None = None) -> None:
    """Queue the answer to a forgotten password, or to a report, of a user whose password is not kept here."""
    _notice(work, to, language, "password_elsewhere", provider=provider)


def identity_linked(work: UnitOfWork, *, to: str, provider: str, language: str | None = None) -> None:
    linked = link_to(work.settings, "/account/linked")
    _notice(work, to, language, "identity_linked", provider=provider, linked=linked)


def identity_unlinked(work: UnitOfWork, *, to: str, provider: str, language: str | None = None) -> None:
    _notice(work, to, language, "identity_unlinked", provider=provider)


def account_suspended(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "account_suspended")


def account_restored(work: UnitOfWork, *, to: str, language: str | None = None) -> None:
    _notice(work, to, language, "account_restored")


def _link(work: UnitOfWork, app_page: str | None, path: str, *, token: str, carry: Mapping[str, str]) -> str:
    """Return the link to the page of the first-party app that asked for the email, or to ours.

    `app_page` is registered by an operator; nothing in a request chooses it.
    """
    if app_page is None:
        return link_to(work.settings, path, token=token, **carry)
    return f"{app_page}{'&' if '?' in app_page else '?'}{urlencode({'token': token})}"


def language_of(work: UnitOfWork, chosen: str | None) -> Language:
    """Return the language of an email: the user's choice, that of the page, or the first one offered."""
    offered = work.settings.languages
    return LANGUAGES[best(offered, filter(None, (chosen, work.origin.language))) or offered[0]]


def _notice(
    work: UnitOfWork, to: str, language: str | None, name: str, *, lifetime: timedelta | None = None, **context: Any
) -> None:
    """Queue a notice that something about the account changed: what, when, on which device and from where.

    It says what to do if it was not the user. A notice of an operator's action says so, and names neither device nor
    network.
    """
    settings, origin = work.settings, work.origin
    email = render(
        settings,
        language_of(work, language),
        name,
        when=work.now,
        device=device_name(origin.user_agent) if origin.network else "",
        network=origin.network,
        account=link_to(settings, "/account"),
        activity=link_to(settings, "/account/activity"),
        reset=link_to(settings, "/forgot-password"),
        by_operator=origin.is_operator,
        **context,
    )
    _enqueue(work, to, email, name, lifetime=lifetime)


def _enqueue(work: UnitOfWork, to: str, email: Email, name: str, *, lifetime: timedelta | None = None) -> str:
    """Queue the email; return the id of its message."""
    payload = {"to": to, "subject": email.subject, "text": email.text, "html": email.html}
    expires_at = None if lifetime is None else work.now + lifetime
    return messages.enqueue(work, Topic.MAIL, payload, about=f"{name} to {to}", expires_at=expires_at)
