"""What delivers each topic of the outbox, and how often it is tried."""

from collections.abc import Mapping

from provider.mail import messages, transport
from provider.oauth.logout import back_channel as logout
from provider.outbox.relay import Handler
from provider.sessions import listeners
from provider.webhooks import delivery, notify

HANDLERS: Mapping[str, Handler] = {
    messages.TOPIC: transport.deliver,
    listeners.TOPIC: logout.deliver,
    notify.TOPIC: delivery.deliver,
}
"""Topic -> what delivers it."""
ATTEMPTS: Mapping[str, int] = {listeners.TOPIC: logout.ATTEMPTS, notify.TOPIC: delivery.ATTEMPTS}
"""Topic -> the most attempts, where they are not `relay.MAX_ATTEMPTS`."""
