"""The token signing keys: list, rotate, remove and revoke them."""

from datetime import datetime

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.oauth.keys import retirement, rotation, waiting
from provider.oauth.keys.refusals import StillUsed, TokensStillValid, TooSoon, UnknownKey
from provider.web.call import Call


class KeyUse(Body):
    """The uses of a key by one client, or from one network."""

    use: str = Field(
        description="`access_token` (valid), `expired_access_token`, `id_token` (as a hint), or `key_set`: a request "
        "that replaced a copy of the key set without the key."
    )
    source: str = Field(description="The client ID. For `key_set`, the network and the program.")
    count: int = Field(description="How often in the last day.")
    last_used_at: datetime = Field(description="When it was used last, to the minute.")


class Key(Body):
    """A token signing key."""

    kid: str = Field(description="The key ID.")
    alg: str = Field(description="The algorithm. RS256 keys sign PS256 too.")
    state: str = Field(description="`upcoming`, `current`, `retired` or `revoked`.")
    created_at: datetime = Field(description="When the key was created.")
    signs_from: datetime | None = Field(None, description="When the key starts or started signing.")
    expires_at: datetime | None = Field(
        None, description="For a retired key: when it is removed from the key set, if it is not used again."
    )
    tokens_expire_at: datetime | None = Field(
        None, description="For a retired key: when the last token it signed expires. It is not removed before."
    )
    removed_at_the_latest: datetime | None = Field(
        None, description="For a retired key that is published: when it is removed, even if it is still used."
    )
    is_delayed: bool = Field(False, description="Whether the removal of a retired key was due and waits.")
    uses: list[KeyUse] = Field(
        default=[],
        description="Who used a retired key in the last day, and who was seen without an upcoming or current one.",
    )


class Keys(Body):
    """The signing keys."""

    keys: list[Key] = Field(description="The keys in order of creation.")


class Rotation(Body):
    """The key to rotate."""

    alg: str = Field("RS256", description="RS256 (also for PS256), ES256 or EdDSA.")
    at_once: bool = Field(False, description="Rotate even if applications may not have fetched the upcoming key yet.")


class KeyRemoval(Body):
    """Whether to wait."""

    even_if_used: bool = Field(False, description="Remove the key even if apps still send valid tokens of it.")


class Rotated(Body):
    """The keys after a rotation."""

    current: str = Field(description="The ID of the key that signs now.")
    upcoming: str = Field(description="The ID of the key that signs next.")


@by_operator(needs=Permission.KEYS_READ, gives=Keys)
def list_keys(call: Call, _operator: Operator, _body: Body) -> Keys:
    """List signing keys. They are in order of creation."""
    return Keys(
        keys=[
            Key(
                kid=key.row.kid,
                alg=key.row.alg,
                state=key.row.state,
                created_at=key.row.created_at,
                signs_from=key.row.signs_from,
                expires_at=key.row.expires_at,
                tokens_expire_at=key.row.tokens_expire_at,
                removed_at_the_latest=None if key.removal is None else key.removal.limit,
                is_delayed=key.is_delayed,
                uses=[
                    KeyUse(use=use.use, source=use.source, count=use.count, last_used_at=use.last_used_at)
                    for use in key.uses
                ],
            )
            for key in waiting.find_statuses(call.work)
        ]
    )


@by_operator(needs=Permission.KEYS_WRITE, takes=Rotation, gives=Rotated, problems=(UnknownKey, TooSoon, StillUsed))
def rotate_keys(call: Call, _operator: Operator, body: Rotation) -> Rotated:
    """Rotate a signing key. The upcoming key becomes the current one, and a new upcoming key is published."""
    current, upcoming = rotation.rotate(call.work, alg=body.alg, at_once=body.at_once)
    return Rotated(current=current, upcoming=upcoming)


@by_operator(needs=Permission.KEYS_WRITE, takes=KeyRemoval, problems=(UnknownKey, TokensStillValid, StillUsed))
def remove_key(call: Call, _operator: Operator, body: KeyRemoval) -> None:
    """Remove a retired key. It leaves the key set without waiting for those who use it. Its last token has expired."""
    retirement.remove(call.work, kid=call.path_params["kid"], even_if_used=body.even_if_used)


@by_operator(needs=Permission.KEYS_WRITE, problems=(UnknownKey,))
def revoke_key(call: Call, _operator: Operator, _body: Body) -> None:
    """Revoke a signing key. Use this if the key has leaked. Tokens it signed become invalid, and another key signs."""
    rotation.revoke(call.work, kid=call.path_params["kid"])
