"""Why Signet rejected what an app sent: the check that failed, its fix, and how to test the app as it is."""

import re
from collections.abc import Callable, Mapping

from provider.oauth.explanations import find_explanation
from provider.work import Installation, unit_of_work

Explain = Callable[[str], str | None]
"""A function that returns why Signet rejected the request in whose answer this text is, or None if it did not."""

FAULTS_OF_APPS = frozenset(
    {
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_request_object",
        "invalid_request_uri",
        "request_not_supported",
        "request_uri_not_supported",
        "registration_not_supported",
        "invalid_authorization_details",
    }
)
"""The errors of an authorization response that another request of the app would avoid."""
AS_IT_IS: Mapping[str, str] = {
    "code_challenge": "register its client with require_pkce=False",
    "scope": "register its client with scope='…', and name all scopes that it asks for",
    "response_type is supported": "set legacy_response_types=true (fixture `signet_settings`, or `signet test-server "
    "--setting`), and register its client with response_types=['…']",
    "response_type is registered": "register its client with response_types=['…']",
    "redirect_uri": "register its client with this redirect URI",
}
"""How a test continues with the app as it is, by words of the check that failed."""
_ERROR_ID = re.compile(r"error ID:? ([0-9a-f]{8,32})", re.IGNORECASE)


def explainer(installation: Installation) -> Explain:
    """Return a function that looks up rejected requests of this installation."""

    def explain(text: str) -> str | None:
        found = _ERROR_ID.search(text)
        if found is None:
            return None
        with unit_of_work(installation) as work:
            row = find_explanation(work, found[1])
        failed = next((check for check in row.checks if not check["passed"]), None) if row is not None else None
        if failed is None:
            return None
        name = str(failed["name"])
        setting = next((way for words, way in AS_IT_IS.items() if words in name), None)
        parts = [
            f"Failed check: {name} ({failed['section']}).",
            f"Expected {failed['expected']}, got {failed['got']}.",
            str(failed["fix"]),
            f"To test the app as it is, {setting}." if setting else "",
        ]
        return "\n".join(part for part in parts if part)

    return explain
