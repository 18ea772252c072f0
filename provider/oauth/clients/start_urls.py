"""Where a user starts again at an app, from its registered metadata only. Pure."""

from urllib.parse import urlsplit

from authlib.common.urls import add_params_to_uri

from provider.oauth.clients.clients import Client


def login_initiation_url(client: Client, *, issuer: str) -> str | None:
    """Return the URL at which the app begins a sign-in here by itself (OIDC Core section 4), or None.

    A user is sent there without a question, so an app that registered itself has none.
    """
    registered = client.metadata.initiate_login_uri
    if registered is None or not client.is_vouched_for:
        return None
    url: str = add_params_to_uri(registered, [("iss", issuer)])
    return url


def start_url(client: Client, *, issuer: str) -> str | None:
    """Return the URL behind a button that leads to the app, or None if it registered none.

    An app that registered itself may only name a page on the host that users are shown.
    """
    url = login_initiation_url(client, issuer=issuer) or client.metadata.client_uri
    if url is None or client.is_vouched_for:
        return url
    return url if client.host and urlsplit(url).hostname == client.host else None
