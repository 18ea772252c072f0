"""The metadata that the response types of an app bring with them, so that a test names the response types only."""

from collections.abc import Iterable
from typing import Any

from provider.oauth.response_types import IMPLICIT, grant_types_of, parse_response_type


def flow_of(response_types: Iterable[str]) -> dict[str, Any]:
    """Return the grant types of a client, with refresh tokens if it has a code.

    Apps with tokens in the front channel are of the type `native`, because web apps of this kind must not be on
    localhost (OIDC Registration section 2).
    """
    grant_types = frozenset[str]().union(*(grant_types_of(parse_response_type(text)) for text in response_types))
    refresh = ("refresh_token",) if "authorization_code" in grant_types else ()
    native = {"application_type": "native"} if IMPLICIT in grant_types else {}
    return {"grant_types": (*sorted(grant_types), *refresh), **native}
