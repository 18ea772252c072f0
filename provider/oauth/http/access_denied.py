"""The page for a user who may not sign in to an app: why not, and whom to ask."""

from functools import partial

from starlette.responses import Response

from provider.accounts.store import email_addresses
from provider.destination import App
from provider.oauth.authorize.access_policy import Denial, require_access
from provider.oauth.checks import Checks
from provider.oauth.clients.clients import Client
from provider.oauth.errors import AccessDeniedError
from provider.oauth.explanations import explain
from provider.web.call import Call
from provider.web.pages import page


def denied_page(
    call: Call,
    client: Client,
    denied: Denial,
    *,
    user_id: str,
    somebody_else: str,
    app: App | None = None,
    form_targets: tuple[str, ...] = (),
) -> Response:
    """Show that the user may not sign in to the app. `app` is there if its request can be answered with that.

    The explanation is kept under the error ID that the page shows.
    """
    checks = Checks("authorization", client.client_id)
    try:
        require_access(checks, denied, error=AccessDeniedError)
    except AccessDeniedError as error:
        call.work.after_commit.append(partial(explain, call.installation, call.origin, error))
    address = email_addresses.find_of_user(call.work.read, user_id)
    return page(
        call,
        "oauth/access_denied.html",
        status_code=403,
        form_targets=form_targets,
        name=client.name if client.is_vouched_for else client.host,
        reason=denied.text,
        contacts=client.metadata.contacts if client.is_vouched_for else (),
        account=address.address if address else user_id,
        somebody_else=somebody_else,
        app=app,
        error_id=call.request_id,
    )
