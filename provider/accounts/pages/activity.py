"""The activity page, and the page to report activity that was not the user's own."""

import uuid
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts import compromise_report
from provider.accounts.activity import (
    KINDS,
    MOST,
    Entry,
    find_activity,
    find_apps,
    find_usual_networks,
    network_of,
)
from provider.accounts.compromise_report import Plan
from provider.accounts.store import email_addresses
from provider.sessions.cookie import forget_session
from provider.sessions.guards import require_user
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page
from provider.work import UnitOfWork

PATH, SECURED = "/account/activity", "/account-secured"


@endpoint
def activity(call: Call) -> Response:
    """Show the user's activity, latest first: GET /account/activity?kind=&app=&after=."""
    session = require_user(call)
    user_id = session.user_id
    apps = {client_id: call.services.name_app(call.work, client_id) for client_id in find_apps(call.work, user_id)}
    kind, app = call.query.get("kind"), call.query.get("app")
    kind, app = kind if kind in KINDS else None, app if app in apps else None
    after = _position(call.query.get("after"))
    entries = find_activity(call.work, user_id, kind=kind, client_id=app, after=after, limit=MOST + 1)
    shown = entries[:MOST]
    usual = {*find_usual_networks(call.work, user_id), network_of(call.work, call.origin.network)}
    return page(
        call,
        "accounts/activity.html",
        entries=shown,
        apps=apps,
        kinds=KINDS,
        kind=kind or "",
        app=app or "",
        usual={entry.network for entry in shown if network_of(call.work, entry.network) in usual},
        further=_further(shown[-1], kind=kind, app=app) if len(entries) > MOST else None,
        is_first=after is None,
        now=call.work.now,
    )


def _further(last: Entry, **filters: str | None) -> str:
    chosen = {name: value for name, value in filters.items() if value}
    return f"{PATH}?{urlencode({**chosen, 'after': f'{last.at.isoformat()}_{last.id}'})}"


def _position(text: str | None) -> tuple[datetime, str] | None:
    """Return where the previous page ended. None, the first page, if it cannot be read."""
    at, _, event_id = (text or "").partition("_")
    try:
        moment, event = datetime.fromisoformat(at), uuid.UUID(event_id)
    except ValueError:
        return None
    return None if moment.tzinfo is None else (moment, str(event))


@endpoint
def show_not_me(call: Call) -> Response:
    """Show what the report will do, and its button: GET /account/activity/not-me."""
    session = require_user(call)
    address = email_addresses.find_of_user(call.work.read, session.user_id)
    normal = None if address is None else address.normal
    plan = compromise_report.plan_report(call.work, user_id=session.user_id, normal=normal)
    return page(call, "accounts/not_me.html", plan=plan)


@endpoint
def not_me(call: Call) -> Response:
    """Report that another person used the account: POST /account/activity/not-me.

    It asks for no password, because it only removes access, and the email goes to the account's own address.
    """
    session = require_user(call)
    done = compromise_report.report(call.work, user_id=session.user_id)
    forget_session(call)
    return go(page_after(call.work, done))


def page_after(work: UnitOfWork, done: Plan) -> str:
    """Return the page after a report, which says how the user gets back. No one is signed in any more there."""
    if done.emails_link:
        return SECURED
    ticket = {"provider": done.provider}
    sealed = work.vault.seal(ticket, purpose="account-secured", now=work.now, lifetime=work.settings.request_lifetime)
    return f"{SECURED}?ticket={sealed}"


@endpoint
def secured(call: Call) -> Response:
    """Show how the user gets back after a report: GET /account-secured?ticket=.

    Without a ticket, or after its time, that is by the email, where passwords are reset by email.
    """
    text = call.query.get("ticket")
    ticket = None if not text else call.work.vault.unseal(text, purpose="account-secured", now=call.work.now)
    emails_link = ticket is None and call.settings.has("reset-passwords")
    provider = None if ticket is None else ticket["provider"]
    return page(call, "accounts/secured.html", emails_link=emails_link, provider=provider)
