"""What operators require of a sign-in: a passkey or any second factor, for every user or for the users of a role.

An app can require it, too (`required_factor` in its metadata). The strictest of all wins.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from provider.accounts.factors.store import passkeys
from provider.accounts.store import roles
from provider.config.settings import Settings
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.sessions.active import ActiveSession
from provider.sessions.assurance import AAL1, AAL2, PHR, REQUIRED_FACTORS, is_at_least, strictest
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Requirement:
    """The level that a sign-in must have, and what requires it. `name` is that of the role."""

    level: str = AAL1
    by: Literal["no one", "operator", "role", "app"] = "no one"
    name: str = ""

    @property
    def is_any(self) -> bool:
        """Whether more than one factor is required."""
        return self.level != AAL1

    @property
    def is_passkey(self) -> bool:
        return self.level == PHR

    def or_stricter(self, other: "Requirement") -> "Requirement":
        """Return the stricter of two. If both are equal, it is this one."""
        return self if is_at_least(self.level, other.level) else other


class RequiredByOperator(Refusal):
    """Turning off what an operator requires."""

    code = "required-by-operator"
    status_code = 409
    title = Text("Two-factor authentication is required")
    message = Text("Your administrator requires two-factor authentication, so you can't turn it off.")


def requirement_of_app(required_factor: str) -> Requirement:
    """Return what the metadata of a client requires."""
    return Requirement(REQUIRED_FACTORS[required_factor], "app")


def find_requirement(work: UnitOfWork, user_id: str) -> Requirement:
    """Return what is required of this user in every app: of all users, or of those of a role."""
    for_all = Requirement(REQUIRED_FACTORS[work.settings.required_factor], "operator")
    requirement = for_all if for_all.is_any else Requirement()
    if requirement.is_passkey:
        return requirement
    for role, required_factor in roles.find_required_of_user(work.read, user_id):
        requirement = requirement.or_stricter(Requirement(REQUIRED_FACTORS[required_factor], "role", role))
    return requirement


def required_level(settings: Settings, session: ActiveSession) -> str:
    """Return the level that is required of the user of this session in every app, as `find_requirement` does."""
    of_roles = session.required_factor or "none"
    return strictest(REQUIRED_FACTORS[settings.required_factor], REQUIRED_FACTORS[of_roles])


def find_bound(work: UnitOfWork, user_ids: Collection[str]) -> set[str]:
    """Return which of these users may not sign in with one factor, though they have passkeys only."""
    bound = set(user_ids)
    if work.settings.required_factor == "none":
        bound = roles.find_bound(work.read, user_ids)
    return passkeys.find_owners(work.read, bound) if bound and work.settings.has("passkeys") else set()


def set_up_page(settings: Settings, level: str) -> str:
    """Return the path of the page where a user sets up what this level needs."""
    return "/account/two-factor" if level != PHR and settings.has("two-factor") else "/account/passkeys"


def can_meet(settings: Settings, level: str) -> bool:
    """Return whether users of this installation can set up what this level needs."""
    return level == AAL1 or settings.can_have_passkeys or (level == AAL2 and settings.has("two-factor"))
