"""What operators set for provisioning of an app: read and checked."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from provider.changes import Changes, differences
from provider.languages.text import Text
from provider.outbound.addresses import has_user, may_be_asked, networks
from provider.provisioning.store.connections import OnDeletion, Provisioning
from provider.refusals import Refusal
from provider.work import UnitOfWork

MOST_GROUPS = 100
"""How many groups an app can get, and in how many a user can be required to be."""
LONGEST_URL = 1500
LONGEST_TOKEN = 4000
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""What a bearer token can have (RFC 6750 section 2.1)."""


class InvalidProvisioning(Refusal):
    """A setting that is not allowed; the message says why. `member` names it."""

    code = "invalid-provisioning"
    title = Text("Invalid provisioning")

    def __init__(self, member: str, message: str) -> None:
        self.member = self.name = member
        super().__init__(message)


@dataclass(frozen=True)
class ProvisioningSettings:
    """The settings of provisioning, besides the token."""

    base_url: str = ""
    members_of: tuple[str, ...] = ()
    push_groups: tuple[str, ...] = ()
    on_deletion: str = OnDeletion.DEACTIVATE.value
    with_attributes: bool = False

    @classmethod
    def of(cls, row: Provisioning) -> "ProvisioningSettings":
        return cls(row.base_url, tuple(row.members_of), tuple(row.push_groups), row.on_deletion, row.with_attributes)

    def differences(self, wanted: "ProvisioningSettings") -> Changes:
        """Return what `wanted` changes."""
        return differences(vars(self), vars(wanted))

    def as_json(self) -> dict[str, Any]:
        return {name: _plain(value) for name, value in asdict(self).items()}


MEMBERS = tuple(field.name for field in fields(ProvisioningSettings))


def parse_settings(given: Mapping[str, Any]) -> ProvisioningSettings:
    """Read settings. Raises InvalidProvisioning for unknown members and wrong types."""
    for name in given:
        if name not in MEMBERS:
            raise InvalidProvisioning(name, f"{name} is unknown. Known are {', '.join(MEMBERS)}.")
    values: dict[str, Any] = {**ProvisioningSettings().as_json(), **given}
    for name in ("members_of", "push_groups"):
        names = values[name]
        if not isinstance(names, list | tuple) or not all(isinstance(one, str) for one in names):
            raise InvalidProvisioning(name, f"{name} must be a list of names of groups.")
        if len(names) > MOST_GROUPS:
            raise InvalidProvisioning(name, f"{name} can have at most {MOST_GROUPS} groups.")
        values[name] = tuple(sorted(set(names)))
    if values["on_deletion"] not in set(OnDeletion):
        raise InvalidProvisioning("on_deletion", "on_deletion must be deactivate or delete.")
    if not isinstance(values["with_attributes"], bool):
        raise InvalidProvisioning("with_attributes", "with_attributes must be true or false.")
    if not isinstance(values["base_url"], str):
        raise InvalidProvisioning("base_url", "base_url must be a URL.")
    values["base_url"] = values["base_url"].strip().rstrip("/")
    return ProvisioningSettings(**values)


def require_valid(work: UnitOfWork, settings: ProvisioningSettings) -> None:
    """Check that the service may be asked. Raises InvalidProvisioning."""
    url = settings.base_url
    allowed = networks(work.settings.outbound_allow)
    if has_user(url) or "?" in url or "#" in url:
        raise InvalidProvisioning("base_url", "base_url can't have a user, a query or a fragment.")
    if len(url) > LONGEST_URL or not may_be_asked(url, allowed=allowed):
        raise InvalidProvisioning(
            "base_url",
            "base_url must be an https URL at a public address or one in SIGNET_OUTBOUND_ALLOW. "
            f"You sent {url[:200]!r}.",
        )


def require_token(token: str) -> None:
    """Check the form of a token. Raises InvalidProvisioning."""
    if len(token) > LONGEST_TOKEN or not _TOKEN.fullmatch(token):
        raise InvalidProvisioning(
            "token", f"token must have the form of a bearer token, with at most {LONGEST_TOKEN} characters."
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
