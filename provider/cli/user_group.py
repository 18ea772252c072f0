"""The group `signet user`, put together from the files of its commands."""

from provider.cli import user_import, users

app = users.app
app.command(name="import")(user_import.import_users)
