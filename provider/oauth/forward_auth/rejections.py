"""Requests to protected sites that are rejected: what the user reads, and the check that `signet explain` shows."""

from provider.oauth.authorize.access_policy import Denial
from provider.oauth.checks import Checks, Detail
from provider.oauth.clients.protected_sites.path_rules import PathRule
from provider.oauth.forward_auth.errors import SiteRejected
from provider.oauth.forward_auth.sites import UNCLEAR

SECTION = "RFC 9110 section 15.5.4"


def denied_at_site(
    client_id: str, origin: str, denied: Denial, rule: PathRule | None, *, is_stored: bool
) -> SiteRejected:
    """Return the rejection of a user who does not meet a rule of the site or of the path."""
    of_path = f" (rule of {rule.path})" if rule is not None else ""
    why = f"The user may not see {origin}: {denied.why}{of_path}"
    checks = _failed(client_id, denied.check, expected=denied.expected, got=denied.got, fix=denied.fix, why=why)
    return SiteRejected(denied.text, checks, why, is_stored=is_stored)


def unclear_path(client_id: str, uri: str, *, is_stored: bool) -> SiteRejected:
    """Return the rejection of a path that has more than one reading."""
    why = "The path of the request is ambiguous"
    checks = _failed(
        client_id,
        "The path can be read in one way only",
        expected="a path without dot segments, // and encoded separators, whose readings have one rule",
        got=uri.partition("?")[0],
        fix="Change the link. Paths are only checked like this if the client has rules for paths (protected_paths).",
        why=why,
    )
    return SiteRejected(UNCLEAR, checks, why, is_stored=is_stored)


def _failed(client_id: str, check: str, *, expected: str, got: str, fix: str, why: str) -> Checks:
    detail = Detail(section=SECTION, error=SiteRejected, description=why, expected=expected, got=got, fix=fix)
    return Checks("forward auth", client_id, [(check, False, detail)])
