"""The claims of an application: the mappings that are for it, and what it would get for a user."""

import json

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.accounts.users import AmbiguousAddress, NoSuchUser, get_user
from provider.admin.guards import require_operator
from provider.admin.pages.clients.frame import client_page, find_client
from provider.admin.pages.declarations import claim_mappings
from provider.languages.text import Text
from provider.oauth.claim_mapping import store
from provider.oauth.clients.clients import Client
from provider.oauth.http.server import server_of
from provider.oauth.scopes import parse_scope
from provider.operators import claims_preview
from provider.operators.claims_preview import InvalidPreview
from provider.web.call import Call
from provider.web.endpoint import endpoint


@endpoint
def show_claims(call: Call) -> Response:
    """Show the mappings of a client, and preview its claims: GET /admin/clients/client/claims?client_id=&user=&scope=.

    A preview also needs the permission `users:read`.
    """
    operator = require_operator(call, Permission.APPLICATIONS_READ)
    client = find_client(call, operator).value
    user, scope = call.query.text("user").strip(), call.query.text("scope").strip()
    may_preview = operator.may(Permission.USERS_READ)
    errors: dict[str, str] = {}
    parts: list[tuple[Text, str | None]] = []
    if user and may_preview:
        try:
            parts = _preview(call, client, user, scope)
        except (NoSuchUser, AmbiguousAddress) as refusal:
            errors = {"user": refusal.message}
        except InvalidPreview as refusal:
            errors = {"scope": refusal.message}
    mappings = [
        (one, claim_mappings.url_of(one.name))
        for one in store.find_all(call.work.read)
        if one.client_id in (None, client.client_id) and (one.scope is None or one.scope in client.metadata.scopes)
    ]
    return client_page(
        call,
        client,
        "admin/client_claims.html",
        tab="claims",
        status_code=400 if errors else 200,
        mappings=mappings,
        may_preview=may_preview,
        user=user,
        scope=scope,
        errors=errors,
        parts=parts,
        add_url=f"{claim_mappings.PATH}/new",
    )


def _preview(call: Call, client: Client, user: str, scope: str) -> list[tuple[Text, str | None]]:
    """Return the heading and the JSON of each token and response. Raises NoSuchUser, AmbiguousAddress or
    InvalidPreview.
    """
    found = claims_preview.preview(
        call.work, server_of(call), client, user_id=get_user(call.work, user).id, scope=parse_scope(scope)
    )
    return [
        (label, None if claims is None else json.dumps(claims, indent=2, ensure_ascii=False))
        for place, label in claim_mappings.PLACES.items()
        for claims in (getattr(found, place.value),)
    ]
