"""The user's own profile: the standard claims (OIDC Core section 5.1)."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from provider.accounts import profile
from provider.accounts.store import users
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Bearer
from provider.api.operation import by_person
from provider.web.call import Call


class Address(Body):
    street_address: str | None = None
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Editable(Body):
    """All claims a user may change. A member that is left out, null or empty means that the claim is absent."""

    name: str | None = None
    given_name: str | None = None
    middle_name: str | None = None
    family_name: str | None = None
    nickname: str | None = None
    preferred_username: str | None = None
    profile: str | None = Field(None, description="A web address.")
    website: str | None = Field(None, description="A web address.")
    gender: str | None = None
    birthdate: str | None = Field(None, description="YYYY-MM-DD, 0000-MM-DD without the year, or YYYY.")
    zoneinfo: str | None = Field(None, description="As in the time zone database: Europe/Paris.")
    locale: str | None = Field(None, description="A language tag (BCP 47).")
    phone_number: str | None = Field(None, description="E.164: +442079460018.")
    address: Address | None = None


class Profile(Editable):
    """The user's profile, with the claims that the server sets itself."""

    sub: str
    email: str | None = None
    email_verified: bool
    phone_number_verified: bool | None = None
    picture: str | None = None


@by_person(gives=Profile)
def show_profile(call: Call, bearer: Bearer, _body: Body) -> Profile:  # noqa: ARG001  # an operation takes its call
    """Get the user's own profile. All claims are returned, whichever scopes the token has besides."""
    return _profile(bearer, bearer.person.claims)


@by_person(takes=Editable, gives=Profile)
def put_profile(call: Call, bearer: Bearer, body: Editable) -> Profile:
    """Replace the profile. Claims that are left out are removed; the email address has operations of its own."""
    profile.change_profile(call.work, user_id=bearer.user_id, claims=claims_of(body))
    user = users.find(call.work.read, bearer.user_id)
    return _profile(bearer, {} if user is None else user.claims)


def claims_of(body: Editable) -> dict[str, Any]:
    """Return the claims in the body. Raises InvalidBody."""
    given = body.model_dump(exclude_none=True)
    claims, errors = profile.parse_profile({**given, **given.pop("address", {})})
    if errors:
        of_address = Address.model_fields.keys()
        raise InvalidBody(
            [
                {"member": f"address.{name}" if name in of_address else name, "problem": problem}
                for name, problem in errors.items()
            ]
        )
    return claims


def _profile(bearer: Bearer, claims: Mapping[str, Any]) -> Profile:
    known: dict[str, Any] = {
        name: value
        for name, value in claims.items()
        if name in Profile.model_fields and isinstance(value, str | bool) and value != ""
    }
    person = bearer.person
    return Profile(
        **known
        | {
            "sub": bearer.sub,
            "email": person.email,
            "email_verified": person.email_verified_at is not None,
            "address": _address(claims.get("address")),
        }
    )


def _address(value: object) -> Address | None:
    if not isinstance(value, Mapping):
        return None
    return Address(**{name: text for name, text in value.items() if name in Address.model_fields})
