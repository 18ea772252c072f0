"""Authorization requests: each parameter, and whether the request would be accepted now, by the checks themselves."""

from collections.abc import Sequence

from provider.inspection.findings import Fact, Inspection, Part, shown, shown_or_masked
from provider.inspection.meanings import PARAMETERS
from provider.inspection.reader import Reader
from provider.oauth.authorize.request import find_target, read_request, require_unpushed_allowed
from provider.oauth.authorize.request_objects import require_signed, unwrap
from provider.oauth.checks import Check, Checks
from provider.oauth.errors import OAuth2Error
from provider.parameters import Parameters
from provider.work import NeedsNetwork, UnitOfWork

UNKNOWN = "Unknown parameters are ignored."


def inspect_authorization(reader: Reader, given: Parameters) -> Inspection:
    """Inspect the parameters of an authorization request that was not sent."""
    return explained(reader, given, kind="authorization request", is_sent_openly=True)


def explained(reader: Reader, given: Parameters, *, kind: str, is_sent_openly: bool = False) -> Inspection:
    """Return what the authorization endpoint would say about these parameters. Nothing is written, and nothing is
    fetched. With `is_sent_openly`, the client must not be one that pushes or signs its requests.
    """
    checks, problem, is_valid = Checks("authorization"), "", True
    # Of its own, so that a check that writes or asks another server leaves nothing behind.
    trial = UnitOfWork(reader.work.installation, reader.work.origin, may_wait=False)
    try:
        _check(trial, reader, checks, given, is_sent_openly=is_sent_openly)
    except OAuth2Error as error:
        problem, is_valid = f"It would be rejected with {error.error}: {error.description}.", False
    except NeedsNetwork:
        problem = (
            "The rest of the checks need a document or key of the application, which the inspector does not fetch."
        )
    finally:
        trial.finish(commit=False)
    is_unknown = bool(problem) and is_valid
    return Inspection(
        kind=kind,
        summary=problem or "It would be accepted.",
        is_valid=None if is_unknown else is_valid,
        parts=[Part("Parameters", _parameters(given)), Part("Checks", _facts(checks.done))],
        client_id=checks.client_id if reader.find_client(checks.client_id) else None,
    )


def _check(work: UnitOfWork, reader: Reader, checks: Checks, given: Parameters, *, is_sent_openly: bool) -> None:
    """Run the checks of the authorization endpoint, in its order. Raises an OAuth2Error or NeedsNetwork."""
    server = reader.server
    inside = unwrap(work, server, checks, given)
    target = find_target(work, server, checks, inside)
    if is_sent_openly:
        require_unpushed_allowed(checks, target.client)
        require_signed(checks, target.client, given)
    read_request(work, server, checks, target, inside)


def _parameters(given: Parameters) -> list[Fact]:
    return [
        Fact(
            name=shown(name),
            value=shown_or_masked(name, value),
            meaning=PARAMETERS.get(name, UNKNOWN),
            passed=False if name in given.repeated or name == "client_secret" else None,
            why=_problem_with(name, given),
        )
        for name, value in given.items()
    ]


def _problem_with(name: str, given: Parameters) -> str:
    if name == "client_secret":
        return "A secret must never be in a URL. Rotate it: signet client rotate-secret CLIENT_ID"
    return "It was sent more than once." if name in given.repeated else ""


def _facts(done: Sequence[Check]) -> list[Fact]:
    """Return the checks as facts, what failed first."""
    facts = [
        Fact(
            name=check.name,
            value=shown(check.got),
            passed=check.passed,
            why="" if check.passed else shown(f"Expected: {check.detail['expected']}. {check.detail['fix']}"),
            section=check.detail["section"],
        )
        for check in done
    ]
    return sorted(facts, key=lambda fact: fact.passed is not False)
