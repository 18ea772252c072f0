"""The authorization challenge endpoint: a first-party app asks for the password itself.

See draft-ietf-oauth-first-party-apps section 5 and RFC 7636. It is off unless an operator registered the client with
`first_party` and `authorization_challenge`.
"""

from starlette.responses import Response

from provider.oauth.errors import UnauthorizedClientError
from provider.oauth.first_party import sign_in as first_party_sign_in
from provider.oauth.http.authenticated import authenticated
from provider.oauth.http.proofs import with_key
from provider.oauth.http.refused import NO_STORE, as_json
from provider.web.call import Call
from provider.web.endpoint import machine_endpoint
from provider.web.json_responses import JsonResponse


@machine_endpoint(render=as_json, hashes_passwords=True)
def authorization_challenge(call: Call) -> Response:
    """Answer an authorization challenge: POST /oauth2/authorize-challenge.

    The parameters are `username` and `password`, or `auth_session` and `otp` or `recovery_code`; or `passkey=true`, and
    then `auth_session` and `credential`; or `username` and `email_code=true`, and then `auth_session` and `email_code`.
    Returns `authorization_code`, or 403 `insufficient_authorization` for what is
    still missing.
    """
    request = with_key(call, authenticated(call, "authorization challenge"))
    metadata = request.client.metadata
    request.checks.require(
        metadata.first_party and metadata.authorization_challenge,
        "The client may use the authorization challenge endpoint",
        section="First-Party Applications section 1",
        error=UnauthorizedClientError,
        description="This client is not registered with first_party and authorization_challenge",
        expected="first_party and authorization_challenge set to true",
        got=f"first_party {metadata.first_party}, authorization_challenge {metadata.authorization_challenge}",
        fix="Ask an operator to set both to true: `signet client update CLIENT_ID --metadata FILE`.",
    )
    auth_session = call.form.get("auth_session")
    if auth_session is None:
        code = first_party_sign_in.begin(request)
    else:
        code = first_party_sign_in.continue_sign_in(request, auth_session)
    return JsonResponse({"authorization_code": code}, headers=NO_STORE)
