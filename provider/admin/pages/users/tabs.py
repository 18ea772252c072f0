"""The tabs of a user's page, each with a URL of its own: overview, security, sessions, apps and activity."""

from datetime import datetime

from starlette.responses import Response

from provider.accounts import known_devices, throttle
from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.factors import authenticator_apps, passkeys, policy, remembered_devices, second_factor
from provider.accounts.factors.authenticators import find_name
from provider.accounts.pages.attribute_form import fields_of
from provider.accounts.store import passwords
from provider.accounts.store.failures import Counter
from provider.accounts.throttle import PASSWORD, SECOND_FACTOR
from provider.admin.pages.clients.provisioning import RESOURCE_STATES
from provider.admin.pages.event_list import event_list
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.admin.pages.users.details import UserDetails
from provider.admin.pages.users.frame import OVERVIEW, find_shown, user_page
from provider.admin.pages.users.profile import groups_of
from provider.audit import store as audit
from provider.audit.devices import device_name
from provider.audit.events import Event
from provider.oauth.authorization_details.wording import describe_stored
from provider.oauth.clients.store import clients
from provider.oauth.tokens.store import active_grants
from provider.operators.audit import audit_log
from provider.operators.audit.audit_log import Filters
from provider.provisioning.store import resources
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.work import UnitOfWork

LATEST = 10
"""How many events the security tab shows. The activity tab has all of them."""
MOST_GRANTS = 100
"""For how many grants the tab of apps links to the timeline."""
SECURITY_EVENTS = tuple(
    event
    for event in Event
    if event.startswith(
        (
            "account.password.",
            "account.two_factor.",
            "account.recovery_code",
            "account.authenticator_app.",
            "account.passkey.",
            "account.remembered_device.",
            "account.identity.",
            "account.email.",
            "account.intrusion.",
            "account.suspended",
            "account.restored",
            "account.link.",
            "account.roles.",
            "account.groups.",
            "session.sign_in.failed",
            "session.second_factor.failed",
            "session.new_device",
            "session.all_ended",
        )
    )
)
"""The events that matter for the security of an account. A sign-in that went as usual isn't one."""


@endpoint
def show_user(call: Call) -> Response:
    """Show a user at a glance, and what can be done: GET /admin/users/{user_id}."""
    subject = find_shown(call)
    attributes = values.find_of_user(call.work, subject.value.user.id, seen_by=Editor.OPERATOR)
    return user_page(
        call,
        subject,
        "admin/user.html",
        attributes=fields_of(attributes, editor=Editor.OPERATOR, place=Place.ADMIN),
        has_terms=call.settings.terms_version is not None,
        tab=OVERVIEW,
        groups=groups_of(subject.value.user.claims),
    )


@endpoint
def show_security(call: Call) -> Response:
    """Show how the account is protected: GET /admin/users/{user_id}/security."""
    subject, work = find_shown(call), call.work
    user_id = subject.value.user.id
    factors = second_factor.export(work, user_id)
    apps = authenticator_apps.find_of_user(work, user_id)
    return user_page(
        call,
        subject,
        "admin/user_security.html",
        tab="security",
        password_changed_at=passwords.find_time(work.read, user_id),
        two_factor_since=factors["on_since"] or factors["on_with_passkeys_since"],
        requirement=policy.find_requirement(work, user_id),
        authenticator_apps=apps,
        may_remove_app=authenticator_apps.may_remove(work, user_id, apps),
        passkeys=[(one, find_name(one.aaguid)) for one in passkeys.find_of_user(work, user_id)],
        remembered_until={known.id: one.expires_at for known, one in remembered_devices.find_of_user(work, user_id)},
        devices=[(one, device_name(one.user_agent or "")) for one in known_devices.find_of_user(work, user_id)],
        failed_passwords=_failed_passwords(work, subject.value),
        failed_codes=throttle.find_counter(work, SECOND_FACTOR, user_id),
        codes_ceiling=SECOND_FACTOR.ceiling,
        **event_list(call, audit.find(work.read, user_id=user_id, names=SECURITY_EVENTS, limit=LATEST)),
    )


@endpoint
def show_sessions(call: Call) -> Response:
    """List the user's sessions: GET /admin/users/{user_id}/sessions."""
    subject = find_shown(call)
    return user_page(
        call,
        subject,
        "admin/user_sessions.html",
        tab="sessions",
        sessions=[(session, device_name(session.user_agent)) for session in subject.value.sessions],
    )


@endpoint
def show_apps(call: Call) -> Response:
    """List the applications with access to the account, the authorization details that the user allowed, and the state
    of the user at applications that users are provisioned to: GET /admin/users/{user_id}/apps.
    """
    subject = find_shown(call)
    detailed = [(app.name, describe_stored(call.work, app.details)) for app in subject.value.apps if app.details]
    provisioned = resources.find_of_user(call.work.read, subject.value.user.id)
    names = clients.find_names(call.work.read, [one.client_id for one in provisioned])
    held = active_grants.find_active(call.work.read, subject.value.user.id, now=call.work.now, limit=MOST_GRANTS)
    grants = {
        app.client_id: [grant for grant in held if grant.client_id == app.client_id] for app in subject.value.apps
    }
    return user_page(
        call,
        subject,
        "admin/user_apps.html",
        tab="apps",
        detailed=detailed,
        provisioned=[(one, names.get(one.client_id) or one.client_id) for one in provisioned],
        provisioned_states=RESOURCE_STATES,
        grants=grants,
    )


@endpoint
def show_activity(call: Call) -> Response:
    """List everything that happened to the account, the latest first: GET /admin/users/{user_id}/activity."""
    subject = find_shown(call)
    place = place_on(call, "user-activity")
    after = None if place is None else (datetime.fromisoformat(place[0]), place[1])
    shown, further = audit_log.find_page(call.work, Filters(user_id=subject.value.user.id), after=after, limit=AT_ONCE)
    return user_page(
        call,
        subject,
        "admin/user_activity.html",
        tab="activity",
        **event_list(call, shown),
        further=next_page(call, "user-activity", None if further is None else (further[0].isoformat(), further[1])),
    )


def _failed_passwords(work: UnitOfWork, person: UserDetails) -> Counter | None:
    """Return the wrong passwords in a row. Until an address is verified, they are counted by address."""
    address = person.address
    if address is None or address.verified_at is not None:
        return throttle.find_counter(work, PASSWORD, person.user.id)
    return throttle.find_counter(work, PASSWORD, throttle.subject_of_unproven(work, address.normal))
