"""Users as SCIM resources: show, create, replace, change and delete them, by the rules of the admin API."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from scim2_models import Context, Resource

from provider.accounts import profile as standard
from provider.accounts import registration, suspension
from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.values import InvalidAttributes
from provider.accounts.email import operator_changes
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.store import email_addresses
from provider.accounts.store import users as accounts
from provider.accounts.store.users import Status, User
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.types import LONGEST_KEY, search_key
from provider.languages.free_text import InvalidText, clean_line
from provider.operators import authority
from provider.operators.etags import version_of
from provider.scim import attributes, groups, profiles, reading
from provider.scim.callers import PERMISSIONS, Directory
from provider.scim.errors import UNIQUENESS, ScimRefusal, invalid
from provider.scim.models import ENTERPRISE, USER
from provider.scim.store import groups as group_store
from provider.scim.store import users as store
from provider.scim.store.external_ids import USER_IDS
from provider.scim.store.users import ScimUser
from provider.work import UnitOfWork

NOT_OF_PROFILE = {"schemas", "id", "externalId", "meta", "userName", "active", "groups", "roles", attributes.URN}
"""The attributes that are stored elsewhere than in the profile."""
REASON = "SCIM"
"""Why a user was suspended, for operators."""


def find_model(work: UnitOfWork) -> type[Resource[Any]]:
    """Return the model of users with the attributes that are declared now."""
    return attributes.model_of(attributes.find_declared(work))


def find_views(work: UnitOfWork, directory: Directory, user_ids: Collection[str]) -> list[dict[str, Any]]:
    """Return these users as a client sees them, in the given order, without those that it does not see. Runs a few
    queries, whatever the number.
    """
    holders = email_addresses.find_holders(work.read, user_ids)
    ids = [user_id for user_id in user_ids if user_id in holders and store.is_provisionable(*holders[user_id])]
    said = store.find_those(work.read, ids)
    external = USER_IDS.find_those(work.read, directory.client_id, ids)
    memberships = group_store.find_of_users(work.read, ids)
    declared = values.find_of_users(work, ids, seen_by=Editor.API)
    views = []
    for user_id in ids:
        user, address = holders[user_id]
        view = _view(user, None if address is None else address.address, said.get(user_id))
        if user_id in external:
            view["externalId"] = external[user_id]
        if user_id in memberships:
            view["groups"] = [groups.membership(work, row) for row in memberships[user_id]]
        if shown := attributes.show(declared[user_id]):
            view[attributes.URN] = shown
        urns = [name for name in (ENTERPRISE, attributes.URN) if view.get(name)]
        view["schemas"] = [USER, *urns]
        view["meta"] = _meta(work, user, said.get(user_id), view)
        views.append(view)
    return views


def show(work: UnitOfWork, directory: Directory, user_id: str) -> dict[str, Any]:
    """Return a user as the client sees it. Raises ScimRefusal."""
    found = find_views(work, directory, [user_id])
    if not found:
        raise not_found(user_id)
    return found[0]


def not_found(resource_id: str) -> ScimRefusal:
    return ScimRefusal(None, f"Resource {resource_id[:300]} not found.", status=404)


def create(work: UnitOfWork, directory: Directory, given: Mapping[str, Any]) -> str:
    """Create a user whose address counts as verified. Returns the ID. Raises ScimRefusal, and what `registration`
    raises.
    """
    declared = attributes.find_declared(work)
    wanted = _dump(reading.read_resource(attributes.model_of(declared), _with_emails(given)))
    profile, user_name = _profile_of(wanted), _user_name(wanted)
    extended = _checked(work, attributes.read(declared, wanted.get(attributes.URN) or {}))
    email = profiles.email_in(profile, user_name)
    claims = profiles.claims_in(profile, user_name)
    _require_free(work, user_name, None)
    user_id = registration.create_user(work, email=email, password=None, verified=True, claims=claims)
    values.add_values(work, user_id=user_id, values=extended)
    store.put(work.db, ScimUser(user_id, user_name, search_key(user_name), profile, work.now))
    _put_external_id(work, directory, user_id, wanted.get("externalId"))
    if wanted.get("active") is False:
        authority.suspend(work, user_id=user_id, reason=REASON)
    return user_id


def replace(work: UnitOfWork, directory: Directory, user_id: str, given: Mapping[str, Any]) -> None:
    """Replace a user (RFC 7644 section 3.5.1). Without `active` and `emails`, both stay. Raises ScimRefusal."""
    model, before = find_model(work), show(work, directory, user_id)
    kept = {"active": before["active"]}
    sent = {_canonical(name): value for name, value in given.items()}
    if not sent.get("emails") and parse_address(str(sent.get("userName", ""))) is None:
        kept["emails"] = before.get("emails")
    original = reading.load(model, before)
    wanted = reading.read_resource(model, _with_emails({**kept, **_without_empty(given)}), original=original)
    _write(work, directory, user_id, before, _dump(wanted))


def change(work: UnitOfWork, directory: Directory, user_id: str, given: Mapping[str, Any]) -> bool:
    """Change a user (RFC 7644 section 3.5.2). Returns whether something changed. Raises ScimRefusal."""
    model, before = find_model(work), show(work, directory, user_id)
    changes = reading.read_changes(model, given)
    resource = reading.load(model, before)
    if not reading.apply_changes(changes, resource):
        return False
    _write(work, directory, user_id, before, _dump(resource))
    return True


def delete(work: UnitOfWork, directory: Directory, user_id: str) -> None:
    """Delete a user. Raises ScimRefusal, MorePermissions or LastAdministrator."""
    show(work, directory, user_id)
    authority.require_user(work, PERMISSIONS, user_id)
    authority.delete(work, user_id=user_id)


def _write(
    work: UnitOfWork, directory: Directory, user_id: str, before: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    authority.require_user(work, PERMISSIONS, user_id)
    profile, user_name = _profile_of(wanted), _user_name(wanted)
    old_profile = _profile_of(before)
    _require_free(work, user_name, user_id)
    if (email := profiles.email_in(profile, user_name)) != profiles.email_in(old_profile, before["userName"]):
        operator_changes.set_address(work, user_id=user_id, email=email)
    _change_attributes(work, user_id, wanted)
    _change_claims(work, user_id, before, wanted)
    changed = [name for name in profile.keys() | old_profile.keys() if profile.get(name) != old_profile.get(name)]
    changed += [name for name in ("externalId", "userName") if wanted.get(name) != before.get(name)]
    if changed:
        store.put(work.db, ScimUser(user_id, user_name, search_key(user_name), profile, work.now))
        _put_external_id(work, directory, user_id, wanted.get("externalId"))
        accounts.touch(work.db, user_id, now=work.now)
        record(work, Event.PROFILE_CHANGED, user_id=user_id, changed=sorted(changed))
    if wanted.get("active", True) != before["active"]:
        if before["active"]:
            authority.suspend(work, user_id=user_id, reason=REASON)
        else:
            suspension.restore(work, user_id=user_id)


def _change_attributes(work: UnitOfWork, user_id: str, wanted: Mapping[str, Any]) -> None:
    declared = attributes.find_declared(work)
    found = values.find_of_user(work, user_id, seen_by=Editor.API)
    said, now = wanted.get(attributes.URN) or {}, attributes.show(found)
    changed = [one for one in declared if said.get(one.name) != now.get(one.name)]
    if not changed:
        return
    given = attributes.read(changed, said)
    try:
        values.change_values(work, user_id=user_id, given=given, editor=Editor.API, place=Place.ADMIN)
    except InvalidAttributes as refused:
        raise invalid(str(refused)) from None


def _change_claims(work: UnitOfWork, user_id: str, before: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    user = accounts.find(work.db, user_id)
    old = profiles.claims_in(_profile_of(before), before["userName"])
    new = profiles.claims_in(_profile_of(wanted), wanted["userName"])
    if user is not None and old != new:
        now = profiles.with_changes(user.claims, old, new)
        standard.change_profile(work, user_id=user_id, claims=now)


def _checked(work: UnitOfWork, given: Mapping[str, Any]) -> dict[str, Any]:
    sent = {name: value for name, value in given.items() if value is not None}
    try:
        return values.check_new(work, sent, editor=Editor.API, place=Place.ADMIN)
    except InvalidAttributes as refused:
        raise invalid(str(refused)) from None


def _put_external_id(work: UnitOfWork, directory: Directory, user_id: str, external_id: str | None) -> None:
    if external_id is not None and len(external_id) > LONGEST_KEY:
        raise invalid(f"externalId can have at most {LONGEST_KEY} characters.")
    if not USER_IDS.put(work.db, directory.client_id, user_id, external_id or None):
        raise ScimRefusal(UNIQUENESS, "Another user has this externalId.", status=409)


def _require_free(work: UnitOfWork, user_name: str, user_id: str | None) -> None:
    """Check that no other user has the name: neither as its user name, nor as its email address."""
    key = search_key(user_name)
    store.lock_name(work.db, key)
    if find_named(work, user_name) - {user_id}:
        raise ScimRefusal(UNIQUENESS, "Another user has this userName.", status=409)


def find_named(work: UnitOfWork, user_name: str) -> set[str | None]:
    """Return the users with this user name. It is the email address of a user that no client named."""
    named = store.find_of_name(work.read, search_key(user_name))
    address = parse_address(user_name)
    owner = None if address is None else email_addresses.find_owner_and_claimant(work.read, address.normal)[0]
    found: set[str | None] = set() if named is None else {named}
    if owner is not None and owner[0].id not in store.find_those(work.read, [owner[0].id]):
        found.add(owner[0].id)
    return found


def _user_name(wanted: Mapping[str, Any]) -> str:
    try:
        name = clean_line(wanted.get("userName") or "", most=LONGEST_KEY)
    except InvalidText as refused:
        raise invalid(f"userName: {refused.problem}") from None
    if not search_key(name):
        raise invalid("userName can't be empty.")
    return name


def _profile_of(wanted: Mapping[str, Any]) -> dict[str, Any]:
    profile = {name: value for name, value in wanted.items() if name not in NOT_OF_PROFILE}
    if len(json.dumps(profile)) > profiles.LONGEST:
        raise invalid(f"The attributes of a user can have at most {profiles.LONGEST} characters together.")
    return profile


def _dump(resource: Resource[Any]) -> dict[str, Any]:
    return resource.model_dump(scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)


def _canonical(name: str) -> str:
    """Return a name as it is written. Names are compared without regard to case (RFC 7643 section 2.1)."""
    return {"active": "active", "emails": "emails", "username": "userName"}.get(name.lower(), name)


def _with_emails(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource that is active unless it says otherwise. If it has no email address, it gets that of its user
    name.
    """
    sent = {"active": True, **{_canonical(name): value for name, value in given.items()}}
    name = sent.get("userName")
    if not sent.get("emails") and isinstance(name, str) and parse_address(name) is not None:
        sent["emails"] = [{"value": name.strip(), "type": "work", "primary": True}]
    elif not sent.get("emails"):
        raise invalid("emails: send an email address, or a userName that is one.")
    return sent


def _without_empty(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource without empty emails, which are no emails (RFC 7643 section 2.5)."""
    return {name: value for name, value in given.items() if value or _canonical(name) != "emails"}


def _view(user: User, address: str | None, said: ScimUser | None) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": user.id,
        "userName": (address or user.id) if said is None else said.user_name,
        **profiles.shown({} if said is None else said.profile, user.claims, address),
        "active": user.status not in {Status.SUSPENDED, Status.LEAVING},
    }
    if roles := user.effective_roles:
        view["roles"] = [{"value": role} for role in sorted(roles)]
    return view


def _meta(work: UnitOfWork, user: User, said: ScimUser | None, view: Mapping[str, Any]) -> dict[str, Any]:
    changed = user.updated_at if said is None else max(user.updated_at, said.updated_at)
    return {
        "resourceType": "User",
        "created": as_time(user.created_at),
        "lastModified": as_time(changed),
        "location": f"{work.settings.issuer}/scim/v2/Users/{quote(user.id)}",
        "version": f'W/"{version_of(view)}"',
    }


def as_time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
