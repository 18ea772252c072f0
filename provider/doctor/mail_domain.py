"""Examinations of the domain that sends the emails: MX, SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489)."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from provider.doctor.dkim import usual_selectors
from provider.doctor.findings import Finding, fine, problem, warning
from provider.doctor.resolver import NoSuchName, Resolver

MOST_LOOKUPS = 10
"""The terms that ask the DNS in an SPF record and those it includes (RFC 7208 section 4.6.4)."""
MOST_DEPTH = 12
SHORTEST_DKIM = 1024
ASKING = re.compile(r"[+?~-]?(include:|a\b|mx\b|ptr\b|exists:)|redirect=", re.IGNORECASE)
LEADING = re.compile(r"[+?~-]?include:(\S+)|redirect=(\S+)", re.IGNORECASE)
POLICIES = ("none", "quarantine", "reject")
UNUSED = "signet-doctor-d0c7"
"""A selector that no one uses."""
MAIL = "docs/operate/configure.md"

NO_DOMAIN = problem(
    "mail.domain-does-not-exist",
    why="Mail servers reject its emails, so users cannot verify addresses or reset passwords.",
    fix="Correct SIGNET_SMTP_FROM, or register the domain.",
    section="RFC 5321 section 2.3.5",
)
NO_MX = warning(
    "mail.no-mx",
    why="Emails that cannot be delivered come back to nowhere, and some servers reject such senders.",
    fix="Add an MX record for the domain of SIGNET_SMTP_FROM.",
    section="RFC 5321 section 5.1",
)
NULL_MX = problem(
    "mail.null-mx",
    why="The domain says that it takes no email, so many servers reject emails from it.",
    fix="Remove the MX record with a single dot, or send from another domain.",
    section="RFC 7505 section 4.2",
)
DEAD_MX = problem(
    "mail.mx-does-not-resolve",
    why="Replies and emails that cannot be delivered get lost, and some servers reject such senders.",
    fix="Correct the MX record, or add an address for this host.",
    section="RFC 5321 section 5.1",
)
NO_SPF = problem(
    "mail.no-spf",
    why="Large providers reject emails of a domain that does not say who may send for it, or put them into spam.",
    fix="Add a TXT record such as `v=spf1 include:YOUR-MAIL-PROVIDER -all`.",
    section="RFC 7208 section 3",
)
SEVERAL_SPF = problem(
    "mail.several-spf",
    why="With more than one SPF record, receivers use none.",
    fix="Join them to one TXT record that begins with v=spf1.",
    section="RFC 7208 section 4.5",
)
OPEN_SPF = problem(
    "mail.spf-permits-all",
    why="Anyone may send emails in the name of this domain.",
    fix="End the record with -all, or with ~all.",
    section="RFC 7208 section 5.1",
)
NO_ALL = warning(
    "mail.spf-has-no-end",
    why="Receivers treat all other senders as neutral, so the record protects little.",
    fix="End the record with -all, or with ~all.",
    section="RFC 7208 section 4.7",
)
LONG_SPF = problem(
    "mail.spf-too-many-lookups",
    why="Receivers stop after 10 lookups and treat the record as an error.",
    fix="Remove includes of services that you do not use.",
    section="RFC 7208 section 4.6.4",
)
BROKEN_SPF = problem(
    "mail.spf-include-is-missing",
    why="Receivers treat a record as an error that includes a domain without one.",
    fix="Remove or correct this include.",
    section="RFC 7208 section 5.2",
)
NO_DMARC = warning(
    "mail.no-dmarc",
    why="Large providers expect DMARC. Without it, others can send emails that look like yours.",
    fix="Add a TXT record at _dmarc: `v=DMARC1; p=quarantine; rua=mailto:YOU`.",
    section="RFC 7489 section 6.1",
)
BAD_DMARC = problem(
    "mail.dmarc-is-invalid",
    why="Receivers ignore it.",
    fix="Leave one TXT record at _dmarc that begins with v=DMARC1 and has p=none, p=quarantine or p=reject.",
    section="RFC 7489 section 6.3",
)
WEAK_DMARC = warning(
    "mail.dmarc-only-watches",
    why="Emails that others send in your name are delivered like yours.",
    fix="When the reports show no email of yours that fails, set p=quarantine, then p=reject.",
    section="RFC 7489 section 6.3",
)
NO_DKIM = problem(
    "mail.no-dkim",
    why="Receivers cannot verify the signature of your emails, and reject them or put them into spam.",
    fix="Publish the record that your mail provider shows for this selector.",
    section="RFC 6376 section 3.6.1",
)
DKIM_NOT_FOUND = warning(
    "mail.dkim-not-found",
    why="Without a signature, receivers put emails into spam or reject them. The key may be at another selector.",
    fix="Give the selector of your mail server with --dkim-selector. If it does not sign, turn DKIM on there.",
    section="RFC 6376 section 3.6.1",
)
REVOKED_DKIM = problem(
    "mail.dkim-is-revoked",
    why="An empty key says that signatures with this selector are not valid.",
    fix="Sign with another selector, or publish its key again.",
    section="RFC 6376 section 3.6.1",
)
WEAK_DKIM = problem(
    "mail.dkim-key-is-weak",
    why="Receivers do not accept a key of this size, or cannot read it.",
    fix="Create a new key with 2048 bits, and publish it at a new selector.",
    section="RFC 8301 section 3.2",
)


def judge_domain(
    resolver: Resolver, domain: str, selectors: tuple[str, ...], *, smtp_host: str = ""
) -> Iterator[Finding]:
    """Yield what is wrong with the records of a domain. Raises Unreachable if the DNS does not answer.

    Without selectors, those that are usual with this mail server are looked up.
    """
    if not _exists(resolver, domain):
        yield NO_DOMAIN.found(f"The domain {domain} does not exist.")
        return
    yield from _mx(resolver, domain)
    yield from _spf(resolver, domain)
    yield from _dmarc(resolver, domain)
    for selector in selectors:
        yield from _dkim(resolver, domain, selector)
    if not selectors:
        yield from _usual_dkim(resolver, domain, smtp_host)


def _records(resolver: Resolver, name: str, kind: str) -> list[str]:
    try:
        return resolver.records(name, kind)
    except NoSuchName:
        return []


def _exists(resolver: Resolver, domain: str) -> bool:
    return any(_records(resolver, domain, kind) for kind in ("MX", "TXT", "A", "AAAA", "SOA"))


def _mx(resolver: Resolver, domain: str) -> Iterator[Finding]:
    found = [record.split()[-1] for record in _records(resolver, domain, "MX")]
    if found == ["."]:
        yield NULL_MX.found(f"{domain} has the MX record of a domain without email.")
        return
    if not found:
        yield NO_MX.found(f"{domain} has no MX record.")
        return
    dead = [host for host in found if not any(_records(resolver, host.rstrip("."), kind) for kind in ("A", "AAAA"))]
    if dead:
        yield DEAD_MX.found(f"{domain} takes emails at {', '.join(dead)}, which has no address.")
    else:
        yield fine("mail.mx", f"{domain} takes emails at {', '.join(sorted(each.rstrip('.') for each in found))}.")


def _spf_records(resolver: Resolver, domain: str) -> list[str]:
    found = _records(resolver, domain, "TXT")
    return [record for record in found if record.lower() == "v=spf1" or record.lower().startswith("v=spf1 ")]


def _spf(resolver: Resolver, domain: str) -> Iterator[Finding]:
    found = _spf_records(resolver, domain)
    if not found:
        yield NO_SPF.found(f"{domain} has no SPF record.")
        return
    if len(found) > 1:
        yield SEVERAL_SPF.found(f"{domain} has {len(found)} SPF records.")
        return
    terms = found[0].lower().split()[1:]
    fit = True
    if {"+all", "all", "?all"} & set(terms):
        fit = False
        yield OPEN_SPF.found(f"The SPF record of {domain} is {found[0]!r}.")
    elif not {"-all", "~all"} & set(terms) and not any(term.startswith("redirect=") for term in terms):
        fit = False
        yield NO_ALL.found(f"The SPF record of {domain} is {found[0]!r}.")
    missing: list[str] = []
    lookups = _count_lookups(resolver, found[0], missing, {domain.lower()}, MOST_DEPTH)
    for name in missing:
        fit = False
        yield BROKEN_SPF.found(f"The SPF record of {domain} leads to {name}, which has none.")
    if lookups > MOST_LOOKUPS:
        fit = False
        yield LONG_SPF.found(f"The SPF record of {domain} needs {lookups} lookups.")
    if fit:
        yield fine("mail.spf", f"{domain} has an SPF record that needs {lookups} lookups.")


def _count_lookups(resolver: Resolver, record: str, missing: list[str], seen: set[str], depth: int) -> int:
    """Count the lookups of a record and of those it leads to. Names without a record are added to `missing`."""
    count = 0
    for term in record.split()[1:]:
        count += ASKING.match(term) is not None
        leads = LEADING.fullmatch(term)
        name = "" if leads is None else (leads[1] or leads[2]).lower().rstrip(".")
        if not name or name in seen or "%" in name or depth == 0 or count > 2 * MOST_LOOKUPS:
            continue
        seen.add(name)
        found = _spf_records(resolver, name)
        if len(found) == 1:
            count += _count_lookups(resolver, found[0], missing, seen, depth - 1)
        else:
            missing.append(name)
    return count


def _tags(record: str) -> Mapping[str, str]:
    """Return the tags of a DKIM or DMARC record (RFC 6376 section 3.2)."""
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _dmarc(resolver: Resolver, domain: str) -> Iterator[Finding]:
    found: list[str] = []
    where = domain
    while not found and "." in where:  # the domain, then those above it (RFC 7489 section 6.6.3)
        found = [each for each in _records(resolver, f"_dmarc.{where}", "TXT") if each.lower().startswith("v=dmarc1")]
        where, above = where.partition(".")[2], where
    if not found:
        yield NO_DMARC.found(f"{domain} has no DMARC record.")
        return
    tags = _tags(found[0])
    policy = tags.get("p" if above == domain else "sp", tags.get("p", "")).lower()
    if len(found) > 1 or policy not in POLICIES:
        yield BAD_DMARC.found(f"_dmarc.{above} has {len(found)} record(s), the first with p={policy or '(none)'}.")
    elif policy == "none":
        yield WEAK_DMARC.found(f"The DMARC policy of {domain} is none.")
    else:
        yield fine("mail.dmarc", f"The DMARC policy of {domain} is {policy}.")


def _dkim(resolver: Resolver, domain: str, selector: str) -> Iterator[Finding]:
    name = f"{selector}._domainkey.{domain}"
    found = _records(resolver, name, "TXT")
    if not found:
        yield NO_DKIM.found(f"There is no DKIM key at {name}.")
        return
    tags = _tags(found[0])
    if not tags.get("p"):
        yield REVOKED_DKIM.found(f"The DKIM key at {name} is empty.")
    elif tags.get("k", "rsa").lower() == "rsa" and (problem_ := _weakness(tags["p"])) is not None:
        yield WEAK_DKIM.found(f"The DKIM key at {name} {problem_}.")
    else:
        yield fine("mail.dkim", f"There is a DKIM key at {name}.")


def _usual_dkim(resolver: Resolver, domain: str, smtp_host: str) -> Iterator[Finding]:
    """Look for keys where they usually are. None of them proves that there is none elsewhere."""
    if _records(resolver, f"{UNUSED}._domainkey.{domain}", "TXT"):
        return  # the DNS answers for any name, so no answer means anything
    usual = usual_selectors(smtp_host)
    found = [each for each in usual if _records(resolver, f"{each}._domainkey.{domain}", "TXT")]
    for selector in found:
        yield from _dkim(resolver, domain, selector)
    if not found:
        yield DKIM_NOT_FOUND.found(f"{domain} has no DKIM key at {len(usual)} usual selectors, such as {usual[0]}.")


def _weakness(encoded: str) -> str | None:
    try:
        key = load_der_public_key(base64.b64decode("".join(encoded.split()), validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return "cannot be read"
    if not isinstance(key, RSAPublicKey):
        return "is not an RSA key"
    return f"has {key.key_size} bits" if key.key_size <= SHORTEST_DKIM else None
