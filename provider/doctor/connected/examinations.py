"""The examinations of connected systems."""

from provider.doctor.connected import receivers, upstreams
from provider.doctor.examination import Examination, Group, Needs

CONNECTED = (
    Examination(
        "upstreams",
        Group.CONNECTED,
        f"Asks {upstreams.MOST} upstream providers at most for discovery and keys, and redeems an invented code with "
        "the client secret.",
        upstreams.examine,
        Needs.DATABASE,
        seconds=90.0,
    ),
    Examination(
        "scim-services",
        Group.CONNECTED,
        "Asks the SCIM services of apps for their configuration.",
        receivers.scim_services,
        Needs.DATABASE,
        seconds=60.0,
    ),
    Examination(
        "signal-receivers",
        Group.CONNECTED,
        "Reads how events were taken, and asks receivers with OPTIONS.",
        receivers.signal_receivers,
        Needs.DATABASE,
        seconds=60.0,
    ),
    Examination(
        "webhooks",
        Group.CONNECTED,
        "Reads which events could not be delivered, and asks endpoints with OPTIONS.",
        receivers.webhook_receivers,
        Needs.DATABASE,
        seconds=60.0,
    ),
    Examination(
        "client-keys",
        Group.CONNECTED,
        "Fetches the keys that clients publish.",
        receivers.client_keys,
        Needs.DATABASE,
        seconds=60.0,
    ),
)
