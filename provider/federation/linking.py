"""Upstream identities and local users: find the user, create one, or offer to link.

An address proves nothing about an existing account. The owner of the mailbox at the upstream must first sign in to the
account, with every factor it has.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from provider.accounts import linked_identities as ways_in
from provider.accounts.email.email_addresses import Address, parse_address, problem_of_domain
from provider.accounts.registration import MAX_NAME, create_verified
from provider.accounts.store import email_addresses, linked_identities, users
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.accounts.store.users import User
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.federation.exchange import UpstreamIdentity
from provider.federation.issued_tokens import keep_tokens
from provider.federation.mapping import (
    attributes_of,
    fields_of,
    replace_groups,
    replace_roles,
    roles_of,
    update_profile,
)
from provider.federation.new_accounts import AttributesRequired, is_asking
from provider.federation.sign_out import remember
from provider.federation.upstream_settings import UpstreamSettings
from provider.federation.upstreams import Upstream
from provider.languages.free_text import repair_line
from provider.languages.text import Text
from provider.login.active import UnknownUser
from provider.login.arrival import Arrival
from provider.login.steps import SignIn
from provider.login.upstream import sign_in_by_upstream
from provider.ratelimits import LIMITS, hit, of_network
from provider.refusals import Refusal
from provider.sessions.store import Session
from provider.work import UnitOfWork

PURPOSE = "link-identity"
LONGEST_CARRIED = 300


class NotLinked(Refusal):
    """No account is linked to this identity. `offer` links it after the user has signed in."""

    code = "not-linked"

    def __init__(self, offer: "Offer", *, has_account: bool, problem: Text | None) -> None:
        self.offer = offer
        self.has_account = has_account
        """Whether the address has an account. Only the verified owner of the mailbox sees this."""
        self.problem = problem
        """Why no account can be created with the address."""
        super().__init__()


class ProofRequired(Refusal):
    """The upstream reported a danger to its user's account, and has to ask the user again."""

    code = "proof-required"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """An identity that was just proven in this browser and may be linked."""

    upstream: str
    issuer: str
    subject: str
    email: str | None
    browser: str
    destination: Mapping[str, str]


def seal(work: UnitOfWork, offer: Offer) -> str:
    """Seal the offer for a URL. It is valid for as long as an app's pending request."""
    return work.vault.seal(asdict(offer), purpose=PURPOSE, now=work.now, lifetime=work.settings.request_lifetime)


def unseal(work: UnitOfWork, text: str | None, *, browser: str | None) -> Offer | None:
    """Return the offer, or None if it is not ours, has expired, or belongs to another browser."""
    value = None if not text or browser is None else work.vault.unseal(text, purpose=PURPOSE, now=work.now)
    offer = None if value is None else Offer(**value)
    return offer if offer is not None and browser is not None and offer.browser == digest(browser).hex() else None


def accept(work: UnitOfWork, offer: Offer, session: Session, *, name: str) -> None:
    """Link the offered identity to the account that signed in since. Raises LinkedElsewhere or SessionEnded."""
    ways_in.link(
        work,
        user_id=session.user_id,
        issuer=offer.issuer,
        subject=offer.subject,
        email=offer.email,
        name=name,
        session=session,
    )


def sign_in(
    work: UnitOfWork,
    arrival: Arrival,
    upstream: Upstream,
    identity: UpstreamIdentity,
    *,
    attributes: Mapping[str, Any] | None = None,
    asked_at: float | None = None,
) -> SignIn:
    """Sign in to the account that this identity is linked to, or to a new one.

    `attributes` are those of a new account, as `check_new` returns them, if the user was asked for them. `asked_at` is
    when the upstream was asked for a new sign-in, if it was. Raises ProofRequired if it has to be, AttributesRequired
    if the user has to be asked, NotLinked, or what `sign_in_by_upstream` raises.
    """
    settings = upstream.settings
    linked = _lock(work, identity)
    if linked is not None:
        _require_proof(work, linked, asked_at=asked_at)
    user = _find_user(work, settings, identity, linked, attributes)
    if user is None and (settings.refuses_unknown_users or settings.is_required_for_domains):
        raise UnknownUser(settings.name)
    if user is None:
        raise _not_linked(work, arrival, upstream, identity)
    done = sign_in_by_upstream(work, arrival, user=user, proven_at=identity.proven_at)
    update_profile(work, settings, user.id, identity.claims)
    remember(work, upstream, identity, cookie=done.cookie)
    if settings.store_tokens:
        keep_for_identity(work, settings, identity)
    return done


def keep_for_identity(
    work: UnitOfWork, settings: UpstreamSettings, identity: UpstreamIdentity, *, connects: bool = False
) -> bool:
    """Store the tokens of a linked identity (`keep_tokens`). Returns whether they were."""
    linked = linked_identities.find(work.db, identity.issuer, identity.subject)
    return linked is not None and keep_tokens(work, settings, linked, identity.tokens, connects=connects)


def find_user(
    work: UnitOfWork, settings: UpstreamSettings, identity: UpstreamIdentity, attributes: Mapping[str, Any] | None
) -> User | None:
    """Return the user of the account that this identity is linked to, or of one that is linked or created now. None if
    there is none. The roles and groups are those that the upstream gives.

    `attributes` are those of a new account. Raises AttributesRequired if they are None and the user has to be asked.
    """
    return _find_user(work, settings, identity, _lock(work, identity), attributes)


def _lock(work: UnitOfWork, identity: UpstreamIdentity) -> LinkedIdentity | None:
    """Return the identity as it is linked, or None. Nothing unlinks it or ends access to its account until this
    transaction ends, and what has done so counts: a session gets the security stamp that is read after this.
    """
    linked_identities.queue_for(work.db, identity.issuer, identity.subject)
    linked = linked_identities.find(work.db, identity.issuer, identity.subject)
    # The user's row first, as `end_access` does. Otherwise each could wait for the other.
    if linked is None or not users.lock(work.db, linked.user_id):
        return None
    return linked_identities.lock(work.db, linked.id)


def _find_user(
    work: UnitOfWork,
    settings: UpstreamSettings,
    identity: UpstreamIdentity,
    linked: LinkedIdentity | None,
    attributes: Mapping[str, Any] | None,
) -> User | None:
    if linked is not None:
        linked_identities.touch(work.db, linked.id, now=work.now)
        user = users.find(work.db, linked.user_id)
    else:
        user = _owner_at_home(work, settings, identity) or _create(work, settings, identity, attributes)
    if user is not None:
        user = replace_groups(work, settings, identity.issuer, user, identity.claims)
        user = replace_roles(work, settings, identity.issuer, user, roles_of(settings, identity.claims))
        record(work, Event.IDENTITY_USED, user_id=user.id, upstream=settings.key)
    return user


def _require_proof(work: UnitOfWork, linked: LinkedIdentity, *, asked_at: float | None) -> None:
    """Raise ProofRequired if the identity may be used only after a new sign-in there. After one, it may be used."""
    if linked.prove_after is None:
        return
    if asked_at is None or asked_at + 1 <= linked.prove_after.timestamp():  # it has whole seconds
        raise ProofRequired
    linked_identities.require_proof(work.db, linked.id, after=None)


def _owner_at_home(work: UnitOfWork, settings: UpstreamSettings, identity: UpstreamIdentity) -> User | None:
    """Link the identity to the owner of its address, and return the user, where the operator says that the upstream
    alone decides about the address's domain. Otherwise return None.

    It decides once for each account: another identity with the same address may be a successor in the company.
    """
    address = _proven(identity)
    if address is None or not settings.is_required_for_domains or address.domain not in settings.domains:
        return None
    owner = email_addresses.find_owner_and_claimant(work.db, address.normal)[0]
    if owner is None or owner[1].verified_at is None:
        return None  # nobody has shown here that the address is theirs
    user = owner[0]
    users.lock(work.db, user.id)  # so that of two identities at once only one is linked
    if any(one.issuer == identity.issuer for one in linked_identities.lock_of_user(work.db, user.id)):
        return None
    name = settings.name
    ways_in.link(
        work, user_id=user.id, issuer=identity.issuer, subject=identity.subject, email=identity.email, name=name
    )
    return user


def _create(
    work: UnitOfWork, settings: UpstreamSettings, identity: UpstreamIdentity, attributes: Mapping[str, Any] | None
) -> User | None:
    """Create an account without a password; return its user, or None.

    The operator must allow it, and the address must be verified, free, and at an accepted domain.
    """
    address = _proven(identity)
    if address is None or problem_of_domain(work.settings, address) is not None:
        return None
    if settings.allowed_domains and address.domain not in settings.allowed_domains:
        return None
    if not settings.may_create_accounts or not work.settings.has("registration"):
        return None
    if not email_addresses.is_free(work.db, address.normal):
        return None
    mapped = attributes_of(work, settings, identity.claims)
    if attributes is None and is_asking(work, mapped):
        raise AttributesRequired
    is_at_home = settings.is_required_for_domains and address.domain in settings.domains
    if not settings.is_directory and not is_at_home:  # those users are known: a whole office may come from one network
        hit(work, LIMITS.sign_up, key=of_network(work, "sign-up"))
    # Nobody can correct a name here: what a form would refuse is left out, and the rest stays.
    claims = {name: kept for name, text in identity.names.items() if (kept := repair_line(text, most=MAX_NAME))}
    claims |= fields_of(settings, identity.claims)
    user_id = create_verified(work, address=address, claims=claims, attributes={**(attributes or {}), **mapped})
    if user_id is None:
        return None
    ways_in.attach(work, user_id=user_id, issuer=identity.issuer, subject=identity.subject, email=identity.email)
    return users.find(work.db, user_id)


def _not_linked(work: UnitOfWork, arrival: Arrival, upstream: Upstream, identity: UpstreamIdentity) -> NotLinked:
    address = _proven(identity)
    owner = None if address is None else email_addresses.find_owner_and_claimant(work.db, address.normal)[0]
    offer = Offer(
        upstream=upstream.settings.key,
        issuer=identity.issuer,
        subject=identity.subject,
        email=identity.email,
        browser=digest(arrival.browser).hex(),
        # It travels inside a `return_to`, which is cut off where it gets too long.
        destination={name: value for name, value in arrival.link_parameters.items() if len(value) <= LONGEST_CARRIED},
    )
    problem = None if address is None or owner is not None else problem_of_domain(work.settings, address)
    return NotLinked(offer, has_account=owner is not None, problem=problem)


def _proven(identity: UpstreamIdentity) -> Address | None:
    """Return the address if it is valid and the upstream's verification is trusted, else None."""
    return parse_address(identity.email) if identity.email is not None and identity.email_proven else None
