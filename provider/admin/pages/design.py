"""The parts that pages are made of, for those who develop Signet: each in light and dark mode, and 320 pixels wide.

The pages exist only if the issuer is a loopback address.
"""

import re
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.accounts.store.users import Status
from provider.admin.guards import require_operator
from provider.admin.pages.actions import Action
from provider.admin.pages.branding import DARK_MODE, preview_look
from provider.admin.pages.event_list import event_list
from provider.audit import hourly, store
from provider.destination import App
from provider.languages.text import Text
from provider.oauth.authorize.permissions import permissions_of
from provider.operators.overview import charts
from provider.resources import TEMPLATES
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import page

ICONS = sorted(set(re.findall(r'name == "(\w+)"', (TEMPLATES / "macros/icons.html").read_text("utf-8"))))
COLORS = (
    "accent",
    "link",
    "seal",
    "paper",
    "card",
    "tint",
    "ink",
    "soft-ink",
    "line",
    "field-line",
    "bad",
    "good",
    "note",
)
"""Custom properties of signet.css."""
AN_ORDINARY_DAY = (4, 7, 12, 14, 16, 18, 25, 36, 43, 41, 33, 26, 31, 40, 44, 38, 21, 9, 3, 1, 0, 1, 1, 2)
APP = App(
    "quill",
    "Quill",
    "quill.example.com",
    is_vouched_for=False,
    policy_uri="https://quill.example.com/privacy",
    tos_uri="https://quill.example.com/terms",
)


def _nothing(_call: Call, _subject: object) -> None:
    """Do nothing: the action is only shown."""


def _action(title: str, *, danger: bool = False) -> Action[None]:
    return Action(title=Text(title), button=Text(title), means=(), done=Text(title), do=_nothing, danger=danger)


ACTIONS = {"rename": _action("Rename"), "move": _action("Move"), "delete": _action("Delete", danger=True)}


@endpoint
def show_design(call: Call) -> Response:
    """Show all parts in frames: GET /admin/design."""
    require_operator(call, Permission.OVERVIEW_READ)
    return page(call, "demo/design.html", frame_sources=("'self'",))


@endpoint
def show_parts(call: Call) -> Response:
    """Show all parts in one color scheme: GET /admin/design/parts?scheme=."""
    require_operator(call, Permission.OVERVIEW_READ)
    work, scheme = call.work, call.query.get("scheme")
    until = hourly.hour_of(work.now)
    good = {until - timedelta(hours=ago): count for ago, count in enumerate(reversed(AN_ORDINARY_DAY))}
    bad = {hour: count // 6 for hour, count in good.items()}
    day = charts.SPANS["24h"]
    own: dict[str, Any] = {} if scheme is None else {"look": preview_look(call.settings, is_dark=scheme == DARK_MODE)}
    return page(
        call,
        "demo/design_parts.html",
        framed_here=True,
        icons=ICONS,
        colors=COLORS,
        statuses=list(Status),
        actions=ACTIONS,
        app=APP,
        where=destination(call, {}, app=APP),
        permissions=permissions_of(["openid", "profile", "email", "offline_access"]),
        chart=charts.sum_chart(day.unit, charts.periods(day, work.now), good, bad),
        width=charts.WIDTH,
        height=charts.HEIGHT,
        now=work.now,
        **event_list(call, store.find(work.read, limit=3)),
        **own,
    )
