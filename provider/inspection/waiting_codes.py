"""Device codes, user codes and client secrets: found only by an exact match, and only for operators who see users."""

from provider.crypto.digests import digest
from provider.inspection import store
from provider.inspection.findings import Fact, Inspection, Part, masked, moment, shown
from provider.inspection.reader import Reader
from provider.oauth.grants.device_requests import PURPOSE, USER_CODE
from provider.oauth.grants.store import device_codes
from provider.oauth.grants.store.device_codes import DeviceCode

SHORTEST_SECRET = 20
"""Shorter values are not looked up as secrets, because the one who asks may be guessing."""


def inspect_device_code(reader: Reader, text: str) -> Inspection | None:
    """Inspect the code of a device, or the one that its user types. Returns None if there is none."""
    if not reader.sees_users:
        return None
    work = reader.work
    found, kind = device_codes.CODES.find(work.read, digest(text)), "device code"
    typed = USER_CODE.read(text) if found is None else None
    if typed is not None:
        digests = work.vault.keyed_digests(typed, purpose=PURPOSE)
        found, kind = device_codes.find_waiting(work.read, digests, now=work.now), "user code"
    return None if found is None else _device(reader, text, found, kind)


def _device(reader: Reader, text: str, found: DeviceCode, kind: str) -> Inspection:
    now, problem = reader.work.now, ""
    if found.spent_at is not None:
        problem = f"The device got its tokens at {moment(found.spent_at)}."
    elif found.expires_at <= now:
        problem = f"It expired at {moment(found.expires_at)}."
    elif found.answered_at is not None and found.grant_id is None:
        problem = f"The user denied access at {moment(found.answered_at)}."
    waiting = found.answered_at is None
    facts = [
        Fact(name=kind, value=masked(text), passed=not problem, why=problem, section="RFC 8628 section 3.2"),
        reader.client_fact(found.client_id),
        Fact(name="scope", value=shown(found.scope or "none")),
        Fact(name="created", value=moment(found.created_at)),
        Fact(name="expires", value=moment(found.expires_at), passed=found.expires_at > now),
        Fact(name="interval", value=f"{found.poll_interval} seconds", section="RFC 8628 section 3.5"),
        Fact(name="answered", value="no" if found.answered_at is None else moment(found.answered_at)),
        Fact(name="network of the device", value=shown(found.network)),
    ]
    summary = "It waits for the user." if waiting else "The user allowed access, and the device can get tokens."
    return Inspection(
        kind=kind,
        summary=problem or summary,
        is_valid=not problem,
        secret=kind == "device code" and not problem,
        parts=[Part("Device", facts)],
        client_id=found.client_id,
        grant_id=found.grant_id,
    )


def inspect_secret(reader: Reader, text: str) -> Inspection | None:
    """Say whether this is a client secret, and of which client. Returns None if it is none, and for short values."""
    if not reader.sees_users or len(text) < SHORTEST_SECRET:
        return None
    found = store.find_secret(reader.work.read, digest(text))
    if found is None:
        return None
    client_id, ends = found
    problem = "" if ends is None or ends > reader.work.now else f"It expired at {moment(ends)}."
    facts = [
        Fact(
            name="client secret", value=masked(text), passed=not problem, why=problem, section="RFC 6749 section 2.3.1"
        ),
        reader.client_fact(client_id),
        Fact(name="expires", value="never" if ends is None else moment(ends)),
    ]
    return Inspection(
        kind="client secret",
        summary=problem or "It is a valid secret of this client. If it was seen elsewhere, rotate it.",
        is_valid=not problem,
        secret=not problem,
        parts=[Part("Client secret", facts)],
        client_id=client_id,
    )
