"""The token signing keys: list, rotate and revoke them."""

from datetime import datetime

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.oauth.keys import rotation
from provider.oauth.keys.refusals import TooSoon, UnknownKey
from provider.web.call import Call


class Key(Body):
    """A token signing key."""

    kid: str = Field(description="The key ID.")
    alg: str = Field(description="The algorithm. RS256 keys sign PS256 too.")
    state: str = Field(description="`upcoming`, `current`, `retired` or `revoked`.")
    created_at: datetime = Field(description="When the key was created.")
    signs_from: datetime | None = Field(None, description="When the key starts or started signing.")
    expires_at: datetime | None = Field(None, description="For a retired key: when the last token it signed expires.")


class Keys(Body):
    """The signing keys."""

    keys: list[Key] = Field(description="The keys in order of creation.")


class Rotation(Body):
    """The key to rotate."""

    alg: str = Field("RS256", description="RS256 (also for PS256), ES256 or EdDSA.")
    at_once: bool = Field(False, description="Rotate even if applications may not have fetched the upcoming key yet.")


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
                kid=row.kid,
                alg=row.alg,
                state=row.state,
                created_at=row.created_at,
                signs_from=row.signs_from,
                expires_at=row.expires_at,
            )
            for row in rotation.list_keys(call.work)
        ]
    )


@by_operator(needs=Permission.KEYS_WRITE, takes=Rotation, gives=Rotated, problems=(UnknownKey, TooSoon))
def rotate_keys(call: Call, _operator: Operator, body: Rotation) -> Rotated:
    """Rotate a signing key. The upcoming key becomes the current one, and a new upcoming key is published."""
    current, upcoming = rotation.rotate(call.work, alg=body.alg, at_once=body.at_once)
    return Rotated(current=current, upcoming=upcoming)


@by_operator(needs=Permission.KEYS_WRITE, problems=(UnknownKey,))
def revoke_key(call: Call, _operator: Operator, _body: Body) -> None:
    """Revoke a signing key. Use this if the key has leaked. Tokens it signed become invalid, and another key signs."""
    rotation.revoke(call.work, kid=call.path_params["kid"])
