"""The group `signet user`: the commands of other files, and those of second factors and remembered devices."""

from typing import Annotated

import typer

from provider.cli.installation import unit
from provider.cli.output import Json, print_rows, say
from provider.cli.user import attributes, commands, creating, imports
from provider.cli.user.commands import Who

app = commands.app
app.command()(creating.create)
app.command()(creating.invite)
app.command(name="import")(imports.import_users)
app.command(name="attributes")(attributes.show_attributes)
app.command(name="set-attributes")(attributes.set_attributes)
app.command(name="find")(attributes.find_users)


@app.command(name="passkeys")
def list_passkeys(who: Who, *, as_json: Json = False) -> None:
    """List the passkeys of a user.

    Example: signet user passkeys ada@example.com
    """
    from provider.accounts.factors import passkeys
    from provider.accounts.factors.authenticators import find_name
    from provider.accounts.users import get_user

    with unit() as work:
        rows = [
            {
                "id": one.id,
                "name": one.name,
                "authenticator": find_name(one.aaguid),
                "synced": one.is_synced,
                "created_at": one.created_at,
                "last_used_at": one.last_used_at,
            }
            for one in passkeys.find_of_user(work, get_user(work, who).id)
        ]
    print_rows(rows, ("id", "name", "authenticator", "synced", "created_at", "last_used_at"), as_json=as_json)


@app.command(name="remove-passkey")
def remove_passkey(
    who: Who,
    passkey: Annotated[str, typer.Argument(metavar="ID", help="ID of the passkey, from `signet user passkeys`.")],
    *,
    as_json: Json = False,
) -> None:
    """Remove a passkey of a user. Also ends their sessions and revokes the access of all apps.

    Example: signet user remove-passkey ada@example.com 019a0f6e-1f2b-7c3d-8e4f-5a6b7c8d9e0f
    """
    from provider.accounts.factors import removal
    from provider.accounts.factors.passkeys import NoSuchPasskey
    from provider.accounts.users import get_user
    from provider.database.base import parse_id

    passkey_id = parse_id(passkey)
    with unit() as work:
        user = get_user(work, who)
        if passkey_id is None:
            raise NoSuchPasskey
        removal.remove_passkey(work, user_id=user.id, passkey_id=passkey_id)
    say(f"Removed the passkey {passkey} of {who}.", {"id": user.id, "removed": passkey}, as_json=as_json)


@app.command(name="authenticator-apps")
def list_authenticator_apps(who: Who, *, as_json: Json = False) -> None:
    """List the authenticator apps of a user.

    Example: signet user authenticator-apps ada@example.com
    """
    from provider.accounts.factors import authenticator_apps
    from provider.accounts.factors.totp import name_of
    from provider.accounts.users import get_user

    with unit() as work:
        rows = [
            {
                "id": one.id,
                "name": str(name_of(one)),
                "created_at": one.confirmed_at,
                "last_used_at": one.last_used_at,
            }
            for one in authenticator_apps.find_of_user(work, get_user(work, who).id)
        ]
    print_rows(rows, ("id", "name", "created_at", "last_used_at"), as_json=as_json)


@app.command(name="remove-authenticator-app")
def remove_authenticator_app(
    who: Who,
    authenticator_app: Annotated[
        str, typer.Argument(metavar="ID", help="ID of the app, from `signet user authenticator-apps`.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Remove an authenticator app of a user.

    The user keeps another one. Also ends their sessions and revokes the access of all apps.

    Example: signet user remove-authenticator-app ada@example.com 019a0f6e-1f2b-7c3d-8e4f-5a6b7c8d9e0f
    """
    from provider.accounts.factors import removal
    from provider.accounts.factors.authenticator_apps import NoSuchAuthenticatorApp
    from provider.accounts.users import get_user
    from provider.database.base import parse_id

    app_id = parse_id(authenticator_app)
    with unit() as work:
        user = get_user(work, who)
        if app_id is None:
            raise NoSuchAuthenticatorApp
        removal.remove_authenticator_app(work, user_id=user.id, app_id=app_id)
    removed = {"id": user.id, "removed": authenticator_app}
    say(f"Removed the authenticator app {authenticator_app} of {who}.", removed, as_json=as_json)


@app.command(name="remembered-devices")
def list_remembered_devices(who: Who, *, as_json: Json = False) -> None:
    """List the devices that skip the second factor.

    Example: signet user remembered-devices ada@example.com
    """
    from provider.accounts.factors import remembered_devices
    from provider.accounts.users import get_user
    from provider.audit.devices import device_name

    with unit() as work:
        rows = [
            {
                "id": known.id,
                "device": str(device_name(known.user_agent or "")),
                "network": known.network,
                "created_at": one.created_at,
                "last_used_at": known.last_used_at,
                "expires_at": one.expires_at,
            }
            for known, one in remembered_devices.find_of_user(work, get_user(work, who).id)
        ]
    print_rows(rows, ("id", "device", "network", "created_at", "last_used_at", "expires_at"), as_json=as_json)


@app.command(name="remove-remembered-device")
def remove_remembered_device(
    who: Who,
    device: Annotated[
        str, typer.Argument(metavar="ID", help="ID of the device, from `signet user remembered-devices`.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Remove a remembered device. Its sessions stay.

    Example: signet user remove-remembered-device ada@example.com 019a0f6e-1f2b-7c3d-8e4f-5a6b7c8d9e0f
    """
    from provider.accounts.factors import remembered_devices
    from provider.accounts.factors.remembered_devices import NoSuchRememberedDevice
    from provider.accounts.users import get_user
    from provider.database.base import parse_id

    device_id = parse_id(device)
    with unit() as work:
        user = get_user(work, who)
        if device_id is None:
            raise NoSuchRememberedDevice
        remembered_devices.forget(work, user_id=user.id, device_id=device_id)
    say(f"Removed the remembered device {device} of {who}.", {"id": user.id, "removed": device}, as_json=as_json)
