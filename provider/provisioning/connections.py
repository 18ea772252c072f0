"""Rules for the connection to an app's SCIM service: set up, change, switch off, test, send all again."""

from collections.abc import Mapping
from dataclasses import dataclass

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.vault import VaultError
from provider.languages.text import Text
from provider.provisioning import changes
from provider.provisioning.remote import Rejected, Service, Unauthorized, Unavailable
from provider.provisioning.settings import InvalidProvisioning, ProvisioningSettings, require_token, require_valid
from provider.provisioning.store import connections as store
from provider.provisioning.store import resources
from provider.provisioning.store.connections import Provisioning, Scan
from provider.refusals import Refusal
from provider.work import UnitOfWork

PURPOSE = "provisioning-token"
UNREADABLE = "the token cannot be decrypted with the configured secret keys"


class NoProvisioning(Refusal):
    code = "no-provisioning"
    status_code = 404
    message = Text("Provisioning is not set up for this application.")


class ProvisioningOff(Refusal):
    code = "provisioning-off"
    status_code = 409
    message = Text("Provisioning is off for this application. Turn it on, then try again.")


class ConnectionFailed(Refusal):
    """The SCIM service of the app did not answer as it should."""

    code = "provisioning-connection-failed"
    status_code = 502
    title = Text("Connection failed")

    def __init__(self, reason: str) -> None:
        super().__init__(Text("The SCIM service of the application can't be used: %(reason)s.", reason=reason))


@dataclass(frozen=True)
class Supported:
    """The features that the service of an app says it supports (RFC 7643 section 5)."""

    patch: bool
    filter: bool


def find(work: UnitOfWork, client_id: str) -> Provisioning:
    """Return the connection of an app. Raises NoProvisioning."""
    found = store.find(work.read, client_id)
    if found is None:
        raise NoProvisioning
    return found


def put(work: UnitOfWork, client_id: str, settings: ProvisioningSettings, *, token: str | None = None) -> Provisioning:
    """Set up provisioning of an app that exists, or change it, and compare all users. Without a token, the present one
    stays. A new URL needs a token, so that an operator cannot have the present one sent to a URL of their own. Raises
    InvalidProvisioning.
    """
    before = store.lock(work.db, client_id)
    require_valid(work, settings)
    if token is not None:
        require_token(token)
    if before is None:
        return _create(work, client_id, settings, token)
    changed = ProvisioningSettings.of(before).differences(settings)
    if token is None and "base_url" in changed:
        raise InvalidProvisioning("token", "Send the token again if you change base_url.")
    if not changed and token is None:
        return before
    values = settings.as_json() | {"updated_at": work.now, "stopped_at": None, "error": None, "failures": 0}
    if token is not None:
        values["sealed"] = _seal(work, client_id, token)
    store.change(work.db, client_id, **values, retry_at=None)
    if "base_url" in changed:
        resources.forget_all(work.db, client_id)  # the IDs there are those of another service
    _compare(work, client_id, enabled=before.disabled_at is None)
    named = sorted([*changed, *(["token"] if token is not None else [])])
    record(
        work, Event.PROVISIONING_UPDATED, client_id=client_id, changed=named, before=changed.before, after=changed.after
    )
    return find(work, client_id)


def disable(work: UnitOfWork, client_id: str) -> None:
    """Stop sending changes. Users and groups at the app stay there. Raises NoProvisioning."""
    if _lock(work, client_id).disabled_at is None:
        store.change(work.db, client_id, disabled_at=work.now)
        before, after = {"disabled": False}, {"disabled": True}
        record(work, Event.PROVISIONING_DISABLED, client_id=client_id, before=before, after=after)


def enable(work: UnitOfWork, client_id: str) -> None:
    """Send changes again, also those that were made meanwhile. Raises NoProvisioning."""
    if _lock(work, client_id).disabled_at is not None:
        store.change(work.db, client_id, disabled_at=None, stopped_at=None, error=None, failures=0, retry_at=None)
        _compare(work, client_id, enabled=True)
        before, after = {"disabled": True}, {"disabled": False}
        record(work, Event.PROVISIONING_ENABLED, client_id=client_id, before=before, after=after)


def delete(work: UnitOfWork, client_id: str) -> None:
    """Delete the connection with its token and the records of what was sent. Users and groups at the app stay there.
    Raises NoProvisioning.
    """
    _lock(work, client_id)
    store.remove(work.db, client_id)
    record(work, Event.PROVISIONING_DELETED, client_id=client_id)


def resync(work: UnitOfWork, client_id: str) -> None:
    """Send all users and groups again, also those that have not changed. Raises NoProvisioning or ProvisioningOff."""
    _require_on(_lock(work, client_id))
    store.start_scan(work.db, client_id, Scan.RESYNC, now=work.now)
    _resume(work, client_id)
    record(work, Event.PROVISIONING_RESYNCED, client_id=client_id)


def retry(work: UnitOfWork, client_id: str, *, kind: str | None = None, key: str | None = None) -> int:
    """Retry what failed now: one user or group, or all, also if the app rejected the token. Return how many are
    retried. Raises NoProvisioning or ProvisioningOff.
    """
    _require_on(_lock(work, client_id))
    count = resources.retry(work.db, client_id, now=work.now, kind=kind, key=key)
    _resume(work, client_id)
    record(work, Event.PROVISIONING_RETRIED, client_id=client_id, count=count)
    return count


def check(work: UnitOfWork, client_id: str) -> Supported:
    """Test the connection: ask the service of the app for its configuration, which changes nothing. Raises
    NoProvisioning or ConnectionFailed.
    """
    connection = find(work, client_id)
    try:
        found = Service(connection.base_url, open_token(work, connection), work.outbound).check()
    except VaultError:
        raise ConnectionFailed(UNREADABLE) from None
    except (Unavailable, Unauthorized, Rejected) as failed:
        raise ConnectionFailed(str(failed)) from None
    patch, filters = ((found.get(name) or {}) for name in ("patch", "filter"))
    return Supported(*(isinstance(one, Mapping) and one.get("supported") is True for one in (patch, filters)))


def open_token(work: UnitOfWork, connection: Provisioning) -> str:
    return work.vault.decrypt(connection.sealed, purpose=PURPOSE, context=connection.client_id).decode()


def _create(work: UnitOfWork, client_id: str, settings: ProvisioningSettings, token: str | None) -> Provisioning:
    if token is None:
        raise InvalidProvisioning("token", "token is missing: the bearer token of the application's SCIM service.")
    made = Provisioning(
        client_id=client_id,
        base_url=settings.base_url,
        sealed=_seal(work, client_id, token),
        members_of=list(settings.members_of),
        push_groups=list(settings.push_groups),
        on_deletion=settings.on_deletion,
        with_attributes=settings.with_attributes,
        created_at=work.now,
        updated_at=work.now,
        disabled_at=None,
        stopped_at=None,
        error=None,
        failures=0,
        retry_at=None,
        scan=Scan.NONE,
        scan_place=None,
        scan_started_at=None,
        scan_finished_at=None,
        scanned=0,
    )
    store.add(work.db, made)
    _compare(work, client_id, enabled=True)
    record(work, Event.PROVISIONING_CREATED, client_id=client_id, after=settings.as_json())
    return find(work, client_id)


def _compare(work: UnitOfWork, client_id: str, *, enabled: bool) -> None:
    store.start_scan(work.db, client_id, Scan.COMPARE, now=work.now)
    if enabled:
        changes.enqueue(work, client_id)


def _resume(work: UnitOfWork, client_id: str) -> None:
    store.change(work.db, client_id, stopped_at=None, error=None, failures=0, retry_at=None)
    changes.enqueue(work, client_id)


def _lock(work: UnitOfWork, client_id: str) -> Provisioning:
    found = store.lock(work.db, client_id)
    if found is None:
        raise NoProvisioning
    return found


def _require_on(connection: Provisioning) -> None:
    if connection.disabled_at is not None:
        raise ProvisioningOff


def _seal(work: UnitOfWork, client_id: str, token: str) -> str:
    return work.vault.encrypt(token.encode(), purpose=PURPOSE, context=client_id)
