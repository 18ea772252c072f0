"""Every examination, in the order of the report."""

from collections.abc import Collection

from provider.doctor.address import ADDRESS
from provider.doctor.attack.examination import ATTACK
from provider.doctor.browser import BROWSER
from provider.doctor.clock import CLOCK
from provider.doctor.connected.examinations import CONNECTED
from provider.doctor.edge.nodes import EDGE_NODES
from provider.doctor.edge.paths import EDGE_PATHS
from provider.doctor.edge.responses import EDGE_RESPONSES
from provider.doctor.examination import Examination, Group
from provider.doctor.inside import INSIDE
from provider.doctor.limits import LIMITS
from provider.doctor.machine import MACHINE
from provider.doctor.mail import MAIL
from provider.doctor.metadata import METADATA
from provider.doctor.proxy import PROXY
from provider.doctor.public_answers import PUBLIC_ANSWERS
from provider.doctor.same_metadata import SAME_METADATA
from provider.doctor.stores.databases import DATABASES
from provider.doctor.stores.redis_server import REDIS_SERVER
from provider.doctor.tls import TLS

EXAMINATIONS: tuple[Examination, ...] = (
    *ADDRESS,
    *TLS,
    *PROXY,
    *PUBLIC_ANSWERS,
    *LIMITS,
    *EDGE_PATHS,
    *EDGE_RESPONSES,
    *EDGE_NODES,
    *BROWSER,
    *SAME_METADATA,
    *METADATA,
    *CLOCK,
    *MAIL,
    *REDIS_SERVER,
    *DATABASES,
    *INSIDE,
    *MACHINE,
    *CONNECTED,
    *ATTACK,
)


def choose(groups: Collection[Group]) -> list[Examination]:
    """Return the examinations of these groups, or all if there are none, in the order of the groups."""
    order = list(Group)
    found = [each for each in EXAMINATIONS if not groups or each.group in groups]
    return sorted(found, key=lambda each: order.index(each.group))
