"""The webhooks in the console (docs/guides/webhooks.md): list, create, change, and replay events."""

from datetime import timedelta

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    Edit,
    Input,
    InvalidInput,
    ShownOnce,
    Subject,
    action_endpoint,
    available,
    done_message,
    require_version_seen,
    run_once,
)
from provider.admin.pages.conflicts import Record
from provider.audit.events import Event
from provider.crypto.digests import new_handle
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page
from provider.webhooks import store, subscriptions
from provider.webhooks.store import Webhook
from provider.webhooks.subscriptions import InvalidWebhook, NoSuchWebhook

PATH = "/admin/webhooks"
NEEDS = Permission.WEBHOOKS_WRITE
LONGEST_REPLAY = 24 * 90
"""How far back events can be replayed, in hours."""


def _secret(secret: str) -> ShownOnce:
    return ShownOnce(
        title=Text("Webhook secret"),
        told=Text("Your endpoint uses this secret to verify signatures. Copy it now: you can't see it again."),
        values={"secret": secret},
    )


def _rotate_secret(call: Call, subject: Subject[Webhook]) -> ShownOnce:
    store.lock(call.work.db, subject.value.id)
    require_version_seen(call, subscriptions.find(call.work, subject.value.id).sealed)
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
        title=Text("Rotate secret"),
        button=Text("Rotate secret"),
        means=(
            Text(
                "For 24 hours, events are signed with both secrets, so that your endpoint can switch without downtime."
            ),
        ),
        done=Text("Secret rotated."),
        do=_rotate_secret,
        creates=True,
        edits=Edit(
            lambda webhook: webhook.sealed,
            lambda webhook: Record(Event.WEBHOOK_SECRET_ROTATED, detail=("webhook", webhook.id)),
        ),
    ),
    "replay": Action(
        title=Text("Replay events"),
        button=Text("Replay events"),
        means=(
            Text(
                "Past events are sent again, at most 10,000. They keep their IDs, so your endpoint can skip those it "
                "already has."
            ),
        ),
        done=Text("Events queued for replay."),
        do=_replay,
        inputs=(Input("hours", Text("Hours to go back"), shown=lambda _webhook: "24"),),
        is_available=lambda webhook: webhook.disabled_at is None,
    ),
    "disable": Action(
        title=Text("Disable webhook"),
        button=Text("Disable"),
        means=(Text("No more events are sent. Waiting deliveries are canceled."),),
        done=Text("Webhook disabled."),
        do=_disable,
        is_available=lambda webhook: webhook.disabled_at is None,
    ),
    "enable": Action(
        title=Text("Enable webhook"),
        button=Text("Enable"),
        means=(Text("New events are sent from now on. To send the events it missed, replay them."),),
        done=Text("Webhook enabled."),
        do=_enable,
        is_available=lambda webhook: webhook.disabled_at is not None,
    ),
    "delete": Action(
        title=Text("Delete webhook"),
        button=Text("Delete"),
        means=(Text("The webhook and its secret are deleted. No more events are sent."),),
        done=Text("Webhook deleted."),
        do=_delete,
        danger=True,
    ),
}


@endpoint
def list_webhooks(call: Call) -> Response:
    return _list(call, require_operator(call, Permission.WEBHOOKS_READ))


@endpoint
def create_webhook(call: Call) -> Response:
    """Create a webhook and show its secret: POST /admin/webhooks."""
    operator = require_operator(call, NEEDS)
    url, wanted = call.form.text("url"), call.form.text("events").split()
    try:
        shown = run_once(call, operator, lambda: _secret(subscriptions.create(call.work, url=url, events=wanted)[1]))
    except InvalidWebhook as refusal:
        return _list(call, operator, errors={"events" if "no event" in refusal.message else "url": refusal.message})
    subject = Subject(url, PATH, None, operator)
    return page(call, "admin/shown_once.html", here="webhooks", subject=subject, shown=shown)


def find_webhook(call: Call, operator: Operator) -> Subject[Webhook]:
    """Return the webhook named by the path, as a Subject. Raises NoSuchWebhook."""
    webhook_id = parse_id(call.path_params["webhook_id"])
    if webhook_id is None:
        raise NoSuchWebhook
    webhook = subscriptions.find(call.work, webhook_id)
    return Subject(webhook.url, PATH, webhook, operator)


act_on_webhook = action_endpoint(find_webhook, ACTIONS, here="webhooks", needs=NEEDS)


def _list(call: Call, operator: Operator, *, errors: dict[str, str] | None = None) -> Response:
    return page(
        call,
        "admin/webhooks.html",
        status_code=400 if errors else 200,
        webhooks=[
            (webhook, available(ACTIONS, webhook, NEEDS, operator)) for webhook in store.find_all(call.work.read)
        ],
        typed={name: call.form.text(name) for name in ("url", "events")},
        done=done_message(call, ACTIONS),
        idempotency_key=new_handle(),
        errors=errors or {},
    )
