"""The user's authenticator apps: list, rename and remove them, and begin the setup of another one.

The key and the confirmation of a setup are operations of two-factor authentication.
"""

from datetime import datetime
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field

from provider.accounts.factors import authenticator_apps as rules
from provider.accounts.factors import totp_enrolment
from provider.accounts.factors.authenticator_apps import (
    NoSuchAuthenticatorApp,
    OnlyAuthenticatorApp,
    TooManyAuthenticatorApps,
)
from provider.accounts.factors.store.totp import LONGEST_NAME
from provider.accounts.factors.totp import name_of
from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.confirmation import require_confirmed
from provider.api.endpoints.two_factor import GUARDED, Key, key_of
from provider.api.operation import by_person
from provider.database.base import parse_id
from provider.languages.free_text import InvalidText, clean_line
from provider.languages.text import Text
from provider.web.call import Call
from provider.work import UnitOfWork


def _require_name(name: str) -> str:
    if not name:
        raise InvalidText(Text("Enter a name."))
    return name


class AuthenticatorApp(Body):
    """An authenticator app of a user."""

    id: str = Field(description="The authenticator app's ID.")
    name: str = Field(description="The name that the user gave it, or `Authenticator app`.")
    created_at: datetime = Field(description="When it was added.")
    last_used_at: datetime | None = Field(None, description="When one of its codes was last used. Absent if none was.")


class AuthenticatorApps(Body):
    """A user's authenticator apps."""

    authenticator_apps: list[AuthenticatorApp] = Field(description="The authenticator apps, the oldest first.")


class AppName(Body):
    """A new name of an authenticator app."""

    name: Annotated[str, AfterValidator(partial(clean_line, most=LONGEST_NAME)), AfterValidator(_require_name)] = Field(
        description="The name, for example the device it is on. It has at most 60 characters."
    )


def apps_of(work: UnitOfWork, user_id: str) -> AuthenticatorApps:
    return AuthenticatorApps(
        authenticator_apps=[
            AuthenticatorApp(id=one.id, name=name_of(one), created_at=one.confirmed_at, last_used_at=one.last_used_at)
            for one in rules.find_of_user(work, user_id)
        ]
    )


def app_id_of(call: Call) -> str:
    """Return the ID in the path. Raises NoSuchAuthenticatorApp if nothing can have it."""
    app_id = parse_id(call.path_params["app_id"])
    if app_id is None:
        raise NoSuchAuthenticatorApp
    return app_id


@by_person(gives=AuthenticatorApps)
def list_apps(call: Call, bearer: Bearer, _body: Body) -> AuthenticatorApps:
    """List authenticator apps. The oldest comes first. The codes of each one are accepted."""
    return apps_of(call.work, bearer.user_id)


@by_person(gives=Key, status=201, problems=(*GUARDED, TooManyAuthenticatorApps))
def begin_adding(call: Call, bearer: Bearer, _body: Body) -> Key:
    """Start setting up another authenticator app. Confirm it like the first one. Recovery codes and sessions stay."""
    session = require_confirmed(call.work, bearer)
    totp_enrolment.begin_enrolment(call.work, session)
    return key_of(totp_enrolment.find_enrolment(call.work, session))


@by_person(gives=Key, status=201, problems=(*GUARDED, NoSuchAuthenticatorApp))
def begin_moving(call: Call, bearer: Bearer, _body: Body) -> Key:
    """Start moving an authenticator app. The old one works until the one on the new device is confirmed. Then there
    are new recovery codes, and all other sessions end.
    """
    session = require_confirmed(call.work, bearer)
    totp_enrolment.begin_enrolment(call.work, session, replaces=app_id_of(call))
    return key_of(totp_enrolment.find_enrolment(call.work, session))


@by_person(takes=AppName, problems=(*GUARDED, NoSuchAuthenticatorApp))
def rename_app(call: Call, bearer: Bearer, body: AppName) -> None:
    """Change the name of an authenticator app."""
    require_confirmed(call.work, bearer)
    rules.rename(call.work, user_id=bearer.user_id, app_id=app_id_of(call), name=body.name)


@by_person(problems=(*GUARDED, NoSuchAuthenticatorApp, OnlyAuthenticatorApp))
def remove_app(call: Call, bearer: Bearer, _body: Body) -> None:
    """Remove an authenticator app. Its codes are no longer accepted, and the user is notified by email. To remove the
    only second factor, turn off two-factor authentication.
    """
    require_confirmed(call.work, bearer)
    rules.remove(call.work, user_id=bearer.user_id, app_id=app_id_of(call))
