"""The attributes that claim mappings read, as a column of the statements that read a user.

It is not in the store, which is loaded with the clients.
"""

from sqlalchemy import exists

from provider.accounts.store.attribute_values import attribute_values, collect
from provider.accounts.store.user_attributes import user_attributes
from provider.accounts.store.users import users
from provider.oauth.claim_mapping.store import claim_mapping_attributes

_is_read = exists().where(claim_mapping_attributes.c.attribute == user_attributes.c.name)
MAPPED = collect(
    user_attributes.c.name,
    attribute_values.c.value,
    source=attribute_values.join(user_attributes, user_attributes.c.id == attribute_values.c.attribute_id),
    where=(attribute_values.c.user_id == users.c.id, _is_read),
    of=users,
)
"""The attributes of a user that mappings read, as a column beside those of `users`: JSON of [name, value as JSON]."""
