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
    """A postal address (OIDC Core section 5.1.1)."""

    street_address: str | None = Field(None, description="Street and house number.")
    locality: str | None = Field(None, description="City.")
    region: str | None = Field(None, description="State, province or region.")
    postal_code: str | None = Field(None, description="Postal code.")
    country: str | None = Field(None, description="Country name.")


class Editable(Body):
    """The claims that a user can edit (OIDC Core section 5.1). A claim that is left out, null or empty is removed."""

    name: str | None = Field(None, description="Full name.")
    given_name: str | None = Field(None, description="First name.")
    middle_name: str | None = Field(None, description="Middle name.")
    family_name: str | None = Field(None, description="Last name.")
    nickname: str | None = Field(None, description="Nickname.")
    preferred_username: str | None = Field(
        None, description="Suggested to apps as the username. It isn't unique, and users don't sign in with it."
    )
    profile: str | None = Field(None, description="URL of the user's profile page.")
    website: str | None = Field(None, description="URL of the user's website.")
    gender: str | None = Field(None, description="Gender, in any words.")
    birthdate: str | None = Field(
        None, description="Date of birth as YYYY-MM-DD. Use 0000-MM-DD without the year, or YYYY alone."
    )
    zoneinfo: str | None = Field(None, description="Time zone, for example Europe/Paris.")
    locale: str | None = Field(None, description="Language tag (BCP 47), for example en or fr-CA.")
    phone_number: str | None = Field(None, description="Phone number in E.164 format, for example +442079460018.")
    address: Address | None = Field(None, description="Postal address.")


class Profile(Editable):
    """The user's profile, with the claims that the server sets itself."""

    sub: str = Field(description="The user's identifier for this app.")
    email: str | None = Field(None, description="Email address.")
    email_verified: bool = Field(description="Whether the email address is verified.")
    phone_number_verified: bool | None = Field(None, description="Whether the phone number is verified.")
    picture: str | None = Field(None, description="URL of the profile picture.")


@by_person(gives=Profile)
def show_profile(call: Call, bearer: Bearer, _body: Body) -> Profile:  # noqa: ARG001  # an operation takes its call
    """Get the profile. All claims are returned, whatever other scopes the token has."""
    return _profile(bearer, bearer.person.claims)


@by_person(takes=Editable, gives=Profile)
def put_profile(call: Call, bearer: Bearer, body: Editable) -> Profile:
    """Replace the profile. Claims that are left out are removed. The email address has its own operations."""
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
