"""Measure DPoP, client certificates, pushed request objects and metadata documents, beside the same requests without.

`make bench` runs this after the shared driver, which has no such workloads. It starts `signet serve` with one worker on
each database, and sends one request after the other. Processor time is that of Signet and of PostgreSQL's server
processes, not of the client, which signs proofs and request objects meanwhile.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx2

from benchmarks.growth import TICK, backends, expect, ticks
from benchmarks.scratch import Scratch, scratch
from provider.oauth.clients import metadata_documents
from provider.oauth.clients.clients import find_client
from provider.oauth.clients.metadata import ClientMetadata
from provider.work import unit_of_work
from tests.support.browser import Page
from tests.support.client_certificates import HEADER, Shown, issue
from tests.support.client_keys import Signatory
from tests.support.dpop import Prover
from tests.support.factories import REDIRECT_URI, make_client, make_user
from tests.support.relying_party import AUTHORIZE, PAR, Answer, RelyingParty, sign_in_person

DATABASES = {"sqlite": "sqlite", "postgres": "postgresql"}
"""The names of the targets of `make bench` -> the databases of `scratch`."""
WARM_UP, TIMES, ROUNDS = 30, 100, 4
"""Requests before and in a round. Rounds of a pair alternate, and the best round of each counts."""
SETTLE = 5
"""Seconds for the jobs after a start, such as counting users."""
SCOPE = "openid profile email offline_access"
DOCUMENT = "https://app.example.test/client.json"
PROGRAM: dict[str, Any] = {"redirect_uris": (), "grant_types": ("client_credentials",), "scope": "admin:read"}

Operation = Callable[[], list[httpx2.Response]]


@dataclass(frozen=True)
class Pair:
    """An operation, and the same one with more."""

    name: str
    plain: Operation
    more: str
    """What the second one has."""
    proven: Operation


@dataclass(frozen=True)
class Cost:
    """One operation: milliseconds of processor time, and how often a second one connection does it."""

    cpu_ms: float
    per_second: float


@dataclass(frozen=True)
class Measured:
    """A pair on one database."""

    name: str
    more: str
    database: str
    plain: Cost
    proven: Cost

    @property
    def by_cpu(self) -> float:
        """How many of the second operation take the processor time of one of the first."""
        return self.plain.cpu_ms / self.proven.cpu_ms

    @property
    def by_rate(self) -> float:
        return self.proven.per_second / self.plain.per_second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", default="sqlite,postgres", help="comma-separated")
    parser.add_argument("--only", default="", help="measure the pairs whose name or addition contains this")
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")
    options = parser.parse_args()
    found = measure(options.databases.split(","), only=options.only)
    print("\n".join([json.dumps(as_row(each)) for each in found] if options.json else table(found)))


def measure(databases: Sequence[str], *, only: str = "", check_only: bool = False) -> list[Measured]:
    """Measure the pairs on each database. `check_only`: try each operation once, and measure nothing."""
    return [each for name in databases for each in _measure(name, only, check_only=check_only)]


def table(found: Sequence[Measured]) -> Iterator[str]:
    """Markdown: one row for each pair and database. The ratios are above 1 if the addition is free or better."""
    yield "| workload | with | database | per second | ratio | CPU ms | ratio |"
    yield "|---|---|---|--:|--:|--:|--:|"
    for each in found:
        rates = f"{each.plain.per_second:,.0f} / {each.proven.per_second:,.0f} | {each.by_rate:.2f}"
        times = f"{each.plain.cpu_ms:.2f} / {each.proven.cpu_ms:.2f} | {each.by_cpu:.2f}"
        yield f"| {each.name} | {each.more} | {each.database} | {rates} | {times} |"


def as_row(measured: Measured) -> dict[str, Any]:
    """Return what is kept of a pair in `history.jsonl`."""
    return {**asdict(measured), "by_cpu": round(measured.by_cpu, 3), "by_rate": round(measured.by_rate, 3)}


def _measure(name: str, only: str, *, check_only: bool) -> Iterator[Measured]:
    authority = issue("CN=Authority", ca=True)
    with TemporaryDirectory(prefix="signet-ca-") as folder:
        settings = {
            "SIGNET_CLIENT_CERTIFICATE_HEADER": HEADER,
            "SIGNET_CLIENT_CERTIFICATE_CA": str(authority.write(Path(folder))),
            "SIGNET_CLIENT_DOCUMENTS": "listed",
            "SIGNET_CLIENT_DOCUMENT_DOMAINS": "app.example.test",
        }
        with scratch(DATABASES[name], workers=1, settings=settings) as service:
            service.start()
            chosen = [each for each in _pairs(service, authority) if only in f"{each.name} {each.more}"]
            if check_only:
                for operation in [one for pair in chosen for one in (pair.plain, pair.proven)]:
                    operation()
                return
            pids = lambda: [*service.processes(), *backends(service.installation)]  # noqa: E731
            time.sleep(SETTLE)
            for pair in chosen:
                plain, proven = _costs(pair, pids)
                yield Measured(pair.name, pair.more, DATABASES[name], plain, proven)


def _costs(pair: Pair, pids: Callable[[], list[int]]) -> tuple[Cost, Cost]:
    rounds: tuple[list[Cost], list[Cost]] = ([], [])
    operations = (pair.plain, pair.proven)
    for operation in operations:
        for _ in range(WARM_UP):
            operation()
    for _ in range(ROUNDS):
        for operation, found in zip(operations, rounds, strict=True):
            used, seconds = ticks(pids()), 0.0
            for _ in range(TIMES):
                seconds += sum(response.elapsed.total_seconds() for response in operation())
            found.append(Cost((ticks(pids()) - used) * TICK / TIMES, TIMES / seconds))
    best = [Cost(min(one.cpu_ms for one in each), max(one.per_second for one in each)) for each in rounds]
    return best[0], best[1]


def _pairs(service: Scratch, authority: Shown) -> list[Pair]:
    issuer, person = service.origin, service.client()
    signing: dict[str, Any] = {"jwks": Signatory().jwks, "first_party": True, "scope": SCOPE}
    with unit_of_work(service.installation) as work:
        user_id = make_user(work)
        confidential = make_client(work, **signing)
        public = make_client(work, public=True, first_party=True, scope=SCOPE)
        program = make_client(work, **PROGRAM)
        certified = {
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=client,O=Example",
        }
        showing = make_client(work, **PROGRAM | certified)
    with unit_of_work(service.installation) as work:
        _keep_document(work)
    with unit_of_work(service.installation) as work:
        document = find_client(work, DOCUMENT)
        assert document is not None
    sign_in_person(person, service.installation, user_id)
    app, spa, secret, certificate = (
        RelyingParty(service.client(), *each, issuer=issuer) for each in (confidential, public, program, showing)
    )
    certificate.certificate = issue(by=authority)
    agent = RelyingParty(service.client(), document, None, issuer=issuer)
    holder = RelyingParty(service.client(), *confidential, issuer=issuer)
    holder.prover = Prover()
    own = _refreshing(spa, spa.ask(person, scope=SCOPE))
    return [
        Pair(
            "refresh_token",
            _refreshing(app, app.ask(person, scope=SCOPE)),
            "a DPoP proof",
            _refreshing(holder, holder.ask(person, scope=SCOPE)),
        ),
        Pair(
            "client_credentials", _credentials(secret), "a certificate instead of the secret", _credentials(certificate)
        ),
        Pair("authorize + code", _codes(app, person), "the request pushed and signed", _pushed_codes(app, person)),
        Pair(
            "refresh_token of a public client",
            own,
            "a cached metadata document instead of a registration",
            _refreshing(agent, _allowed(agent, person)),
        ),
    ]


def _keep_document(work: Any) -> None:
    """Store the client as if its document had been fetched a moment ago."""
    members = {
        "client_id": DOCUMENT,
        "client_name": "Agent",
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": SCOPE,
    }
    metadata: ClientMetadata = metadata_documents.read_document(
        work, DOCUMENT, json.dumps(members).encode(), before=None
    )
    metadata_documents._keep(work, DOCUMENT, metadata, timedelta(days=1))  # noqa: SLF001  # what a fetch does in the end


def _allowed(app: RelyingParty, person: httpx2.Client) -> Answer:
    """Return the answer to a request that the person had to allow."""
    asked = app.ask(person, scope=SCOPE, prompt="consent")
    form = next(form for form in Page(person.get(asked.location)).forms if "csrf_token" in dict(form.values()))
    data = {**dict(form.values()), "decision": "allow"}
    person.post(asked.location, data=data, headers={"origin": app.issuer}, follow_redirects=False)
    return app.resume(person, asked)


def _refreshing(app: RelyingParty, answer: Answer) -> Operation:
    held = [app.redeem(answer).refresh_token]

    def refresh() -> list[httpx2.Response]:
        tokens = app.refresh(held[0])
        expect(tokens.response)
        held[0] = tokens.refresh_token
        return [tokens.response]

    return refresh


def _credentials(app: RelyingParty) -> Operation:
    def ask() -> list[httpx2.Response]:
        response = app.client_credentials().response
        expect(response)
        return [response]

    return ask


def _codes(app: RelyingParty, person: httpx2.Client) -> Operation:
    def ask_and_redeem() -> list[httpx2.Response]:
        answer = app.ask(person, scope=SCOPE)
        expect(answer.response, has=answer.code)
        response = app.redeem(answer).response
        expect(response)
        return [answer.response, response]

    return ask_and_redeem


def _pushed_codes(app: RelyingParty, person: httpx2.Client) -> Operation:
    """RFC 9126 section 3 with RFC 9101: push the signed request, authorize, redeem."""

    def push_ask_and_redeem() -> list[httpx2.Response]:
        parameters, verifier = app.request(scope=SCOPE)
        signed = app.signatory.sign({**parameters, "iss": app.client_id, "aud": app.issuer})
        pushed = app.post(PAR, request=signed)
        expect(pushed)
        query = {"client_id": app.client_id, "request_uri": pushed.json()["request_uri"]}
        answer = Answer(person.get(AUTHORIZE, params=query, follow_redirects=False), parameters, verifier)
        expect(answer.response, has=answer.code)
        response = app.redeem(answer).response
        expect(response)
        return [pushed, answer.response, response]

    return push_ask_and_redeem


if __name__ == "__main__":
    main()
