"""The user pages of the console: search, list, create, and show a user with all that belongs to the account."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from provider.accounts import devices, invitation, registration, search
from provider.accounts.factors import recovery_codes, second_factor
from provider.accounts.registration import AddressTaken, NoSuchUser, NotAnAddress, clean_name
from provider.accounts.store import email_addresses, linked_identities, passwords, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.accounts.store.users import User
from provider.admin.guards import require_operator
from provider.admin.pages.acts import Thing, acting, done_on, offered
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.admin.pages.user_acts import ACTS, roles_of
from provider.audit import store as audit
from provider.audit.devices import device_name
from provider.config.settings import Feature
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.oauth.authorize.connected_apps import ConnectedApp, find_connected
from provider.oauth.http.server import server_of
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/admin/users"
LATEST = 20
"""How many events are shown on a user's page. The audit log has all of them."""


@dataclass(frozen=True)
class Person:
    """A user with everything that belongs to the account."""

    user: User
    address: EmailAddress | None
    two_factor: bool
    codes_left: int
    has_password: bool
    sessions: list[Session]
    apps: list[ConnectedApp]
    identities: list[LinkedIdentity]
    has: Callable[[Feature], bool]
    """Returns whether a feature is on."""

    @property
    def is_confirmed(self) -> bool:
        return self.address is not None and self.address.verified_at is not None


@endpoint
def list_users(call: Call) -> Response:
    """List users, the newest first, or those a search finds: GET /admin/users?q=."""
    require_operator(call)
    asked, place = call.query.text("q"), place_on(call, "users")
    found, further = search.find_page(
        call.work, asked, after=None if place is None else (place[0], place[1]), limit=AT_ONCE
    )
    return page(
        call,
        "admin/users.html",
        q=asked,
        found=found,
        further=next_page(call, "users", further),
        done=done_on(call, ACTS),
    )


@endpoint
def show_new_user(call: Call) -> Response:
    require_operator(call)
    return _new(call)


@endpoint
def create_user(call: Call) -> Response:
    """Create a user: POST /admin/users/new. With `invite`, the user is emailed an invitation; otherwise the operator
    passes on a link.
    """
    require_operator(call)
    errors: dict[str, str] = {}
    name, roles = clean_name(call.form.text("name")), roles_of(call.form.text("roles"))
    if name is None:
        errors["name"] = Text("Enter a name of at most 100 characters, in one line.")
    if roles is None:
        errors["roles"] = Text("Roles are words of letters, digits and signs, with a space between them.")
    if errors or roles is None:
        return _new(call, errors=errors)
    claims = {"name": name} if name else {}
    try:
        if call.form.get("invite") is not None:
            user_id = invitation.invite(call.work, email=call.form.text("email"), roles=roles, claims=claims)
        else:
            user_id = registration.create_user(
                call.work, email=call.form.text("email"), password=None, verified=True, roles=roles, claims=claims
            )
    except NotAnAddress:
        return _new(call, errors={"email": Text("Enter an email address, like name@example.com.")})
    except AddressTaken as refusal:
        return _new(call, errors={"email": refusal.message})
    return go(f"{PATH}/{user_id}?created=yes")


@endpoint
def show_user(call: Call) -> Response:
    """Show a user and the actions available: GET /admin/users/{user_id}."""
    operator = require_operator(call)
    person: Person = find_person(call, operator).value
    return page(
        call,
        "admin/user.html",
        person=person,
        sessions=[(session, device_name(session.user_agent)) for session in person.sessions],
        acts=offered(ACTS, person),
        events=audit.find(call.work.read, user_id=person.user.id, limit=LATEST),
        done=done_on(call, ACTS),
        just_created="created" in call.query,
        themselves=person.user.id == operator.user_id,
    )


def find_person(call: Call, operator: Session) -> Thing:
    """Return the user named by the path, as a Thing. Raises NoSuchUser."""
    work, user_id = call.work, parse_id(call.path_params["user_id"])
    user = None if user_id is None else users.find(work.read, user_id)
    if user is None:
        raise NoSuchUser
    address = email_addresses.find_of_user(work.read, user.id)
    person = Person(
        user=user,
        address=address,
        two_factor=second_factor.is_enabled(work, user.id),
        codes_left=recovery_codes.count_left(work, user.id),
        has_password=passwords.find(work.read, user.id) is not None,
        sessions=devices.find_sessions(work, user.id),
        apps=find_connected(work, server_of(call), user.id),
        identities=linked_identities.find_of_user(work.read, user.id),
        has=call.settings.has,
    )
    return Thing(user.id if address is None else address.address, f"{PATH}/{user.id}", person, operator)


act_on_user = acting(find_person, ACTS, here="users")


def _new(call: Call, *, errors: dict[str, str] | None = None) -> Response:
    return page(
        call,
        "admin/new_user.html",
        status_code=400 if errors else 200,
        typed={name: call.form.text(name) for name in ("email", "name", "roles")},
        invite=call.method == "GET" or call.form.get("invite") is not None,
        days=max(1, call.settings.invite_link_lifetime.days),
        errors=errors or {},
    )
