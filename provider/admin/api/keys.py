"""The token signing keys: list, rotate and revoke them."""

from datetime import datetime

from pydantic import Field

from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.oauth.keys import rotation
from provider.oauth.keys.rotation import TooSoon, UnknownKey
from provider.web.call import Call


class Key(Body):
    kid: str
    alg: str = Field(description="The key pair; that of RS256 signs PS256 too.")
    state: str = Field(description="upcoming, current, retired or revoked.")
    created_at: datetime
    signs_from: datetime | None = None
    expires_at: datetime | None = Field(None, description="Of a retired one: when its last token has expired.")


class Keys(Body):
    keys: list[Key]


class Rotation(Body):
    alg: str = Field("RS256", description="RS256 (and PS256), ES256 or EdDSA.")
    at_once: bool = Field(False, description="Even if applications cannot know the upcoming key yet.")


class Rotated(Body):
    current: str = Field(description="The kid that signs now.")
    upcoming: str = Field(description="The kid that is published to sign next.")


@by_operator(reads=True, gives=Keys)
def list_keys(call: Call, _operator: Operator, _body: Body) -> Keys:
    """List the signing keys in order of creation."""
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


@by_operator(takes=Rotation, gives=Rotated, problems=(UnknownKey, TooSoon))
def rotate_keys(call: Call, _operator: Operator, body: Rotation) -> Rotated:
    """Rotate the signing keys by one step. The upcoming key becomes the current one, and a new upcoming key is
    published.
    """
    current, upcoming = rotation.rotate(call.work, alg=body.alg, at_once=body.at_once)
    return Rotated(current=current, upcoming=upcoming)


@by_operator(problems=(UnknownKey,))
def revoke_key(call: Call, _operator: Operator, _body: Body) -> None:
    """Revoke a signing key in an emergency. Tokens it signed are no longer valid, and another key signs from now on."""
    rotation.revoke(call.work, kid=call.path_params["kid"])
