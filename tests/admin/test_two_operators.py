"""Two operators have the same form open, for each form of the console that changes something (RFC 9110 section 13.1.1).

A form that replaces a value, or relies on one, is refused once another operator changed it. The page says who that was
and what is saved now, and keeps what was typed. Every other form is listed with the reason why it overwrites nothing.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette

from provider.accounts.attributes.declarations import parse_declaration as declaration_of_attribute
from provider.accounts.attributes.declared import put_attribute
from provider.accounts.groups.groups import GroupSettings, create_group
from provider.accounts.roles.roles import create_role
from provider.admin.client_groups import GROUPS
from provider.admin.pages import (
    branding,
    doctor,
    groups,
    keys,
    outbox,
    roles,
    trusted_issuers,
    upstreams,
    webhooks,
)
from provider.admin.pages.actions import Actions
from provider.admin.pages.clients import actions as client_actions
from provider.admin.pages.clients import app_users
from provider.admin.pages.clients import provisioning as provisioning_pages
from provider.admin.pages.clients import signals as signal_pages
from provider.admin.pages.declarations import attributes, claim_mappings, details_types
from provider.admin.pages.users import actions as user_actions
from provider.federation import managed
from provider.oauth.authorization_details.types import create_type, parse_declaration
from provider.oauth.clients import secret_rotation
from provider.oauth.trusted_issuers import issuers
from provider.oauth.trusted_issuers.issuers import IssuerSettings
from provider.operators import provisioning
from provider.signals import streams
from provider.webhooks import subscriptions
from provider.work import Installation
from tests.admin.conftest import Console, action_form, calls
from tests.branding.test_logo import SVG
from tests.support.browser import Browser, Form, Page
from tests.support.cases import in_one_world
from tests.support.claim_mappings import map_claim
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person

GRACE = "grace@example.test"
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type"],
    "properties": {"type": {"const": "files"}},
}
ACTIONS: Mapping[str, Actions[Any]] = {
    "/admin/users/{user_id}": user_actions.ACTIONS,
    "/admin/roles/role": roles.ACTIONS,
    "/admin/groups/group": groups.ACTIONS,
    "/admin/clients/client": client_actions.ACTIONS,
    "/admin/clients/client/users": app_users.APP_USER_ACTIONS,
    "/admin/keys/key": keys.ACTIONS,
    "/admin/doctor": doctor.ACTIONS,
    "/admin/outbox/{job_id}": outbox.ACTIONS,
    "/admin/webhooks/{webhook_id}": webhooks.ACTIONS,
    "/admin/trusted-issuers/{issuer_id}": trusted_issuers.ACTIONS,
    "/admin/upstreams/{upstream_id}": upstreams.ACTIONS,
    "/admin/details-types/type": details_types.ACTIONS,
    "/admin/attributes/attribute/{name}": attributes.ACTIONS,
    "/admin/branding/saved": branding.ACTIONS,
    "/admin/claims/claim": claim_mappings.ACTIONS,
    "/admin/clients/client/provisioning": provisioning_pages.ACTIONS,
    "/admin/clients/client/signals": signal_pages.ACTIONS,
}
"""The actions below each address."""


@dataclass(frozen=True)
class Edit:
    """A form that is refused if another operator was faster."""

    path: str
    """Where the form is, below /admin, with the ids of `world`."""
    theirs: Mapping[str, str] = field(default_factory=dict)
    mine: Mapping[str, str] = field(default_factory=dict)
    saved: str = ""
    """What the page shows of theirs, in the words of its label and its value."""


NOTHING: Mapping[str, str] = {}
EDITS: Mapping[str, Edit] = {
    "/admin/users/{user_id}/roles": Edit(
        "/users/{user}/roles", {"roles": "buyer staff"}, {"roles": "seller"}, "Roles buyer staff"
    ),
    "/admin/users/{user_id}/name": Edit(
        "/users/{user}/name", {"name": "Ada King"}, {"name": "Augusta"}, "Full name Ada King"
    ),
    "/admin/users/{user_id}/profile-names": Edit(
        "/users/{user}/profile-names", {"nickname": "Addie"}, {"nickname": "Gus"}, "Nickname Addie"
    ),
    "/admin/users/{user_id}/profile-about": Edit(
        "/users/{user}/profile-about",
        {"birthdate-day": "10", "birthdate-month": "12", "birthdate-year": "1815"},
        {"website": "https://ada.example/"},
        "1815-12-10",
    ),
    "/admin/users/{user_id}/profile-contact": Edit(
        "/users/{user}/profile-contact",
        {"phone_number": "+441234567890"},
        {"phone_number": "+449876543210"},
        "Phone number +441234567890",
    ),
    "/admin/users/{user_id}/profile-language": Edit(
        "/users/{user}/profile-language", {"locale": "de"}, {"locale": "fr"}, "Deutsch"
    ),
    "/admin/users/{user_id}/profile-address": Edit(
        "/users/{user}/profile-address", {"locality": "London"}, {"locality": "Paris"}, "London"
    ),
    "/admin/users/{user_id}/email": Edit(
        "/users/{user}/email", {"email": "king@example.test"}, {"email": "byron@example.test"}, "king@example.test"
    ),
    "/admin/users/{user_id}/send-email-change": Edit(
        "/users/{unverified}/send-email-change",
        {"email": "somerville@example.test"},
        {"email": "fairfax@example.test"},
    ),
    "/admin/roles/role/describe": Edit(
        "/roles/role/describe?name=clerk",
        {"description": "Sells."},
        {"description": "Buys."},
        "Description Sells.",
    ),
    "/admin/roles/role/require": Edit(
        "/roles/role/require?name=clerk",
        {"required_factor": "passkey"},
        {"required_factor": "two-factor"},
        "Require for sign-in A passkey",
    ),
    "/admin/users/{user_id}/groups": Edit(
        "/users/{user}/groups", {"groups": "sales"}, {"groups": "support"}, "Groups sales"
    ),
    "/admin/groups/group/edit": Edit(
        "/groups/group/edit?name=sales", {"description": "Sells."}, {"roles": "clerk"}, "Description Sells."
    ),
    "/admin/clients/client/rotate-secret": Edit("/clients/client/rotate-secret?client_id={client}"),
    "/admin/webhooks/{webhook_id}/rotate-secret": Edit("/webhooks/{webhook}/rotate-secret"),
    "/admin/trusted-issuers/{issuer_id}/edit": Edit(
        "/trusted-issuers/{issuer}/edit",
        {"algorithms": "ES256"},
        {"algorithms": "RS256"},
        "Signing algorithms ES256",
    ),
    "/admin/upstreams/{upstream_id}/edit": Edit(
        "/upstreams/{upstream}/edit",
        {"label": "Enter with GitHub"},
        {"client_id": "another"},
        "Text of the button Enter with GitHub",
    ),
    "/admin/details-types/type": Edit(
        "/details-types/type?name=files",
        {"label": "Read files"},
        {"description": "Lets an app read files."},
        "Label Read files",
    ),
    "/admin/attributes/attribute/{name}": Edit(
        "/attributes/attribute/team", {"label": "Group"}, {"help": "Which group?"}, "Label Group"
    ),
    "/admin/users/{user_id}/attributes": Edit(
        "/users/{user}/attributes", {"attributes.team": "red"}, {"attributes.team": "blue"}, "red"
    ),
    "/admin/clients/client/provisioning": Edit(
        "/clients/client/provisioning?client_id={client}",
        {"on_deletion": "delete"},
        {"members_of": "support"},
        "When a user is deleted here Delete the user there",
    ),
    "/admin/clients/client/signals": Edit(
        "/clients/client/signals?client_id={client}",
        {"default_subjects": "NONE", "events.session-revoked": "on"},
        {"description": "for the shop"},
        "Users Only users that the application adds Session ended yes",
    ),
    "/admin/claims/claim": Edit(
        "/claims/claim?name=tier", {"value": '"silver"'}, {"claim": "level"}, 'Constant "silver"'
    ),
    "/admin/branding": Edit("/branding", {"brand": "Kestrel"}, {"support_email": "help@example.test"}, "Name Kestrel"),
}
GROUP_FIELDS: Mapping[str, tuple[Mapping[str, str], Mapping[str, str], str]] = {
    "basics": ({"client_name": "Kiosk"}, {"client_name": "Store"}, "Name Kiosk"),
    "sign-in": (
        {"redirect_uris": "https://shop.example.test/theirs"},
        {"redirect_uris": "https://shop.example.test/mine"},
        "https://shop.example.test/theirs",
    ),
    "tokens": ({"claims_in_id_token": "on"}, {"grant_types.client_credentials": "on"}, "yes"),
    "sign-out": (
        {"post_logout_redirect_uris": "https://shop.example.test/bye"},
        {"post_logout_redirect_uris": "https://shop.example.test/out"},
        "https://shop.example.test/bye",
    ),
    "branding": (
        {"client_uri": "https://shop.example.test/a"},
        {"client_uri": "https://shop.example.test/b"},
        "https://shop.example.test/a",
    ),
    "security": (
        {"id_token_signed_response_alg": "ES256"},
        {"require_pushed_authorization_requests": "on"},
        "ES256",
    ),
    "advanced": ({"require_auth_time": "on"}, {"default": ""}, "yes"),
}
ONCE = "Only while the state is the expected one, so the second of two changes nothing."
OWN = "It creates or queues something of its own."
ENDS = "It ends or deletes the whole, whatever it is then; the page says so."
SHOWS = "It changes nothing that is stored."
OTHERS: Mapping[str, str] = {
    **{
        f"/admin/users/{{user_id}}/{name}": reason
        for reason, names in {
            ONCE: "suspend restore verify unlink unlink-last disconnect end-session forget-device remove-passkey "
            "remove-authenticator",
            OWN: "send-verification send-invitation make-link send-reset",
            ENDS: "reset-second-factor end-sessions delete",
        }.items()
        for name in names.split()
    },
    "/admin/users/new": OWN,
    "/admin/users/import": OWN,
    "/admin/users/imports/{import_id}": ONCE,
    "/admin/users/selected": OWN,
    "/admin/users/matching": OWN,
    "/admin/users/changes/{run_id}": ONCE,
    "/admin/roles/new": OWN,
    "/admin/roles/role/delete": ENDS,
    "/admin/groups/new": OWN,
    "/admin/groups/group/add-member": ONCE,
    "/admin/groups/group/remove-member": ONCE,
    "/admin/groups/group/delete": ENDS,
    "/admin/clients/new": OWN,
    "/admin/clients/client/disable": ONCE,
    "/admin/clients/client/enable": ONCE,
    "/admin/clients/client/delete": ENDS,
    "/admin/clients/client/users/revoke": ONCE,
    "/admin/clients/client/credentials": SHOWS,
    "/admin/clients/client/try": SHOWS,
    "/admin/keys/key/rotate": ONCE,
    "/admin/keys/key/retire": ONCE,
    "/admin/keys/key/remove": ONCE,
    "/admin/keys/key/remove-now": ONCE,
    "/admin/keys/key/revoke": ONCE,
    "/admin/outbox/{job_id}/retry": ONCE,
    "/admin/outbox/{job_id}/cancel": ONCE,
    "/admin/webhooks": OWN,
    "/admin/webhooks/{webhook_id}/replay": OWN,
    "/admin/webhooks/{webhook_id}/enable": ONCE,
    "/admin/webhooks/{webhook_id}/disable": ONCE,
    "/admin/webhooks/{webhook_id}/delete": ENDS,
    "/admin/upstreams/new": OWN,
    "/admin/upstreams/{upstream_id}/test-signals": OWN,
    "/admin/upstreams/{upstream_id}/enable": ONCE,
    "/admin/upstreams/{upstream_id}/disable": ONCE,
    "/admin/upstreams/{upstream_id}/delete": ENDS,
    "/admin/trusted-issuers": OWN,
    "/admin/trusted-issuers/{issuer_id}/enable": ONCE,
    "/admin/trusted-issuers/{issuer_id}/disable": ONCE,
    "/admin/trusted-issuers/{issuer_id}/delete": ENDS,
    "/admin/clients/client/provisioning/test": SHOWS,
    "/admin/clients/client/provisioning/resync": ONCE,
    "/admin/clients/client/provisioning/retry": ONCE,
    "/admin/clients/client/provisioning/retry-one": ONCE,
    "/admin/clients/client/provisioning/enable": ONCE,
    "/admin/clients/client/provisioning/disable": ONCE,
    "/admin/clients/client/provisioning/delete": ENDS,
    "/admin/clients/client/signals/verify": OWN,
    "/admin/clients/client/signals/enable": ONCE,
    "/admin/clients/client/signals/pause": ONCE,
    "/admin/clients/client/signals/disable": ONCE,
    "/admin/clients/client/signals/delete": ENDS,
    "/admin/claims/new": OWN,
    "/admin/claims/claim/delete": ENDS,
    "/admin/details-types/new": OWN,
    "/admin/attributes/new": OWN,
    "/admin/attributes/attribute/{name}/delete": ENDS,
    "/admin/details-types/type/delete": ENDS,
    "/admin/branding/preview": SHOWS,
    "/admin/emails/{name}/test": OWN,
    "/admin/inspect": SHOWS,
    "/admin/doctor/run": ONCE,
}
IN_GROUPS = {"/admin/clients/client/settings", "/admin/clients/client/json"}
ALONE = {"/admin/clients/client/end-old-secrets", "/admin/branding/saved/reset"}
"""Edits with tests of their own below."""

WHOLE_PAGES = {
    branding.PATH,
    "/admin/details-types/type",
    "/admin/attributes/attribute/{name}",
    "/admin/users/{user_id}/attributes",
    "/admin/claims/claim",
    "/admin/clients/client/provisioning",
    "/admin/clients/client/signals",
}
"""Edits with a page of their own, which is no action."""


def forms(app: Starlette) -> set[str]:
    """Every form of the console, each action by itself."""
    found = set()
    for method, path in calls(app, "/admin"):
        if method == "POST":
            stem = path.removesuffix("/{action}")
            found |= {f"{stem}/{name}" for name in ACTIONS[stem]} if stem != path else {path}
    return found


def test_every_form_of_the_console_is_listed(app: Starlette) -> None:
    assert forms(app) == EDITS.keys() | OTHERS.keys() | IN_GROUPS | ALONE
    assert not EDITS.keys() & OTHERS.keys()


def test_every_action_with_stored_values_is_an_edit(app: Starlette) -> None:
    edits = {f"{stem}/{name}" for stem, each in ACTIONS.items() for name, action in each.items() if action.edits}
    assert edits == (EDITS.keys() | ALONE) - WHOLE_PAGES


@pytest.fixture
def world(work: Work) -> dict[str, str]:
    """What the forms are about, by the names in their paths."""
    with work() as w:
        user_id = make_user(w, name="Ada Lovelace", roles=("staff",))
        unverified = make_user(w, "mary@example.test", verified=False)
        client, _ = make_client(w, client_name="Shop")
        create_role(w, name="clerk", description="")
        for name in ("sales", "support"):
            create_group(w, name, GroupSettings())
        webhook, _ = subscriptions.create(w, url="https://hooks.example.test/")
        issuer = issuers.create(w, "https://issuer.example.test", IssuerSettings())
        upstream = managed.create(w, "github", {"preset": "github", "client_id": "us", "client_secret": "s"})
        put_attribute(w, "team", declaration_of_attribute("team", {"type": "text", "label": "Team"}))
        create_type(w, "files", parse_declaration({"label": {"en": "Use files"}, "json_schema": SCHEMA}))
    with work() as w:
        provisioning.put(w, client.client_id, {"base_url": "https://shop.example.test/scim"}, token="t")
        streams.create(w, client.client_id, {})
    map_claim(work, "tier", claim="tier", client_id=client.client_id, source="constant", value="gold")
    return {
        "user": user_id,
        "unverified": unverified,
        "client": client.client_id,
        "webhook": webhook.id,
        "issuer": issuer.id,
        "upstream": upstream.id,
    }


@pytest.fixture
def grace(new_browser: Callable[[], Browser], installation: Installation, work: Work) -> Browser:
    """The other operator."""
    with work() as w:
        grace_id = make_user(w, GRACE, name="Grace Hopper", roles=("admin",))
    browser = new_browser()
    sign_in_person(browser.client, installation, grace_id, amr=TWO_FACTORS)
    return browser


def form_of(page: Page) -> Form:
    return next(form for form in page.forms if form.find("version"))


def send(browser: Browser, typed: Mapping[str, str]) -> Page:
    """Send the form that is open, and confirm the review if there is one."""
    assert browser.page is not None
    form = form_of(browser.page)
    browser.submit({name: value for name, value in typed.items() if form.find(name)}, action=form.action)
    if browser.page.heading.startswith("Save changes"):
        browser.submit(button="Save changes")
    return browser.page


def require_refused(page: Page, edit: Edit) -> None:
    assert page.status == 412, page
    assert "Someone else has changed this since you opened it." in page.text
    assert GRACE in page.text, "who it was"
    assert edit.saved in page.text, page
    form = form_of(page)
    for name, value in edit.mine.items():
        kept = form.find(name)
        assert kept is None or (kept.value == value and (kept.kind != "checkbox" or kept.checked)), (name, kept)


@in_one_world("path", EDITS)
def test_an_edit_that_another_operator_overtook_loses_nothing(
    console: Console, grace: Browser, world: dict[str, str], path: str
) -> None:
    edit = EDITS[path]
    url = edit.path.format(**world)
    console.open(url)
    grace.open(f"/admin{url}")
    assert send(grace, edit.theirs).status == 200
    require_refused(send(console.browser, edit.mine), edit)
    assert send(console.browser, {}).status == 200, "what was typed is saved at the second time"
    if edit.mine:
        stored = form_of(console.open(url)).values() if "send-" not in path else ()
        assert not stored or set(edit.mine.items()) <= set(stored)


@in_one_world("group", GROUPS)
@pytest.mark.parametrize("at_review", [False, True], ids=["form", "review"])
def test_settings_of_an_application_that_another_operator_changed_lose_nothing(
    console: Console, grace: Browser, world: dict[str, str], group: str, *, at_review: bool
) -> None:
    theirs, mine, saved = GROUP_FIELDS[group]
    url = f"/clients/client/settings?client_id={world['client']}&group={group}"
    edit = Edit(url, theirs, mine, saved)
    console.open(url)
    if at_review and "default" not in mine:
        console.browser.submit(mine, button="Review changes")
    grace.open(f"/admin{url}")
    assert send(grace, theirs).status == 200
    require_refused(
        console.browser.submit(button="Save changes")
        if at_review and "default" not in mine
        else send(console.browser, mine),
        edit,
    )
    assert send(console.browser, {}).status == 200
    stored = form_of(console.open(url)).values()
    assert set(mine.items()) - {("default", "")} <= set(stored)


def test_json_of_an_application_that_another_operator_changed_is_kept(
    console: Console, grace: Browser, world: dict[str, str]
) -> None:
    url = f"/clients/client/json?client_id={world['client']}"
    typed = {}
    for name in ("Kiosk", "Store"):
        shown = form_of(console.open(url)).find("metadata")
        assert shown is not None
        typed[name] = json.dumps({**json.loads(shown.value), "client_name": name})
    grace.open(f"/admin{url}")
    assert send(grace, {"metadata": typed["Kiosk"]}).status == 200
    edit = Edit(url, mine={"metadata": typed["Store"]}, saved="Name Kiosk")
    require_refused(send(console.browser, edit.mine), edit)
    assert send(console.browser, {}).status == 200


def test_old_secrets_are_not_revoked_once_another_operator_rotated(
    console: Console, grace: Browser, world: dict[str, str], work: Work
) -> None:
    """Else the secret that the app still uses would end, before it has the new one."""
    with work() as w:
        secret_rotation.rotate_secret(w, world["client"])
    url = f"/clients/client/end-old-secrets?client_id={world['client']}"
    console.open(url)
    grace.open(f"/admin/clients/client/rotate-secret?client_id={world['client']}")
    send(grace, NOTHING)
    require_refused(send(console.browser, NOTHING), Edit(url))


def test_a_logo_has_to_be_chosen_again_after_another_operator_saved(console: Console, grace: Browser) -> None:
    """A browser does not fill in a file again."""
    console.open("/branding")
    assert console.browser.page is not None
    form = form_of(console.browser.page)
    grace.open("/admin/branding")
    send(grace, {"brand": "Kestrel"})
    answer = console.browser.client.post(
        branding.PATH, data=dict(form.values()), files={"brand_logo": ("logo", SVG, "image/svg+xml")}
    )
    assert answer.status_code == 412
    assert "Choose the file again." in answer.text


def test_branding_is_not_reset_once_another_operator_saved(console: Console, grace: Browser) -> None:
    console.open("/branding")
    send(console.browser, {"brand": "Merlin"})
    console.open("/branding/saved/reset")
    grace.open("/admin/branding")
    send(grace, {"brand": "Kestrel"})
    require_refused(send(console.browser, NOTHING), Edit("/branding/saved/reset"))


def test_the_second_of_two_rotations_of_a_key_does_nothing(console: Console, grace: Browser) -> None:
    """Else the upcoming key would sign before applications know it."""
    url = next(
        target for words, target in console.open("/keys").links.items() if words.startswith("Rotate immediately")
    )
    asked = console.browser.open(url)
    grace.open(url)
    grace.submit(action=action_form(asked).action)
    before = console.browser.new_tab().open("/admin/keys").text
    page = console.browser.submit(action=action_form(asked).action)
    assert page.path == "/admin/keys"
    assert page.text == before
