"""The commands `signet client rotate-secret` and `end-old-secrets`. Two secrets are valid while an application switches
to the new one.
"""

from provider.cli.client.commands import Which
from provider.cli.installation import unit
from provider.cli.output import Json, say


def rotate_secret(client_id: Which, *, as_json: Json = False) -> None:
    """Create a new client secret. The previous one works for one more day.

    Example: signet client rotate-secret CLIENT_ID
    """
    from provider.oauth.clients import secret_rotation

    with unit() as work:
        secret = secret_rotation.rotate_secret(work, client_id)
    told = f"client_secret  {secret}\nThe secret is not shown again. The previous secret works for one more day."
    say(told, {"client_id": client_id, "client_secret": secret}, as_json=as_json)


def end_old_secrets(client_id: Which, *, as_json: Json = False) -> None:
    """Revoke all client secrets except the newest. Use it after a leak, or once the app has the new secret.

    Example: signet client end-old-secrets CLIENT_ID
    """
    from provider.oauth.clients import secret_rotation

    with unit() as work:
        secret_rotation.end_retired_secrets(work, client_id)
    say(f"Revoked all secrets of {client_id} except the newest.", {"client_id": client_id}, as_json=as_json)
