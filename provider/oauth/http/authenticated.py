"""The common part of token, introspection and revocation requests: one form, from one authenticated client."""

from functools import partial

from provider.oauth.checks import Checks, Detail
from provider.oauth.client_authentication.authenticate import authenticate, find_enabled
from provider.oauth.clients.clients import Client
from provider.oauth.grants.request import TokenRequest
from provider.oauth.http.client_certificates import certificate_of
from provider.oauth.http.cross_origin import allow
from provider.oauth.http.refused import read_form
from provider.oauth.http.server import server_of
from provider.oauth.syntax import require_syntax
from provider.web.call import Call
from provider.web.call_values import CallValue

CLIENT = CallValue[tuple[Client, list[tuple[str, bool, Detail]]]]("client")
"""The authenticated client, and the checks it passed."""


def authenticated(call: Call, endpoint: str, *, may_be_new: bool = False) -> TokenRequest:
    """Return the request of an authenticated client (RFC 6749 section 3.2). Raises an OAuth2Error.

    `may_be_new`: the endpoint is one where a client with a metadata document may be met first.
    """
    checks = Checks(endpoint)
    if CLIENT.is_on(call):  # the call began anew; its assertion is spent
        client, checks.noted = CLIENT.of(call)
        client = find_enabled(call.work, server_of(call), checks, client.client_id)
    else:
        read_form(call, checks)
        client = authenticate(
            call.work,
            server_of(call),
            checks,
            authorization=call.headers.get("authorization"),
            form=call.form,
            endpoint_url=call.settings.issuer + call.path,
            certificate=partial(certificate_of, call),
            may_be_new=may_be_new,
        )
        CLIENT.put(call, (client, list(checks.noted)))
    allow(call, client.client_id)
    require_syntax(checks, call.form)
    return TokenRequest(call.work, server_of(call), client, call.form, checks)
