"""How pages of the console name users: by email address, or by name for operators who can't see users."""

from collections.abc import Collection

from provider.accounts.roles.permissions import Permission
from provider.accounts.store import email_addresses
from provider.admin.guards import operator_of
from provider.web.call import Call


def user_names(call: Call, user_ids: Collection[str]) -> dict[str, str]:
    """Return what to call each of these users on a page for this operator. Users without an address or a name, and
    those that were deleted, are left out.
    """
    holders = email_addresses.find_holders(call.work.read, user_ids)
    if operator_of(call).may(Permission.USERS_READ):
        return {user_id: address.address for user_id, (_, address) in holders.items() if address is not None}
    return {user_id: str(name) for user_id, (user, _) in holders.items() if (name := user.claims.get("name"))}
