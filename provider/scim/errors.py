"""SCIM errors (RFC 7644 section 3.12): the refusals of rules, and what a client sent wrong, as one kind of body."""

from provider.accounts.email.new_addresses import AddressTaken
from provider.accounts.groups.groups import GroupExists
from provider.languages.text import Text
from provider.refusals import Refusal

MEDIA_TYPE = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
UNIQUENESS, INVALID_VALUE = "uniqueness", "invalidValue"
CONFLICTS = (AddressTaken, GroupExists)
"""Refusals of a value that another resource has already."""


class ScimRefusal(Refusal):
    """A request that RFC 7644 rejects. `scim_type` is one of its keywords, such as `invalidFilter`, or None."""

    code = "scim-error"
    title = Text("SCIM request rejected")

    def __init__(self, scim_type: str | None, detail: str, *, status: int = 400) -> None:
        self.scim_type, self.status_code = scim_type, status
        super().__init__(detail)


def invalid(detail: str) -> ScimRefusal:
    """Return the refusal of a value that an attribute can't have."""
    return ScimRefusal(INVALID_VALUE, detail)


def scim_type_of(refusal: Refusal) -> str | None:
    """Return the keyword of a refusal (RFC 7644 table 9), or None."""
    if isinstance(refusal, ScimRefusal):
        return refusal.scim_type
    if isinstance(refusal, CONFLICTS):
        return UNIQUENESS
    return INVALID_VALUE if refusal.status_code == 400 else None


def body_of(status: int, detail: str, scim_type: str | None = None) -> dict[str, object]:
    """Return the body of an error."""
    kind = {} if scim_type is None else {"scimType": scim_type}
    return {"schemas": [ERROR], "status": str(status), **kind, "detail": detail}
