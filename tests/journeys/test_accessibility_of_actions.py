"""Pages of `test_accessibility` that need something to act on first: a passkey, a role, a webhook, saved branding."""

import re

import pytest

from tests.journeys.conftest import Account, Steps
from tests.journeys.looked_at import sees
from tests.journeys.test_accessibility import Inspector, axe, inspector
from tests.journeys.test_passkeys import add_passkey, device_of
from tests.support.demo_process import Demo

__all__ = ["axe", "inspector"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]

LONG = "Donaudampfschifffahrtsgesellschaft" * 5 + " Frau Dr. Ana María"
HOSTILE = "شركة الاختبار 👩‍👩‍👧‍👦 <b>Ada</b>"


@sees("/login/passkey-offer", "/account/passkeys", "/account-secured", "/signed-out", "/start-again")
def test_the_pages_of_passkeys_and_of_a_secured_account(
    inspector: Inspector, account: Account, demo: Demo, steps: Steps
) -> None:
    person, see = inspector.person, inspector.see
    device = device_of(person)
    person.open(demo.web_app)
    person.follow("Sign in")
    steps.sign_in(person, account)
    see("passkey-offer", "Sign in faster next time")
    person.press("Not now")
    steps.allow(person)
    person.open(f"{demo.provider}/account/passkeys")
    see("account-passkeys-none", "Passkeys")
    add_passkey(person, demo, device)
    see("account-passkeys", "Passkeys")
    person.page.get_by_text("Rename", exact=True).click()
    person.page.get_by_label("Name").fill("x" * 100)  # the field takes fewer
    person.press("Save")
    see("account-passkeys-long", "Passkeys")
    person.open(f"{demo.provider}/account/security")
    see("account-security-passkey", "Security")
    person.open(f"{demo.provider}/account/activity/not-me")
    person.press("Secure my account")
    see("account-secured", "All sessions were signed out")
    person.open(f"{demo.provider}/signed-out")
    see("signed-out-of-account", person.heading)
    person.open(f"{demo.provider}/start-again?client_id=quill-tv")
    see("start-again", person.heading)


@sees(
    "/admin/search",
    "/admin/roles/role/{action}",
    "/admin/groups/group",
    "/admin/groups/group/{action}",
    "/access-denied",
    "/admin/clients/client/users/{action}",
    "/admin/keys/key/{action}",
    "/admin/outbox/{job_id}/{action}",
    "/admin/webhooks/{webhook_id}/{action}",
    "/admin/trusted-issuers/{issuer_id}/{action}",
    "/admin/upstreams/{upstream_id}/{action}",
    "/admin/attributes/attribute/{name}",
    "/admin/attributes/attribute/{name}/{action}",
    "/admin/users/{user_id}/attributes",
    "/admin/details-types/type",
    "/admin/details-types/type/{action}",
    "/admin/claims/claim",
    "/admin/claims/claim/{action}",
    "/admin/clients/client/provisioning/{action}",
    "/admin/clients/client/signals/{action}",
    "/admin/branding/preview",
    "/admin/branding/saved/{action}",
    "/admin/doctor/{action}",
)
def test_the_pages_of_actions(inspector: Inspector, operator: Account, demo: Demo, steps: Steps) -> None:
    person, see = inspector.person, inspector.see
    steps.sign_in_to_app(person, operator)
    person.open(f"{demo.provider}/admin")
    steps.turn_on_two_factor(person)
    person.open(f"{demo.provider}/admin/search?q=nothing+like+it")
    see("admin-search", person.heading)
    person.open(f"{demo.provider}/admin/roles/new")
    person.fill("Name", "x" * 200)
    person.fill("Description (optional)", "Some staff")
    person.press("Create role")
    see("admin-role-long", "x" * 200)
    person.page.get_by_text("Actions", exact=True).click()
    person.follow("Edit description")
    see("admin-role-describe", "Edit description")
    person.open(f"{demo.provider}/admin/roles")
    see("admin-roles-long", "Roles")
    person.open(f"{demo.provider}/admin/groups/new")
    person.fill("Name", "x" * 200)
    person.fill("Description (optional)", "Some staff")
    person.fill("Owners (optional)", operator.email)
    person.press("Create group")
    see("admin-group-long", "x" * 200)
    person.page.get_by_text("Actions", exact=True).click()
    person.follow("Add member")
    see("admin-group-add-member", "Add member")
    person.fill("User", operator.email)
    person.press("Add member")
    see("admin-group-member", "x" * 200)
    person.open(f"{demo.provider}/admin/groups")
    see("admin-groups-long", "Groups")
    for page, action, name in (
        ("clients/client/users?client_id=quill", "users/revoke", "admin-client-user-revoke"),
        ("keys", "key/rotate", "admin-key-rotate"),
    ):
        person.open(f"{demo.provider}/admin/{page}")
        person.open(demo.provider + str(person.page.locator(f"a[href*='{action}']").first.get_attribute("href")))
        see(name, person.heading)
    person.open(f"{demo.provider}/admin/doctor/run")
    see("admin-doctor-run", "Run diagnostics")
    person.open(f"{demo.provider}/admin/webhooks")
    person.fill("Endpoint URL", "https://hooks.example.test/" + "x" * 200)
    person.press("Add webhook")
    see("admin-webhook-secret", "Webhook secret")
    person.open(f"{demo.provider}/admin/webhooks")
    see("admin-webhooks-one", "Webhooks")
    person.open(demo.provider + str(person.page.locator("a[href$='/replay']").first.get_attribute("href")))
    see("admin-webhook-replay", "Replay events")
    person.open(f"{demo.provider}/admin/trusted-issuers")
    person.fill("Issuer", "https://" + "x" * 60 + ".example.test/" + "x" * 120)
    person.press("Add trusted issuer")
    see("admin-trusted-issuers-one", "Trusted issuers")
    person.open(demo.provider + str(person.page.locator("a[href$='/edit']").first.get_attribute("href")))
    see("admin-trusted-issuer-edit", "Edit trusted issuer")
    person.open(f"{demo.provider}/admin/upstreams/new?preset=github")
    person.fill("Key", "github")
    person.fill("Client ID", "x" * 120)
    person.fill("Client secret", "a secret")
    person.press("Add upstream provider")
    see("admin-upstreams-one", "Upstream providers")
    person.open(demo.provider + str(person.page.locator("a[href$='/edit']").first.get_attribute("href")))
    see("admin-upstream-edit", "Edit upstream provider")
    person.open(f"{demo.provider}/admin/details-types/new")
    person.fill("Type", "https://example.test/" + "x" * 60)
    person.fill("Label", LONG[:100])
    person.press("Declare type")
    see("admin-details-type", person.heading)
    person.open(person.page.url.split("&")[0].replace("/type?", "/type/delete?"))
    see("admin-details-type-delete", "Delete type")
    person.open(f"{demo.provider}/admin/attributes/new")
    person.fill("Name", "x" * 64)
    person.fill("Label", LONG[:100])
    person.press("Declare attribute")
    see("admin-attribute", person.heading)
    person.open(person.page.url.partition("?")[0] + "/delete")
    see("admin-attribute-delete", "Delete attribute")
    person.open(f"{demo.provider}/admin/claims/new?client_id=quill")
    person.fill("Name", "x" * 60)
    person.fill("Claim", "x" * 200)
    person.page.get_by_label("Value").select_option("roles")
    person.press("Add claim")
    see("admin-claim", person.heading)
    person.open(person.page.url.split("&")[0].replace("/claim?", "/claim/delete?"))
    see("admin-claim-delete", "Delete claim mapping")
    person.open(f"{demo.provider}/admin/clients/client/provisioning?client_id=quill")
    person.fill("Base URL of its SCIM service", "https://app.example.com/scim/v2")
    person.fill("Bearer token", "x" * 60)
    person.press("Set up provisioning")
    see("admin-provisioning", person.heading)
    person.open(f"{demo.provider}/admin/clients/client/provisioning/delete?client_id=quill")
    see("admin-provisioning-delete", "Delete provisioning")
    person.open(f"{demo.provider}/admin/clients/client/signals?client_id=quill")
    person.fill("URL to push to", "https://app.example.com/" + "x" * 60)
    person.page.get_by_label("Session ended").check()
    person.press("Create stream")
    see("admin-signals", person.heading)
    person.open(f"{demo.provider}/admin/clients/client/signals/pause?client_id=quill")
    see("admin-signals-pause", "Pause stream")
    person.open(f"{demo.provider}/admin/signal-streams")
    see("admin-signal-streams", "Shared signals")
    person.open(f"{demo.provider}/admin/users/new")
    person.fill("Email address", "long-name@example.test")
    person.fill("Full name (optional)", LONG[:100])
    person.press("Create user")
    see("admin-user-long-name", "long-name@example.test")
    of_user = person.page.url.partition("?")[0]
    person.open(of_user + "/attributes")
    see("admin-user-attributes", "Edit attributes")
    person.open(of_user)
    person.open(person.page.url.partition("?")[0] + "/name")
    person.fill("Full name", HOSTILE)
    person.press("Save name")
    see("admin-user-rtl-name", "long-name@example.test")
    person.open(f"{demo.provider}/admin/users?q=long-name")
    see("admin-users-rtl-name", "Users")
    # The deliveries fail, and wait for the next attempt.
    person.open(f"{demo.provider}/admin/outbox?topic=webhook")
    see("admin-outbox-waiting", "Outbox")
    person.open(demo.provider + str(person.page.locator("a[href$='/cancel']").first.get_attribute("href")))
    see("admin-job-cancel", "Cancel job")
    person.open(f"{demo.provider}/admin/branding/preview")
    # A frame, whose sign-in page is inert: its heading is none.
    inspector.look_at("admin-branding-preview", ["wcag2a", "wcag2aa"])
    person.open(f"{demo.provider}/admin/branding")
    person.fill("Support email address", "help@example.test")
    person.press("Save")
    see("admin-branding-saved", "Branding")
    person.follow("Reset branding")
    see("admin-branding-reset", "Reset branding")
    person.press("Reset branding")
    person.expect_heading("Branding")
    person.open(f"{demo.provider}/admin/clients/client/settings?client_id=quill&group=sign-in")
    person.fill("Only users in one of these groups allowed_groups", "staff")
    person.press("Review changes")
    person.press("Save changes")
    person.open(f"{demo.provider}/admin/clients/client/try?client_id=quill")
    person.press("Start sign-in")
    see("access-denied", "You don't have access to Quill")
    person.open(f"{demo.provider}/admin/clients/client/settings?client_id=quill&group=sign-in")
    person.fill("Only users in one of these groups allowed_groups", "")  # other tests use the app, too
    person.press("Review changes")
    person.press("Save changes")


@sees()
def test_the_page_of_an_edit_that_another_operator_overtook(
    inspector: Inspector, operator: Account, account: Account, demo: Demo, steps: Steps
) -> None:
    person, see = inspector.person, inspector.see
    person.open(f"{demo.provider}/admin")
    steps.sign_in(person, operator)
    steps.turn_on_two_factor(person)
    settings = f"{demo.provider}/admin/clients/client/settings?client_id=quill-tv"
    person.open(f"{demo.provider}/admin/users?q={account.email}")
    person.follow(account.email)
    for url, label, button in (
        (re.sub(r"\?.*", "", person.page.url) + "/name", "Full name", "Save name"),
        (settings, "Name client_name", "Review changes"),
    ):
        person.open(url)
        before = person.page.get_by_label(label, exact=True).input_value()
        first = person.in_new_tab(url)
        person.fill(label, "Augusta Ada King")
        person.press(button)
        if button != "Save name":
            person.press("Save changes")
        person.page.close()
        person.page = first
        person.fill(label, "Countess of Lovelace")
        person.press(button)
        person.expect_error()
        see(f"admin-overtaken-{'user' if url != settings else 'client'}", person.heading)
        person.fill(label, before)
        person.press(button)
    person.press("Save changes")
