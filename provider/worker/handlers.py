"""The handler of each outbox topic, and its retry policy."""

from collections.abc import Mapping

from provider.accounts.upstream_tokens import ending
from provider.federation import token_revocations
from provider.mail import messages, transport
from provider.oauth.ciba import notifications as pings
from provider.oauth.logout import back_channel as logout
from provider.operators.bulk import actions as bulk
from provider.operators.bulk import matching as bulk_matching
from provider.operators.imports import jobs as user_imports
from provider.operators.imports import store as imports
from provider.outbox.relay import Handler, RetryPolicy
from provider.provisioning import changes as provisioning
from provider.scim.outbound import jobs
from provider.sessions import listeners
from provider.signals import publish as signals
from provider.ssf import push
from provider.webhooks import delivery, notify

HANDLERS: Mapping[str, Handler] = {
    messages.TOPIC: transport.deliver,
    listeners.TOPIC: logout.deliver,
    notify.TOPIC: delivery.deliver,
    pings.TOPIC: pings.deliver,
    bulk.TOPIC: bulk.carry_out,
    bulk_matching.TOPIC: bulk_matching.carry_out,
    imports.TOPIC: user_imports.carry_out,
    ending.TOPIC: token_revocations.deliver,
    provisioning.TOPIC: jobs.deliver,
    signals.TOPIC: push.deliver,
}
"""The handler of each topic."""
POLICIES: Mapping[str, RetryPolicy] = {
    messages.TOPIC: transport.RETRIES,
    listeners.TOPIC: logout.RETRIES,
    notify.TOPIC: delivery.RETRIES,
    pings.TOPIC: pings.RETRIES,
    bulk.TOPIC: bulk.RETRIES,
    bulk_matching.TOPIC: bulk.RETRIES,
    imports.TOPIC: bulk.RETRIES,
    ending.TOPIC: token_revocations.RETRIES,
    provisioning.TOPIC: jobs.RETRIES,
    signals.TOPIC: push.RETRIES,
}
"""How long each topic's messages are retried."""
