"""The group `signet client`: the commands of other files, and the one that deletes an application."""

from provider.cli.client import access, commands, registration, secrets, sites
from provider.cli.client.commands import Which
from provider.cli.installation import unit
from provider.cli.output import Json, Yes, confirm, say

app = commands.app


@app.command()
def delete(client_id: Which, *, yes: Yes = False, as_json: Json = False) -> None:
    """Delete an application and all its data.

    Example: signet client delete CLIENT_ID --yes
    """
    from provider.oauth.clients import clients

    confirm(f"Permanently delete {client_id}?", yes=yes)
    with unit() as work:
        clients.delete_client(work, client_id)
    say(f"Deleted {client_id}.", {"client_id": client_id, "deleted": True}, as_json=as_json)


app.command()(access.access)
app.command()(sites.protect)
app.command(name="proxy-config")(sites.proxy_config)
app.command(name="preview-site")(sites.preview_site)
app.command(name="registration-token")(registration.registration_token)
app.command(name="rotate-secret")(secrets.rotate_secret)
app.command(name="end-old-secrets")(secrets.end_old_secrets)
