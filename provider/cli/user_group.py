"""The group `signet user`, put together from the files of its commands."""

from provider.cli import user_import, user_passkeys, users

app = users.app
app.command(name="import")(user_import.import_users)
app.command(name="passkeys")(user_passkeys.list_passkeys)
app.command(name="remove-passkey")(user_passkeys.remove_passkey)
