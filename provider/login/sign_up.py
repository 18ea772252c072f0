"""Signing up: what is asked for, and the account that it creates.

Where addresses are verified, the account waits for that. Otherwise the user is signed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from provider.accounts import registration, terms
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.values import InvalidAttributes, UserAttribute, check_new
from provider.accounts.email.email_addresses import Address, parse_address, problem_of_own_address
from provider.accounts.email.home_realms import require_no_home_realm
from provider.accounts.email.verification_emails import Ticket
from provider.accounts.passwords.passwords import about_person, problem_of
from provider.accounts.profile import FIELDS, Field, parse_profile, with_full_name
from provider.accounts.store import user_attributes
from provider.config.settings import Settings
from provider.config.sign_up import NAME_CLAIMS
from provider.languages.text import Text
from provider.ratelimits import LIMITS, hit, of_network
from provider.refusals import Refusal
from provider.work import UnitOfWork

ATTRIBUTES = "attributes."
"""How the errors of attributes are named."""


class InvalidSignUp(Refusal):
    """A sign-up with wrong or missing values. `errors` has a message for each field, in the order of the form."""

    code = "invalid-sign-up"

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__()


@dataclass(frozen=True)
class SignUp:
    """A sign-up whose values are valid."""

    address: Address
    password: str
    claims: Mapping[str, str]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """The values of declared attributes by name, as they are stored."""


def name_fields(settings: Settings) -> list[Field]:
    """Return the fields for names that the form asks for, in their order."""
    known = {field.name: field for field in FIELDS}
    return [known[name] for name in settings.sign_up_fields]


def attributes_asked(work: UnitOfWork) -> list[UserAttribute]:
    """Return the declared attributes that the form asks for, in their order."""
    return [UserAttribute(one, None) for one in user_attributes.find_all(work.read) if Place.SIGN_UP in one.shown_at]


def read_sign_up(
    work: UnitOfWork,
    *,
    email: str,
    password: str,
    names: Mapping[str, str],
    accepted_terms: str | None,
    attributes: Mapping[str, Any],
    more_errors: Mapping[str, str] = MappingProxyType({}),
) -> SignUp:
    """Check a sign-up. `names` are the claims that name the user; those that are not one are ignored.

    Names follow the rules of the profile. `accepted_terms` is the version of the terms of service that the user
    accepted. `attributes` are values of declared attributes by name. `more_errors` were found in the form already.
    Raises InvalidSignUp.
    """
    settings = work.settings
    claims, wrong = parse_profile({name: names.get(name, "") for name in NAME_CLAIMS})
    for name in settings.sign_up_required:
        if name not in claims:
            wrong.setdefault(name, Text("This field is required."))
    errors: dict[str, str] = {
        name: wrong[name] for name in dict.fromkeys((*settings.sign_up_fields, *NAME_CLAIMS)) if name in wrong
    }
    address = parse_address(email)
    if (problem := problem_of_own_address(settings, address)) is not None:
        errors["email"] = problem
    about = about_person(claims, "" if address is None else address.normal)
    if (problem := problem_of(settings, password, about=about)) is not None:
        errors["password"] = problem
    if (problem := terms.problem_of(settings, accepted_terms)) is not None:
        errors["accepted_terms"] = problem
    values: Mapping[str, Any] = {}
    try:
        values = check_new(work, attributes, editor=Editor.USER, place=Place.SIGN_UP)
    except InvalidAttributes as refusal:
        errors |= {f"{ATTRIBUTES}{name}": problem for name, problem in refusal.errors.items()}
    errors |= more_errors
    if address is None or errors:
        raise InvalidSignUp(errors)
    return SignUp(address, password, with_full_name(claims), values)


def sign_up(work: UnitOfWork, wanted: SignUp, *, browser: str, carry: Mapping[str, str]) -> Ticket:
    """Create an account that waits until its address is verified. Raises TooManyRequests."""
    _begin(work, wanted)
    return registration.sign_up(
        work,
        address=wanted.address,
        password=wanted.password,
        claims=wanted.claims,
        attributes=wanted.attributes,
        browser=browser,
        carry=carry,
    )


def sign_up_in_app(work: UnitOfWork, wanted: SignUp, *, client_id: str) -> Ticket:
    """Begin an account for a user who signs up in this app, as `sign_up` does for a browser. Raises TooManyRequests."""
    _begin(work, wanted)
    return registration.sign_up_in_app(
        work,
        address=wanted.address,
        password=wanted.password,
        claims=wanted.claims,
        attributes=wanted.attributes,
        client_id=client_id,
    )


def sign_up_unverified(work: UnitOfWork, wanted: SignUp) -> str:
    """Create an active account whose address is not verified; return the user's id.

    Raises AddressTaken or TooManyRequests.
    """
    _begin(work, wanted)
    return registration.sign_up_unverified(
        work,
        address=wanted.address,
        password=wanted.password,
        claims=wanted.claims,
        attributes=wanted.attributes,
    )


def _begin(work: UnitOfWork, wanted: SignUp) -> None:
    """Count the sign-up. Raises SignInElsewhere for an address whose users sign in with an upstream."""
    require_no_home_realm(work, wanted.address.normal)
    hit(work, LIMITS.sign_up, key=of_network(work, "sign-up"))
