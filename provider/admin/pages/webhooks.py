"""The webhooks in the console (docs/guides/webhooks.md): list, create, change, and replay events."""

from datetime import timedelta

from starlette.responses import Response

from provider.admin.guards import require_operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    Input,
    InvalidInput,
    ShownOnce,
    Subject,
    action_endpoint,
    available,
    done_message,
    run_once,
)
from provider.crypto.digests import new_handle
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page
from provider.webhooks import store, subscriptions
from provider.webhooks.store import Webhook
from provider.webhooks.subscriptions import InvalidWebhook, NoSuchWebhook

PATH = "/admin/webhooks"
LONGEST_REPLAY = 24 * 90
"""How far back events can be replayed, in hours."""


def _secret(secret: str) -> ShownOnce:
    return ShownOnce(
        title=Text("The secret of the webhook"),
        told=Text("Its receiver checks signatures with it. It is not shown again."),
        values={"secret": secret},
    )


def _rotate_secret(call: Call, subject: Subject[Webhook]) -> ShownOnce:
    return _secret(subscriptions.rotate_secret(call.work, subject.value.id))


def _disable(call: Call, subject: Subject[Webhook]) -> None:
    subscriptions.disable(call.work, subject.value.id)


def _enable(call: Call, subject: Subject[Webhook]) -> None:
    subscriptions.enable(call.work, subject.value.id)


def _delete(call: Call, subject: Subject[Webhook]) -> None:
    subscriptions.delete(call.work, subject.value.id)


def _replay(call: Call, subject: Subject[Webhook]) -> None:
    text = call.form.text("hours")
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 0 < int(text) <= LONGEST_REPLAY):
        raise InvalidInput("hours", Text("Enter a number of hours from 1 to %(most)s.", most=LONGEST_REPLAY))
    subscriptions.replay(call.work, subject.value.id, since=call.work.now - timedelta(hours=int(text)))


ACTIONS: Actions[Webhook] = {
    "rotate-secret": Action(
        title=Text("Make a new secret"),
        button=Text("Make the secret"),
        means=(Text("For a day events are signed with the old one too, so that the receiver can change over."),),
        done=Text("There is a new secret."),
        do=_rotate_secret,
        creates=True,
    ),
    "replay": Action(
        title=Text("Tell it again"),
        button=Text("Tell it again"),
        means=(Text("Events keep their ids, so a receiver knows what it has. At most 10,000 of them."),),
        done=Text("It is told again."),
        do=_replay,
        inputs=(Input("hours", Text("What happened in the last so many hours"), shown=lambda _webhook: "24"),),
        is_available=lambda webhook: webhook.disabled_at is None,
    ),
    "disable": Action(
        title=Text("Disable"),
        button=Text("Disable"),
        means=(Text("It is told nothing more, and what is under way is given up."),),
        done=Text("The webhook is disabled."),
        do=_disable,
        is_available=lambda webhook: webhook.disabled_at is None,
    ),
    "enable": Action(
        title=Text("Enable"),
        button=Text("Enable"),
        means=(Text("It is told what happens from now on. What happened meanwhile can be told again."),),
        done=Text("The webhook is enabled."),
        do=_enable,
        is_available=lambda webhook: webhook.disabled_at is not None,
    ),
    "delete": Action(
        title=Text("Delete"),
        button=Text("Delete it"),
        means=(Text("It is told nothing more, and forgotten with its secret."),),
        done=Text("The webhook is deleted."),
        do=_delete,
        danger=True,
    ),
}


@endpoint
def list_webhooks(call: Call) -> Response:
    require_operator(call)
    return _list(call)


@endpoint
def create_webhook(call: Call) -> Response:
    """Create a webhook and show its secret: POST /admin/webhooks."""
    operator = require_operator(call)
    url, wanted = call.form.text("url"), call.form.text("events").split()
    try:
        shown = run_once(call, operator, lambda: _secret(subscriptions.create(call.work, url=url, events=wanted)[1]))
    except InvalidWebhook as refusal:
        return _list(call, errors={"events" if "no event" in refusal.message else "url": refusal.message})
    subject = Subject(url, PATH, None, operator)
    return page(call, "admin/shown_once.html", here="webhooks", subject=subject, shown=shown)


def find_webhook(call: Call, operator: Session) -> Subject[Webhook]:
    """Return the webhook named by the path, as a Subject. Raises NoSuchWebhook."""
    webhook_id = parse_id(call.path_params["webhook_id"])
    if webhook_id is None:
        raise NoSuchWebhook
    webhook = subscriptions.find(call.work, webhook_id)
    return Subject(webhook.url, PATH, webhook, operator)


act_on_webhook = action_endpoint(find_webhook, ACTIONS, here="webhooks")


def _list(call: Call, *, errors: dict[str, str] | None = None) -> Response:
    return page(
        call,
        "admin/webhooks.html",
        status_code=400 if errors else 200,
        webhooks=[(webhook, available(ACTIONS, webhook)) for webhook in store.find_all(call.work.read)],
        typed={name: call.form.text(name) for name in ("url", "events")},
        done=done_message(call, ACTIONS),
        idempotency_key=new_handle(),
        errors=errors or {},
    )
