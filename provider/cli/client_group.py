"""The group `signet client`, put together from the files of its commands."""

from provider.cli import client_removal, client_secrets, clients, registration

app = clients.app
app.command(name="delete")(client_removal.delete)
app.command(name="registration-token")(registration.registration_token)
app.command(name="rotate-secret")(client_secrets.rotate_secret)
app.command(name="end-old-secrets")(client_secrets.end_old_secrets)
