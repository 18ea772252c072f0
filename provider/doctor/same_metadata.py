"""The examination whether discovery and keys are the same from every address and node."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from provider.doctor.examination import Case, Examination, Group
from provider.doctor.findings import Finding, Severity, fine, problem
from provider.doctor.metadata import DISCOVERY, KEYS, NOT_JSON, read_json
from provider.doctor.resolver import NoSuchName
from provider.doctor.transport import Response, Unreachable

REPEATED = 4
"""How often the balancer is asked, to see more than one node."""
MOST_ADDRESSES = 8
BALANCER = "the issuer"
"""What the balancer is called in findings."""
SCALE = "docs/operate/scale.md"

DISCOVERY_DIFFERS = problem(
    "metadata.discovery-differs",
    why="Apps work or fail depending on the node that answers. The nodes have other settings or versions.",
    fix="Give every node the same settings and version, and restart those that differ.",
    section=SCALE,
)
KEYS_DIFFER = problem(
    "metadata.keys-differ",
    why="Tokens that one node signs cannot be verified with the keys of another, so sign-ins fail at random.",
    fix="Give every node the same database. During a rotation this lasts SIGNET_KEY_CACHE seconds; then run again.",
    section=SCALE,
)
NODE_AWAY = problem(
    "metadata.node-does-not-answer",
    why="The balancer sends it requests that fail, or has one node less.",
    fix="Start the node, or remove it from the balancer.",
    section=SCALE,
)


@dataclass
class Answers:
    """The answers to several requests for the same document."""

    asked_by_content: dict[str, list[str]] = field(default_factory=dict)
    """Who was asked, by what the document contained."""
    failed: dict[str, str] = field(default_factory=dict)
    """Who answered without a document, and how."""
    away: dict[str, str] = field(default_factory=dict)
    """Who did not answer, and why."""

    @property
    def differ(self) -> bool:
        return len(self.asked_by_content) > 1


def _ask(case: Case, path: str) -> Iterator[tuple[str, Response | Unreachable]]:
    """Ask the balancer several times, each address of its name, and each node. Yield who was asked, and the answer."""
    for _ in range(REPEATED):
        yield BALANCER, case.ask("GET", path)
    try:
        addresses = case.resolver.addresses(case.host)
    except (NoSuchName, Unreachable):
        addresses = []
    if len(addresses) > 1:
        for address in addresses[:MOST_ADDRESSES]:
            try:
                yield address, case.ask("GET", path, address=address)
            except Unreachable:
                continue  # the examination of connections says so
    for node in case.nodes:
        try:
            yield node, case.transport.send("GET", node + path, headers={"Host": case.authority})
        except Unreachable as failed:
            yield node, failed


def _collect(case: Case, path: str) -> Answers:
    answers = Answers()
    for asked, answer in _ask(case, path):
        if isinstance(answer, Unreachable):
            answers.away[asked] = answer.reason
        elif answer.status != 200 or not isinstance(value := read_json(answer), dict):
            answers.failed[asked] = f"status {answer.status}"
        else:
            answers.asked_by_content.setdefault(json.dumps(value, sort_keys=True), []).append(asked)
    return answers


def _same(case: Case) -> Iterator[Finding]:
    for path, differs, name in ((DISCOVERY, DISCOVERY_DIFFERS, "discovery"), (KEYS, KEYS_DIFFER, "keys")):
        answers = _collect(case, path)
        if answers.differ:  # a key may have been added between two requests
            answers = _collect(case, path)
        for asked, reason in answers.failed.items():
            kind = NOT_JSON if asked == BALANCER else NODE_AWAY
            yield kind.found(f"{path} from {asked}: {reason}.")
        for asked, reason in answers.away.items():
            yield NODE_AWAY.found(f"{path} from {asked}: {reason}.", severity=Severity.UNKNOWN)
        groups = answers.asked_by_content.values()
        if answers.differ:
            named = "; ".join(", ".join(dict.fromkeys(group)) for group in groups)
            yield differs.found(f"{path} has {len(groups)} contents, from {named}.")
        elif groups and not answers.failed and not answers.away:
            yield fine(f"metadata.same-{name}", f"{path} was the same in {sum(map(len, groups))} requests.")


SAME_METADATA = (
    Examination(
        "same-metadata",
        Group.METADATA,
        "Asks for discovery and keys several times, at each address and node, and compares.",
        _same,
        seconds=60.0,
    ),
)
