"""The actions that operators take on a client as a whole. Editing its metadata is in `client_edit`."""

from collections.abc import Callable

from provider.admin.pages.actions import Action, Actions, ShownOnce, Subject
from provider.languages.text import Text
from provider.oauth.clients import clients
from provider.oauth.clients.clients import Client
from provider.web.call import Call
from provider.work import UnitOfWork


def _simply(do: Callable[[UnitOfWork, str], object]) -> Callable[[Call, Subject[Client]], None]:
    def carry_out(call: Call, subject: Subject[Client]) -> None:
        do(call.work, subject.value.client_id)

    return carry_out


def _rotate_secret(call: Call, subject: Subject[Client]) -> ShownOnce:
    secret = clients.rotate_secret(call.work, subject.value.client_id)
    return ShownOnce(
        title=Text("A new client secret"),
        told=Text("Hand it to the application's developer in a safe way. It is not shown again."),
        values={"client_id": subject.value.client_id, "client_secret": secret},
    )


ACTIONS: Actions[Client] = {
    "rotate-secret": Action(
        title=Text("Make a new secret"),
        button=Text("Make the secret"),
        means=(
            Text("The secret it has now works for another day, so that it can change over without a break."),
            Text("The new one is shown once."),
        ),
        done=Text("There is a new secret."),
        do=_rotate_secret,
        creates=True,
        is_available=lambda client: client.metadata.has_secret,
    ),
    "end-old-secrets": Action(
        title=Text("End the old secrets now"),
        button=Text("End them"),
        means=(Text("Of its secrets only the newest works from now on. For one that somebody else may have."),),
        done=Text("Only the newest secret works."),
        do=_simply(clients.end_retired_secrets),
        danger=True,
        is_available=lambda client: len(client.secrets) > 1,
    ),
    "disable": Action(
        title=Text("Disable the application"),
        button=Text("Disable"),
        means=(
            Text("Nobody can sign in to it, and it gets no tokens; what it holds stops working within a second."),
            Text("It can be enabled again, and finds everything as it was."),
        ),
        done=Text("The application is disabled."),
        do=_simply(clients.disable),
        danger=True,
        is_available=lambda client: not client.disabled,
    ),
    "enable": Action(
        title=Text("Enable the application"),
        button=Text("Enable"),
        means=(Text("People can sign in to it again, and the tokens it holds work again until they expire."),),
        done=Text("The application is enabled."),
        do=_simply(clients.enable),
        is_available=lambda client: client.disabled,
    ),
    "delete": Action(
        title=Text("Delete the application"),
        button=Text("Delete for good"),
        means=(
            Text("It goes at once, with its secrets, its tokens and what people allowed it. It cannot be undone."),
            Text("Disabling it is enough to shut it out."),
        ),
        done=Text("The application is deleted."),
        do=_simply(clients.delete_client),
        danger=True,
        leads_to="/admin/clients",
    ),
}
