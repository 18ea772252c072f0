"""The callers of the transmitter: clients that act for themselves, with a scope of shared signals (CAEP
Interoperability Profile 1.0 section 2.7).
"""

from collections.abc import Iterable

from provider.oauth.checks import Checks
from provider.oauth.errors import InsufficientScopeError
from provider.oauth.http.bearer import require_token
from provider.oauth.scopes import SSF_MANAGE, SSF_READ
from provider.web.call import Call

TO_MANAGE = (SSF_MANAGE,)
TO_READ = (SSF_MANAGE, SSF_READ)
"""The scopes of which one is enough."""


def require_receiver(call: Call, scopes: Iterable[str]) -> tuple[str, frozenset[str]]:
    """Require an active access token with one of these scopes that a client got for itself. From then on, audit events
    name the client. Returns its id and the scopes. Raises InvalidTokenError or InsufficientScopeError.
    """
    checks = Checks("shared signals")
    live = require_token(call, checks, scopes)
    checks.require(
        live.grant is None,
        "The client acts for itself",
        section="CAEP Interoperability Profile 1.0 section 2.7.1",
        error=InsufficientScopeError,
        description="The access token must come from the client credentials grant",
        expected="an access token that a client got for itself",
        got="an access token of a user",
        fix="Request the access token with grant_type=client_credentials and scope=ssf.manage.",
        scope=SSF_MANAGE,
    )
    client_id = str(live.claims["client_id"])
    call.work.origin = call.work.origin.of_operator(f"client {client_id}")
    return client_id, frozenset(live.scope)
