"""The commands `signet client rotate-secret` and `end-old-secrets`. Two secrets are valid while an application switches
to the new one.
"""

from provider.cli.clients import Which
from provider.cli.installation import unit
from provider.cli.output import Json, say


def rotate_secret(client_id: Which, *, as_json: Json = False) -> None:
    """Rotate the client secret. The previous one works for one more day.

    Example: signet client rotate-secret CLIENT_ID
    """
    from provider.oauth.clients import secret_rotation

    with unit() as work:
        secret = secret_rotation.rotate_secret(work, client_id)
    told = f"client_secret  {secret}\nThe secret is not shown again. The one before works for another day."
    say(told, {"client_id": client_id, "client_secret": secret}, as_json=as_json)


def end_old_secrets(client_id: Which, *, as_json: Json = False) -> None:
    """End all previous client secrets immediately, for example because they leaked. Only the newest one keeps working.

    Example: signet client end-old-secrets CLIENT_ID
    """
    from provider.oauth.clients import secret_rotation

    with unit() as work:
        secret_rotation.end_retired_secrets(work, client_id)
    say(f"Of {client_id} only the newest secret works.", {"client_id": client_id}, as_json=as_json)
