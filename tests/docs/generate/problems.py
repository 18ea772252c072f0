"""The problems that the APIs answer with, and the error pages, with what to do about each."""

from provider.api.problems import PROTOCOL_TITLES
from tests.docs.generate.markdown import table
from tests.docs.generate.oauth_errors import status_of
from tests.docs.generate.operations import Reference
from tests.docs.generate.refusals import meaning_of, refusals

FIXES = {
    "address-managed": "Only an operator can change the address.",
    "address-taken": "Use a different address, or change the account that has it.",
    "already-confirmed": "Nothing to do.",
    "built-in-role": "Use a role of your own.",
    "changed-meanwhile": "Read the resource again, and send the change with the new `ETag`.",
    "code-needed": "Ask the user for a code and send it as `code`, with the password.",
    "confirmation-needed": "Call confirm-password, or request authorization with the `max_age` of the challenge.",
    "crash": "Try again later. If it happens again, give the operator the error ID.",
    "disabled": "Enable the webhook first.",
    "enrolment-gone": "Start the setup again.",
    "forgotten": "Look up whether the resource exists before you create it again.",
    "has-password": "Send a password reset email instead.",
    "id-taken": "Leave `id` out, or use a different one.",
    "insufficient_scope": "Request the scope, and send the token issued then. Operators need two factors.",
    "import-not-checked": "Read the state of the import. Upload the file again if it has ended.",
    "invalid-user-attribute": "Correct the member that the detail names.",
    "invalid-authorization-details-type": "Correct the member that the detail names.",
    "invalid-body": "Correct each member that `errors` names.",
    "invalid-group": "Use letters, digits and punctuation except `/`, without spaces.",
    "invalid-group-settings": "Correct the member that `detail` names.",
    "invalid-metadata": "Correct the member that the detail names.",
    "invalid_client": "Check the client ID and the secret. Send them with HTTP Basic.",
    "invalid_dpop_proof": "Create a new DPoP proof for each request, with the hash of the access token.",
    "invalid_request": "Send one access token, in the Authorization header.",
    "invalid_token": "Refresh, and send the new access token.",
    "invalid-role": "Use letters, digits and punctuation, without spaces.",
    "key-in-use": "Wait a moment, then send the request again with the same key.",
    "key-reused": "Use a new key for each request.",
    "last-administrator": "Give another user the role `admin` first, or use the command line.",
    "last-passkey": "Let the user set a password first.",
    "last-way-in": "Let the user set a password first.",
    "link-dead": "Request another verification email.",
    "linked-elsewhere": "Unlink the identity from the other account first.",
    "malformed": "Encode the query as UTF-8, with each parameter once.",
    "more-permissions": "Ask an administrator, or use a token with more permissions.",
    "nested-too-deep": "Take groups out of the group that should be contained.",
    "no-pending-change": "Nothing to do.",
    "no-picture": "Nothing to do.",
    "no-such-user-attribute": "List the attributes again.",
    "invalid-claim-mapping": "Correct the member that the detail names.",
    "invalid-claims-preview": "Ask for scopes that the application is registered for.",
    "no-such-stream": "List the streams of shared signals again.",
    "invalid-stream": "Correct the member that the description names.",
    "no-provisioning": "Set it up: `signet provisioning set`.",
    "invalid-provisioning": "Correct the member that the detail names.",
    "provisioning-off": "Turn provisioning of the application on.",
    "provisioning-connection-failed": "Check the URL and the token. The detail says what the application answered.",
    "no-such-claim-mapping": "List the claim mappings again.",
    "no-such-authorization-details-type": "List the types again.",
    "no-such-client": "Check the client ID.",
    "no-such-family": "It may have ended already. List the token families again.",
    "no-such-group": "List the groups again.",
    "no-such-identity": "List the linked identities again.",
    "no-such-authenticator-app": "List the authenticator apps again.",
    "no-such-passkey": "List the passkeys again.",
    "no-such-remembered-device": "List the remembered devices again.",
    "no-such-import": "List the imports again. Upload the file again if it is gone.",
    "no-such-proxy": "Use nginx, caddy, traefik or envoy.",
    "no-such-site": "Compare the scheme, host and port with `protected_sites` of the application.",
    "no-such-promise": "It may have been deleted since. List the jobs again.",
    "no-such-refusal": "Check the error ID. Let the app repeat the request and explain that one.",
    "nothing-to-inspect": "Send a value that is not empty and has at most 49152 characters.",
    "no-such-role": "List the roles again.",
    "no-such-session": "It may have ended already. List the sessions again.",
    "no-such-user": "Check the user ID. The account may have been deleted.",
    "no-such-issuer": "List the trusted issuers again.",
    "no-verification": "Correct what the detail says: the settings here, or the client at the provider.",
    "no-such-upstream": "List the upstream providers again.",
    "no-such-webhook": "List the webhooks again.",
    "not-an-address": "Correct the email address.",
    "not-connected": "It may have been removed already. List the connected apps again.",
    "not-failed": "Nothing to do, or repeat what queued the job.",
    "not-json": "Send JSON with `Content-Type: application/json`.",
    "not-now": "Check the status of the account.",
    "not-the-password": "Ask the user for the password again.",
    "not-turned-on": "Nothing to do.",
    "only-authenticator-app": "Let the user add another app or turn two-factor authentication off first.",
    "several-authenticator-apps": "Let the user choose one, and move it with its ID. Or add the new one to them.",
    "too-many-authenticator-apps": "Let the user remove one first.",
    "only-second-factor": "Let the user add another passkey or turn two-factor authentication off first.",
    "not-waiting": "Nothing to do.",
    "reset-link-dead": "Request another password reset email.",
    "reset-link-used": "Request another password reset email if the user did not just choose a new password.",
    "required-by-operator": "Nothing to do. An operator requires it of the user.",
    "role-in-use": "Remove the role from its users first.",
    "same-address": "Ask for a different address.",
    "second-factor-locked": "Ask the user for a recovery code. An operator can turn off two-factor authentication.",
    "second-factor-needed": "Call confirm-password with a code, or request authorization with these `acr_values`.",
    "session-over": "Send the user through a new authorization request.",
    "sign-in-over": "Send the user through a new authorization request.",
    "ticket-over": "Let the user register or sign in again.",
    "too-large": "Send less. The operation says how large a file can be.",
    "too-many-groups": "Remove the user from a group first.",
    "too-many-requests": "Retry after the seconds in `Retry-After`.",
    "doctor-already-requested": "Wait for the result. `GET /api/admin/doctor` shows the progress.",
    "tokens-still-valid": "Wait until the time in the detail, or revoke the key.",
    "key-still-used": "Wait until the apps in the detail have stopped, or send `even_if_used` or `at_once`.",
    "too-soon": "Wait until the upcoming key has been published for `SIGNET_KEY_LEAD`, or send `at_once`.",
    "unauthorized_client": "Ask an operator to set `first_party` for the client.",
    "unavailable": "Retry after the seconds in `Retry-After`.",
    "unreadable-file": "Correct the file as the detail says, or split it.",
    "unfit-idempotency-key": "Use a random key, for example a UUID.",
    "unfit-password": "Ask the user for a different password. The detail says what is wrong with it.",
    "unfit-picture": "Send a JPEG, PNG or WebP image. The detail says what is wrong with the file.",
    "invalid-issuer": "Correct the member that the detail names.",
    "invalid-upstream": "Correct the member that the detail names.",
    "sign-in-elsewhere": "Send the user to the sign-in page in a browser.",
    "unfit-webhook": "Correct the URL or the event that the detail names.",
    "unknown-key": "List the keys again.",
    "unknown-type": "Send the file with one of the media types of the operation.",
    "unsupported-password-hash": "Send a hash that Signet can check, or leave it out and invite the user.",
    "used-second-factor": "Ask the user to wait for the next code.",
    "wrong-code": "Ask the user for the code again, or send another email.",
    "wrong-first-code": "Ask the user for the code again.",
    "wrong-recovery-code": "Ask the user for the code again.",
    "wrong-second-factor": "Ask the user for the code again.",
    "wrong-sign-up-password": "Ask the user for the password again.",
    "use_dpop_nonce": "Send the request again, with a new proof that has the nonce of the `DPoP-Nonce` header.",
}
"""What a developer does about each problem of an API."""


def api_problems() -> str:
    """Return every problem of the APIs: type, status, meaning and fix."""
    rows = [(f"`{type_}` {_status(type_)}", meaning_of(type_), FIXES[type_]) for type_ in sorted(types_of_the_apis())]
    return table(("problem type and status", "meaning", "what to do"), rows)


def types_of_the_apis() -> set[str]:
    """Return the types that an operation of an API declares, without the prefix of their URN."""
    return {type_ for api in ("admin", "account") for type_ in Reference(api).problem_types()}


def _status(type_: str) -> str:
    return status_of(type_) if type_ in PROTOCOL_TITLES else str(refusals()[type_].status_code)


PAGES = {
    "app-refused": (
        "The app sent an invalid request that cannot be answered to it: its client ID or redirect URI is unknown.",
        "`signet explain` with the error ID shows what the app sent. Correct the app, or its registration.",
    ),
    "request-gone": (
        "The sign-in was completed already, for example in another tab, or has expired.",
        "Set `initiate_login_uri` of the client, so that the page leads to it. See `SIGNET_REQUEST_LIFETIME`.",
    ),
    "trial-over": (
        "The trial sign-in of an operator timed out, or another browser started it.",
        'Start it again with "Try it" on the application\'s page in the console.',
    ),
    "page-expired": (
        "The form was on an old page, or on another site.",
        "If it happens often, check that your proxy passes on cookies.",
    ),
    "cookies-missing": ("The browser blocks cookies.", "Nothing. The user allows cookies for this site."),
    "forbidden": ("The user may not do this.", "Sign in as a user who may."),
    "role-required": (
        "The user has no role that opens this page of the console.",
        "Give the user a role that the page names, if they should have its permissions.",
    ),
    "more-permissions": (
        "The user, role or application has more permissions than the operator.",
        "Ask an operator with the role `admin`.",
    ),
    "not-found": ("The address is wrong, or the feature is turned off.", "Check `SIGNET_FEATURES`."),
    "method-not-allowed": ("A form was sent to a page that takes none.", "Nothing, or correct your link."),
    "malformed": ("The address or the form has text that is not valid.", "Nothing, or correct your link."),
    "too-large": ("A form or a file was larger than Signet accepts.", "Nothing."),
    "too-many-requests": (
        "Too many attempts were made for this account, from this network, or by all users.",
        "If many users see it, check `SIGNET_TRUSTED_PROXIES`, and the metric `signet_rate_limited_total`.",
    ),
    "unavailable": (
        "The database or another service is down, or the server is overloaded.",
        "Open `/health/ready`, and look for warnings in the log.",
    ),
    "crash": ("A bug in Signet.", "Look for the log event `crash` with the error ID as `request_id`, and report it."),
    "sign-in-elsewhere": (
        "The address is at a domain whose users sign in only with another provider.",
        "Look for the domain in the upstream providers (`is_required_for_domains`).",
    ),
    "unknown-user": (
        "A user of another provider has no account here, and the settings let nobody link or sign up.",
        "Create the account, or change `refuses_unknown_users`.",
    ),
    "not-of-organization": (
        "The user belongs to none of the organizations that the settings of another provider allow.",
        "Compare `hosted_domain`, `tenant` and `allowed_tenants` with the user's organization.",
    ),
    "upstream-away": ("Another provider does not answer.", "Look for the log event `upstream.unavailable`."),
    "upstream-declined": ("Another provider answered with an error.", "Look for the log event `upstream.declined`."),
    "upstream-untrusted": (
        "The response of another provider did not pass the checks.",
        "Look for the log event `upstream.invalid_response`. Check the clock and the settings of the provider.",
    ),
}
"""The pages for errors: when they are shown, and what the operator does with the error ID."""


def error_pages() -> str:
    rows = []
    for code, (when, advice) in PAGES.items():
        refusal = refusals()[code]
        rows.append((str(refusal.title), str(refusal.status_code), when, advice))
    return table(("title of the page", "status", "when", "what the operator does"), rows)
