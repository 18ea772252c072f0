"""The actions that operators take on a client as a whole. Editing its metadata is in `client_edit`."""

from collections.abc import Callable

from provider.admin.pages.actions import Action, Actions, Edit, ShownOnce, Subject, require_version_seen
from provider.admin.pages.conflicts import Record
from provider.audit.events import Event
from provider.languages.text import Text
from provider.oauth.clients import clients, secret_rotation
from provider.oauth.clients.clients import Client, NoSuchClient
from provider.oauth.clients.store import clients as store
from provider.web.call import Call
from provider.work import UnitOfWork


def _simply(do: Callable[[UnitOfWork, str], object]) -> Callable[[Call, Subject[Client]], None]:
    def carry_out(call: Call, subject: Subject[Client]) -> None:
        do(call.work, subject.value.client_id)

    return carry_out


def _secrets(client: Client) -> list[str]:
    return sorted(secret.digest.hex() for secret in client.secrets)


def _require_secrets_seen(call: Call, client_id: str) -> None:
    """Check that nobody rotated the secret meanwhile. Else the newest one would be retired, or the one in use revoked,
    before anyone used the new one. Raises ChangedMeanwhile or NoSuchClient.
    """
    client = clients.find_client(call.work, client_id) if store.lock(call.work.db, client_id) else None
    if client is None:
        raise NoSuchClient
    require_version_seen(call, _secrets(client))


def _end_old_secrets(call: Call, subject: Subject[Client]) -> None:
    _require_secrets_seen(call, subject.value.client_id)
    secret_rotation.end_retired_secrets(call.work, subject.value.client_id)


def _rotate_secret(call: Call, subject: Subject[Client]) -> ShownOnce:
    _require_secrets_seen(call, subject.value.client_id)
    secret = secret_rotation.rotate_secret(call.work, subject.value.client_id)
    return ShownOnce(
        title=Text("New client secret"),
        told=Text("Copy the secret now and share it securely with the developer. You can't see it again."),
        values={"client_id": subject.value.client_id, "client_secret": secret},
    )


SECRETS: Edit[Client] = Edit(_secrets, lambda client: Record(Event.CLIENT_SECRET_ROTATED, client_id=client.client_id))
ACTIONS: Actions[Client] = {
    "rotate-secret": Action(
        title=Text("Rotate secret"),
        button=Text("Rotate secret"),
        means=(
            Text("The current secret keeps working for 24 hours, so the application can switch without downtime."),
            Text("The new secret is shown only once."),
        ),
        done=Text("Secret rotated."),
        do=_rotate_secret,
        creates=True,
        edits=SECRETS,
        is_available=lambda client: client.metadata.has_secret,
    ),
    "end-old-secrets": Action(
        title=Text("Revoke old secrets"),
        button=Text("Revoke old secrets"),
        means=(Text("Only the newest secret will work. Do this if an old secret may have leaked."),),
        done=Text("Old secrets revoked."),
        do=_end_old_secrets,
        edits=SECRETS,
        danger=True,
        is_available=lambda client: len(client.secrets) > 1,
    ),
    "disable": Action(
        title=Text("Disable application"),
        button=Text("Disable"),
        means=(
            Text(
                "Users can't sign in to it, and it gets no new tokens. Its existing tokens stop working within a "
                "second."
            ),
            Text("You can enable it again at any time. Nothing is deleted."),
        ),
        done=Text("Application disabled."),
        do=_simply(clients.disable),
        danger=True,
        is_available=lambda client: not client.disabled,
    ),
    "enable": Action(
        title=Text("Enable application"),
        button=Text("Enable"),
        means=(Text("Users can sign in to it again. Its existing tokens work again until they expire."),),
        done=Text("Application enabled."),
        do=_simply(clients.enable),
        is_available=lambda client: client.disabled,
    ),
    "delete": Action(
        title=Text("Delete application"),
        button=Text("Delete permanently"),
        means=(
            Text(
                "The application is deleted immediately, with its secrets, tokens and user consents. This can't be "
                "undone."
            ),
            Text("To block access without losing data, disable it instead."),
        ),
        done=Text("Application deleted."),
        do=_simply(clients.delete_client),
        danger=True,
        leads_to="/admin/clients",
    ),
}
