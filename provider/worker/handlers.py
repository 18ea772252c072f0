"""The handler of each outbox topic, and its number of attempts."""

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
"""The handler of each topic."""
ATTEMPTS: Mapping[str, int] = {listeners.TOPIC: logout.ATTEMPTS, notify.TOPIC: delivery.ATTEMPTS}
"""The most attempts for topics that do not use `relay.MAX_ATTEMPTS`."""
