"""Bring one user or group at an app to what it should be there: create, replace, deactivate or delete it.

Each request can be repeated. Before a resource is created, it is looked up by our identifier, so that one that was
created by a request whose response was lost is found again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from provider.provisioning.remote import Rejected, Remote, Service
from provider.provisioning.store.connections import OnDeletion
from provider.provisioning.store.resources import Provisioned
from provider.scim.outbound.wanted import Wanted

CONFLICT = 409
GONE = 404


@dataclass(frozen=True)
class Sent:
    """The resource at the app after the request. `remote` is None if it is not there any more."""

    outcome: str
    """A label value of the metric, or `unchanged`."""
    remote: Remote | None
    active: bool
    digest: bytes | None


IsFree = Callable[[str], bool]
"""Returns whether no other user or group of ours is the one with this ID at the app."""


def send(service: Service, wanted: Wanted, known: Provisioned, on_deletion: str, *, is_free: IsFree) -> Sent:
    """Make the app have what it should. `known` is what was sent before. Raises what `Service` raises."""
    if wanted.resource is not None:
        return _push(service, wanted, known, is_free=is_free)
    remote = _known(known) or (service.find(wanted.endpoint, "externalId", wanted.external_id) if known.tried else None)
    if remote is None:
        return Sent("unchanged", None, active=False, digest=None)
    if wanted.endpoint == "Groups" or (not wanted.exists and on_deletion == OnDeletion.DELETE):
        service.delete(wanted.endpoint, remote.id)
        return Sent("deleted", None, active=False, digest=None)
    if known.remote_id is not None and not known.active and known.digest == DEACTIVATED:
        return Sent("unchanged", remote, active=False, digest=DEACTIVATED)
    try:
        service.deactivate(remote.id)
    except Rejected as refused:
        if refused.status != GONE:
            raise
        return Sent("deactivated", None, active=False, digest=None)
    return Sent("deactivated", remote, active=False, digest=DEACTIVATED)


DEACTIVATED = b"\0" * 32
"""The digest of a user who is deactivated at the app."""


def _push(service: Service, wanted: Wanted, known: Provisioned, *, is_free: IsFree) -> Sent:
    resource = wanted.resource or {}
    if known.remote_id is not None:
        if known.active and known.digest == wanted.digest:
            return Sent("unchanged", _known(known), active=True, digest=wanted.digest)
        try:
            remote = service.replace(wanted.endpoint, known.remote_id, resource)
            return Sent("sent", remote, active=True, digest=wanted.digest)
        except Rejected as refused:
            if refused.status != GONE:  # else the app lost it: it is created again
                raise
    found = _find(service, wanted, is_free=is_free)
    if found is None:
        try:
            return Sent("sent", service.create(wanted.endpoint, resource), active=True, digest=wanted.digest)
        except Rejected as refused:
            found = _find(service, wanted, is_free=is_free) if refused.status == CONFLICT else None
            if found is None:
                raise
    remote = service.replace(wanted.endpoint, found.id, resource)
    return Sent("sent", remote, active=True, digest=wanted.digest)


def _find(service: Service, wanted: Wanted, *, is_free: IsFree) -> Remote | None:
    """Return the resource at the app that is this one: by our identifier, or else by its name if it has none.

    One that has another identifier belonged to another user, perhaps with the same address at another time.
    """
    found = service.find(wanted.endpoint, "externalId", wanted.external_id)
    if found is None:
        name = str((wanted.resource or {})[wanted.name_attribute])
        found = service.find(wanted.endpoint, wanted.name_attribute, name)
        if found is not None and found.external_id not in {"", wanted.external_id}:
            return None
    return found if found is not None and is_free(found.id) else None


def _known(known: Provisioned) -> Remote | None:
    return None if known.remote_id is None else Remote(known.remote_id, known.version)
