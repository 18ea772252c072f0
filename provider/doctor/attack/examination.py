"""The examination `probes`: creates what it needs, tries every attack, and deletes everything."""

from collections.abc import Generator, Iterator, Sequence

from provider.doctor.attack import (  # each adds its probes
    at_authorization,
    at_devices,  # the last one: after its guesses, no other browser can sign in for a while
    at_host,
    at_proofs,
    at_pushed_requests,
    at_token_endpoint,
    at_userinfo,
    guests,
    on_pages,
)
from provider.doctor.attack.probe import PROBES, Probe
from provider.doctor.attack.wire import MOST_REQUESTS, SECONDS, Unclear, Wire
from provider.doctor.attack.world import World
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, unknown
from provider.doctor.transport import Unreachable

__all__ = (
    "at_authorization",
    "at_devices",
    "at_host",
    "at_proofs",
    "at_pushed_requests",
    "at_token_endpoint",
    "at_userinfo",
    "on_pages",
)
DOCS = "docs/operate/doctor.md"
NO_SIGN_IN = unknown(
    "attack.not-signed-in",
    why="The attacks begin with a sign-in of a throw-away user. Without it they are not tried.",
    fix="Sign in yourself in a private window, and look where it stops. Where users sign in only with a passkey or "
    "an upstream provider, the attacks cannot be tried.",
    section=DOCS,
)
NO_VERDICT = unknown(
    "attack.no-verdict",
    why="It was rejected otherwise than Signet does, or not at all by Signet, so this is no verdict about it.",
    fix="Look what answers instead: a firewall in front of Signet, a rate limit, or an outage. Then run this again.",
    section=DOCS,
)
LEFTOVERS = "attack.leftovers"


def run(case: Case) -> Iterator[Finding]:
    """Try every attack, as a throw-away user with throw-away clients. Everything is deleted, also after an error."""
    yield from attack(case, PROBES)


def attack(case: Case, probes: Sequence[Probe]) -> Generator[Finding, None, None]:
    """Try these attacks. Yields what was found."""
    if (found := guests.remove_leftovers(case.inside)) > 0:
        yield fine(LEFTOVERS, f"{found} users and clients of an earlier run, which was killed, were deleted.")
    wire = Wire(case)
    created = guests.create(case.inside, wire.request_ids, wire.proofs)
    try:
        world = World(case, wire, created)
        try:
            asked = world.request()
            world.code_of(world.enter(world.visitor, asked), asked, created.confidential)
        except Unclear as unclear:
            yield NO_SIGN_IN.found(str(unclear))
            return
        for probe in probes:
            yield _try(world, probe)
    finally:
        guests.remove(created)


def _try(world: World, probe: Probe) -> Finding:
    try:
        problem = probe.run(world)
    except Unclear as unclear:
        return NO_VERDICT.found(f"{probe.name}: {unclear}")
    except Unreachable as failed:
        return NO_VERDICT.found(f"{probe.name}: {failed.where}: {failed.reason}.")
    if problem is not None:
        return probe.kind.found(f"{probe.tries}. {problem}")
    return fine(probe.kind.id, f"{probe.tries}: {probe.must}.")


ATTACK = (
    Examination(
        "probes",
        Group.ATTACK,
        f"Creates a user and two clients that are deleted again, signs in as this user through the issuer's URL, "
        f"and tries {len(PROBES)} attacks with at most {MOST_REQUESTS} requests in {SECONDS:g} seconds: "
        f"{', '.join(probe.name for probe in PROBES)}.",
        run,
        Needs.PROBES,
        seconds=SECONDS + 30,
    ),
)
