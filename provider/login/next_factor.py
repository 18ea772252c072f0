"""What is asked for after the first factor of a sign-in."""

from enum import StrEnum

from provider.accounts import known_devices
from provider.accounts.factors import remembered_devices, second_factor
from provider.accounts.store import users
from provider.work import UnitOfWork


class Step(StrEnum):
    """The next step of a sign-in. The value is stored in `sessions.pending`, which is NULL when nothing is missing.

    Every release checks only whether `pending` is NULL. During an upgrade, each of two releases therefore finishes
    sign-ins that the other began. That includes those with the value "totp" of the previous release.
    """

    DONE = "done"
    SECOND_FACTOR = "second_factor"


def step_after_first_factor(
    work: UnitOfWork, user_id: str, *, device: str | None = None, remembered: str | None = None
) -> tuple[Step, str | None]:
    """Return what is asked for next. On a remembered device it is nothing: then its next cookie value comes, too.

    `device` and `remembered` are the cookies of the browser (`accounts.pages.device_cookie`). Call this after every
    check of the first factor: it can write. Who turns two-factor authentication on meanwhile queues at the same row:
    either the factor is asked for here, or the session that begins is among those that end there.
    """
    users.lock_security_stamp(work.db, user_id)
    if not second_factor.is_enabled(work, user_id):
        return Step.DONE, None
    if remembered is None:
        return Step.SECOND_FACTOR, None
    known = known_devices.find_known(work, device, user_id)
    fresh = remembered_devices.use(work, known, remembered)
    return (Step.SECOND_FACTOR if fresh is None else Step.DONE), fresh
