"""The operator's terms of service: users accept each version once, when they sign up or at their next sign-in."""

from collections.abc import Collection

from provider.accounts.store import terms_acceptances
from provider.accounts.store.terms_acceptances import Acceptance
from provider.audit.events import Event
from provider.audit.log import record
from provider.config.settings import Settings
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.work import UnitOfWork

CHANGED = Text("The terms of service have changed. Read the new version, then accept it.")


class TermsChanged(Refusal):
    """The user accepted a version that is not the current one: a page was open while it changed."""

    code = "terms-changed"
    message = CHANGED


def is_due(work: UnitOfWork, *, user_id: str) -> bool:
    """Return whether this user has not accepted the current terms yet. Costs nothing without SIGNET_TERMS_VERSION."""
    version = work.settings.terms_version
    return version is not None and not terms_acceptances.has_accepted(work.read, user_id, version)


def accept(work: UnitOfWork, *, user_id: str, version: str) -> None:
    """Record that the user accepts this version, once. Raises TermsChanged if it is not the current one."""
    if version != work.settings.terms_version:
        raise TermsChanged
    if terms_acceptances.add(work.db, user_id, version, now=work.now):
        record(work, Event.TERMS_ACCEPTED, user_id=user_id, version=version)


def accept_at_sign_up(work: UnitOfWork, *, user_id: str) -> None:
    """Record that a user who just signed up accepts the current terms, which `problem_of` has checked."""
    if work.settings.terms_version is not None:
        accept(work, user_id=user_id, version=work.settings.terms_version)


def problem_of(settings: Settings, accepted: str | None) -> Text | None:
    """Return what is wrong with the version that a user accepts when they sign up, or None."""
    if settings.terms_version is None or accepted == settings.terms_version:
        return None
    return CHANGED if accepted else Text("Accept the terms of service to create an account.")


def find_latest(work: UnitOfWork, user_ids: Collection[str]) -> dict[str, Acceptance]:
    """Return what each of these users accepted last. Asks nothing, and is empty, without SIGNET_TERMS_VERSION."""
    if work.settings.terms_version is None:
        return {}
    return {one.user_id: one for one in terms_acceptances.find_of_users(work.read, user_ids)}
