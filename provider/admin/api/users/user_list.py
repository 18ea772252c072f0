"""The list of users: all, or those with an email address, a linked identity, an attribute or a search text."""

from pydantic import Field

from provider.accounts import search
from provider.accounts.attributes import searching as attribute_search
from provider.accounts.attributes.searching import NotSearchable
from provider.accounts.email import email_addresses as addresses
from provider.accounts.roles.permissions import Permission
from provider.accounts.store import email_addresses, linked_identities, users
from provider.admin.api.users.accounts import Account, describe, describe_those
from provider.admin.filters import query_text
from provider.admin.operation import by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.operators.authority import editor_of
from provider.web.call import Call
from provider.work import UnitOfWork

WANTED = {
    "email": "Only the user with this email address.",
    "issuer": "Only the user linked to this issuer and `subject` at an upstream provider.",
    "subject": "The `sub` at the upstream provider. Use it with `issuer`.",
    "attribute": (
        "Only users whose attribute has this value: `name:value`, for an attribute that is declared searchable. Case "
        "doesn't matter. In the order of the IDs."
    ),
    "search": (
        "Only users whose email address or name contains this. If an address or a word of a name starts with it, they "
        "come first, in alphabetical order. Up to two characters find only those. `@` and a domain find the users of "
        "the domain."
    ),
    **PAGED,
}


class Accounts(Body):
    """A page of users."""

    users: list[Account] = Field(description="The users.")
    next: str | None = Field(None, description=NEXT)


@by_operator(needs=Permission.USERS_READ, gives=Accounts, asks=WANTED)
def find_users(call: Call, _operator: Operator, _body: Body) -> Accounts:
    """List users. Filter by email address, linked identity or search text. An unverified address finds every user who
    signed up with it.
    """
    work, query = call.work, call.query
    if "email" in query:
        return _by_address(work, query["email"])
    if "issuer" in query or "subject" in query:
        issuer, subject = query_text(call, "issuer") or "", query_text(call, "subject") or ""
        identity = linked_identities.find(work.read, issuer, subject)
        return _one(work, None if identity is None else identity.user_id)
    if "attribute" in query:
        return _by_attribute(call, query_text(call, "attribute") or "")
    if "search" in query:
        return _search(call, query_text(call, "search") or "")
    page = query_page(call, "users")
    found = users.find_page(work.read, after=None if page.after is None else page.after["id"], limit=page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    return Accounts(
        users=describe_those(work, [user.id for user in shown]),
        next=next_of(call, "users", id=shown[-1].id) if more else None,
    )


def _search(call: Call, text: str) -> Accounts:
    page = query_page(call, "users/search")
    after = None if page.after is None else (page.after["key"], page.after["id"])
    found, further = search.find_page(call.work, text, after=after, limit=page.limit)
    return Accounts(
        users=describe_those(call.work, found),
        next=None if further is None else next_of(call, "users/search", key=further[0], id=further[1]),
    )


def _by_attribute(call: Call, text: str) -> Accounts:
    page = query_page(call, "users/attribute")
    after = None if page.after is None else page.after["id"]
    try:
        found = attribute_search.find_page(call.work, text, editor_of(call.work), after=after, limit=page.limit + 1)
    except NotSearchable as refusal:
        raise InvalidBody([{"member": "attribute", "problem": refusal.message}]) from None
    shown, more = found[: page.limit], len(found) > page.limit
    return Accounts(
        users=describe_those(call.work, shown), next=next_of(call, "users/attribute", id=shown[-1]) if more else None
    )


def _one(work: UnitOfWork, user_id: str | None) -> Accounts:
    return Accounts(users=[] if user_id is None else [describe(work, user_id)])


def _by_address(work: UnitOfWork, text: str) -> Accounts:
    """Return the owner of the address, or else every user who signed up with it."""
    address = addresses.parse_address(text)
    if address is None:
        return Accounts(users=[])
    owner, _ = email_addresses.find_owner_and_claimant(work.read, address.normal)
    found = email_addresses.find_claims(work.read, address.normal) if owner is None else [owner]
    return Accounts(users=[describe(work, user.id) for user, _ in found])
