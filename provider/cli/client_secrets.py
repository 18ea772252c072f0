"""signet client rotate-secret, end-old-secrets: two secrets are valid while an application changes over."""

from provider.cli.clients import Which
from provider.cli.installation import unit
from provider.cli.output import Json, say


def rotate_secret(client_id: Which, *, as_json: Json = False) -> None:
    """A new secret; the one before works for another day.

    Example: signet client rotate-secret CLIENT_ID
    """
    from provider.oauth.clients import clients

    with unit() as work:
        secret = clients.rotate_secret(work, client_id)
    told = f"client_secret  {secret}\nThe secret is not shown again. The one before works for another day."
    say(told, {"client_id": client_id, "client_secret": secret}, as_json=as_json)


def end_old_secrets(client_id: Which, *, as_json: Json = False) -> None:
    """Only the newest secret works from now on, for somebody else may have the ones before.

    Example: signet client end-old-secrets CLIENT_ID
    """
    from provider.oauth.clients import clients

    with unit() as work:
        clients.end_retired_secrets(work, client_id)
    say(f"Of {client_id} only the newest secret works.", {"client_id": client_id}, as_json=as_json)
