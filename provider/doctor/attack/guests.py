"""The throw-away user and clients of one run: create them, and delete them with everything that belongs to them."""

import contextlib
import secrets
import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp

from provider.accounts import terms
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.factors import passkey_offer
from provider.accounts.factors.policy import find_requirement
from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.factors.totp import STEP_SECONDS, seal_seed
from provider.accounts.registration import new_account
from provider.accounts.store import email_addresses, new_accounts, users
from provider.accounts.store.passwords import StoredPassword
from provider.accounts.store.users import Status
from provider.accounts.users import NoSuchUser, delete_user
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import new_opaque
from provider.crypto.passwords import hash_password
from provider.oauth import store as refusals
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.clients import NoSuchClient, create_client, delete_client, find_client
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.clients.redirect_uris import host_of
from provider.oauth.clients.store import clients
from provider.oauth.sender_constraint import store as used_proofs
from provider.operator_names import OperatorKind, OperatorName
from provider.runtime.throw_away import CLIENTS, DOMAIN, FIRST_USER, THROW_AWAY_USERS
from provider.work import SYSTEM, Installation, UnitOfWork, unit_of_work

OPERATOR = OperatorName(OperatorKind.COMMAND, "doctor")
"""Who acts, in the audit log."""
ORIGIN = SYSTEM.of_operator(OPERATOR, why="probes as an attacker")
LIFETIME = timedelta(hours=1)
"""After this time, what is left of a run that was killed is deleted by the next run; clients also by the worker."""
SCOPE = "openid profile email offline_access"


@dataclass(frozen=True)
class ThrowAwayClient:
    """A client of the run. `secret` is None for the public one."""

    client_id: str
    secret: str | None
    redirect_uri: str


@dataclass(frozen=True)
class Guests:
    """The users and clients that one run created."""

    user_id: str
    email: str
    password: str
    seed: str | None
    """The key of its authenticator app, in base32, where all users need a second factor."""
    confidential: ThrowAwayClient
    public: ThrowAwayClient

    def code(self, now: datetime) -> str | None:
        """Return the code that the authenticator app shows."""
        return None if self.seed is None else pyotp.TOTP(self.seed, interval=STEP_SECONDS).at(int(now.timestamp()))


_present: dict[int, tuple[Installation, Guests, Collection[str], Collection[bytes]]] = {}
_lock = threading.Lock()


def create(installation: Installation, request_ids: Collection[str], proofs: Collection[bytes] = ()) -> Guests:
    """Create a user with a random password, a confidential and a public client.

    `request_ids` and `proofs` grow during the run: what is stored under them is deleted too.
    """
    tag = secrets.token_hex(6)
    email, password = f"probe-{tag}@{DOMAIN}", new_opaque()
    with unit_of_work(installation, ORIGIN) as work:
        user_id = _create_user(work, FIRST_USER[:-12] + tag, email, password)
        terms.accept_at_sign_up(work, user_id=user_id)
        passkey_offer.decline(work, user_id=user_id)
        seed = _add_factor(work, user_id)
        guests = Guests(
            user_id,
            email,
            password,
            seed,
            _create_client(work, f"{CLIENTS}{tag}-a", "client_secret_basic"),
            _create_client(work, f"{CLIENTS}{tag}-b", "none"),
        )
        with _lock:
            _present[id(guests)] = installation, guests, request_ids, proofs
    return guests


def _create_user(work: UnitOfWork, user_id: str, email: str, password: str) -> str:
    """Add a user, whichever domains may sign up."""
    address = parse_address(email)
    assert address is not None  # noqa: S101  # it is made of our own domain
    hashed = StoredPassword(hash_password(password, cost=work.settings.bcrypt_cost))
    account = new_account(
        work, address, hashed, status=Status.ACTIVE, verified=True, roles=(), claims={"name": "Probe"}, user_id=user_id
    )
    new_accounts.add(work.db, [account], now=work.now)
    record(work, Event.ACCOUNT_CREATED, user_id=user_id, verified=True)
    return user_id


def _add_factor(work: UnitOfWork, user_id: str) -> str | None:
    """Give the user an authenticator app where one factor is not enough to sign in. Returns its key."""
    requirement = find_requirement(work, user_id)
    if not requirement.is_any or requirement.is_passkey or not work.settings.has("two-factor"):
        return None
    seed = pyotp.random_base32()
    totp.add(work.db, TotpCredential(user_id, seal_seed(work, user_id, seed), work.now, last_step=0))
    return seed


def _create_client(work: UnitOfWork, client_id: str, method: str) -> ThrowAwayClient:
    redirect_uri = f"https://{client_id}.{DOMAIN}/callback"
    metadata = ClientMetadata(
        client_name="signet doctor",
        redirect_uris=(redirect_uri,),
        post_logout_redirect_uris=(f"https://{client_id}.{DOMAIN}/",),
        grant_types=("authorization_code", "refresh_token", DEVICE_CODE),
        token_endpoint_auth_method=method,
        scope=SCOPE,
    )
    _, secret = create_client(work, metadata, client_id=client_id)
    clients.set_expiry(work.db, client_id, work.now + LIFETIME)
    return ThrowAwayClient(client_id, secret, redirect_uri)


def remove(guests: Guests) -> None:
    """Delete what a run created, and the explanations of its rejected requests. Does nothing the second time."""
    with _lock:
        known = _present.pop(id(guests), None)
    if known is None:
        return
    installation, _, request_ids, proofs = known
    try:
        with unit_of_work(installation, ORIGIN) as work:
            for client in (guests.confidential, guests.public):
                _delete_client(work, client.client_id)
            with contextlib.suppress(NoSuchUser):
                delete_user(work, user_id=guests.user_id)
            refusals.remove(work.db, request_ids)
            used_proofs.remove(work.db, proofs)
    except BaseException:
        with _lock:
            _present[id(guests)] = known
        raise


def remove_all() -> None:
    """Delete what runs of this process created and did not delete, because they were interrupted."""
    with _lock:
        left = [guests for _, guests, *_ in _present.values()]
    for guests in left:
        remove(guests)


def remove_leftovers(installation: Installation) -> int:
    """Delete what earlier runs left behind that were killed; return how many users and clients that was.

    Only what has a reserved id, and an address or a redirect URI at our domain: an operator may have chosen such an id.
    """
    with unit_of_work(installation, ORIGIN) as work:
        before = work.now - LIFETIME
        old = users.find_old(work.read, THROW_AWAY_USERS, before=before)
        old = [user_id for user_id in old if _is_our_user(work, user_id)]
        for user_id in old:
            with contextlib.suppress(NoSuchUser):
                delete_user(work, user_id=user_id)
        apps = clients.find_old(work.read, CLIENTS, before=before)
        apps = [client_id for client_id in apps if _is_our_client(work, client_id)]
        for client_id in apps:
            _delete_client(work, client_id)
        return len(old) + len(apps)


def _is_our_user(work: UnitOfWork, user_id: str) -> bool:
    address = email_addresses.find_of_user(work.read, user_id)
    return address is not None and address.normal.endswith(f"@{DOMAIN}")


def _is_our_client(work: UnitOfWork, client_id: str) -> bool:
    client = find_client(work, client_id)
    uris = () if client is None else client.metadata.redirect_uris
    return bool(uris) and all(host_of(uri).endswith(f".{DOMAIN}") for uri in uris)


def _delete_client(work: UnitOfWork, client_id: str) -> None:
    with contextlib.suppress(NoSuchClient):
        delete_client(work, client_id)
