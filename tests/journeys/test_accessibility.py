"""Every page, looked at by axe-core, and no wider than a screen of 320 pixels (WCAG 2.2 SC 1.4.10).

`make test-all` looks at each in dark colors too.

`make screenshots` runs this with KEEP_SCREENSHOTS=1: then a picture of each page is kept in build/screenshots.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest
from playwright.sync_api import ViewportSize

from provider.config.settings import Settings
from provider.languages.catalogs import ENGLISH
from provider.mail.samples import NAMES
from provider.oauth.clients.choices import CIBA
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from tests.journeys.conftest import Account, Steps, work_of
from tests.journeys.looked_at import EVERYTHING, SEEN, routes_of, sees
from tests.support.chromium import NewPerson, Person
from tests.support.demo_process import Demo
from tests.support.effort import THOROUGH
from tests.support.emails import rendered
from tests.support.npm import installed
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]

WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 320, "height": 568}
NEEDED = "document.documentElement.scrollWidth"
OF_COLORS = ["color-contrast", "link-in-text-block"]
"""The rules of axe whose finding may be another one in the dark."""
FINDINGS = """(rules) => axe.run({resultTypes: ["violations"], ...(rules && {runOnly: rules})}).then(
  found => found.violations.flatMap(
  rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 120)} (${node.any.map(why => why.message)[0]})`)))"""


SPACES_LOST = """() => [...document.querySelectorAll("[dir=auto]")].map(name => name.parentElement).filter(parent =>
  getComputedStyle(parent).display.includes("flex") && [...parent.childNodes].some(
  child => child.nodeType === Node.TEXT_NODE && child.data.trim())).map(parent => parent.innerText)"""
"""A flex container drops the spaces between its text and a name in it."""


@dataclass
class Inspector:
    """Looks at the page somebody is at, and goes on: what was found is told at the end, of all pages at once."""

    person: Person
    axe: str
    keep: bool
    seen: set[str] = field(default_factory=set)
    visited: set[str] = field(default_factory=set)
    """The paths of the URLs whose pages were looked at."""
    findings: list[str] = field(default_factory=list)

    def see(self, name: str, heading: str) -> None:
        """The page with this main heading, as it is called in build/screenshots."""
        self.person.expect_heading(heading)
        self.person.page.wait_for_load_state()
        self.look_at(name)
        if THOROUGH or self.keep:
            self._see_in_german(name)

    def look_at(self, name: str, rules: list[str] | None = None) -> None:
        """What is shown now, in light and dark and on a narrow screen. `rules` are those of axe, or tags of them."""
        page = self.person.page
        self.seen.add(name)
        self.visited.add(urlsplit(page.url).path)
        page.evaluate(self.axe)
        self._look(f"{name}, light", rules)
        self.findings += [f"{name}: no space around a name in {text!r}" for text in page.evaluate(SPACES_LOST)]
        self._keep(f"{name}-light")
        page.emulate_media(color_scheme="dark")
        if THOROUGH:  # `tests/branding` computes the contrast of both palettes in every run
            self._look(f"{name}, dark", OF_COLORS)
        self._keep(f"{name}-dark")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(NARROW)
        needed = page.evaluate(NEEDED)
        if needed > NARROW["width"]:
            self.findings.append(f"{name}: {needed} pixels wide on a screen of {NARROW['width']}")
        self._keep(f"{name}-320")
        page.set_viewport_size(WIDE)

    def _see_in_german(self, name: str) -> None:
        """Open the same address in German, whose words are the longest, on a narrow screen in a tab of its own."""
        english = self.person.in_new_tab("about:blank")
        page = self.person.page
        page.set_extra_http_headers({"Accept-Language": "de"})
        page.set_viewport_size(NARROW)
        page.goto(english.url)
        needed = page.evaluate(NEEDED)
        if needed > NARROW["width"]:
            self.findings.append(f"{name}, German: {needed} pixels wide on a screen of {NARROW['width']}")
        self._keep(f"{name}-de-320")
        page.close()
        self.person.page = english

    def _look(self, what: str, rules: list[str] | None) -> None:
        self.findings += [f"{what}: {finding}" for finding in self.person.page.evaluate(FINDINGS, rules)]

    def _keep(self, name: str) -> None:
        if self.keep:
            self.person.picture(name)


@pytest.fixture(scope="module")
def axe() -> str:
    return (installed("axe-core", Path(__file__).parent) / "axe.min.js").read_text()


@pytest.fixture
def inspector(axe: str, new_person: NewPerson, request: pytest.FixtureRequest) -> Iterator[Inspector]:
    person = new_person(viewport=WIDE, reduced_motion="reduce")
    settings = Settings().model_copy(update=EVERYTHING)
    inspector = Inspector(person, axe, bool(os.environ.get("KEEP_SCREENSHOTS")))
    yield inspector
    assert inspector.findings == []
    if request.session.testsfailed == 0:
        promised = set(SEEN.get(request.function.__name__, ()))
        assert promised <= routes_of(inspector.visited, settings), "the test names pages that it did not look at"


def link_in(letter: str) -> str:
    found = re.search(r"http://\S+\?\S+", letter)
    assert found, letter
    return found[0]


@sees("/login", "/signup", "/verify-email", "/verify-email/confirm", "/consent")
def test_the_pages_before_somebody_has_an_account(
    inspector: Inspector, newcomer: Account, demo: Demo, steps: Steps
) -> None:
    person, see = inspector.person, inspector.see
    person.open(demo.web_app)
    person.follow("Sign in")
    see("sign-in", "Sign in")
    person.press("Sign in")
    see("sign-in-error", "Sign in")
    person.follow("Create an account")
    see("sign-up", "Create an account")
    person.press("Create an account")
    see("sign-up-error", "Create an account")
    person.fill("Email address", newcomer.email)
    person.fill("Create a password", "kT7#pq2w")
    person.page.get_by_text("Strength: fair").wait_for()
    see("sign-up-strength", "Create an account")
    person.fill("Create a password", newcomer.password)
    person.press("Create an account")
    see("check-email", "Check your email")
    person.open(link_in(steps.read_letter(person, "Confirm your email address for Signet", newcomer.email)))
    see("confirm-email", "Confirm your email address")
    person.press("Confirm email address")
    see("consent", "Quill wants to access your account")


@sees("/forgot-password", "/forgot-password/sent", "/reset-password", "/reset-password/done")
@pytest.mark.slow
def test_the_pages_of_a_forgotten_password_and_of_refusals(
    inspector: Inspector, account: Account, demo: Demo, steps: Steps
) -> None:
    person, see = inspector.person, inspector.see
    person.open(f"{demo.provider}/forgot-password")
    see("forgot-password", "Forgot your password?")
    person.fill("Email address", account.email)
    person.press("Send link")
    see("reset-sent", "Check your email")
    link = link_in(steps.read_letter(person, "Reset your Signet password", account.email))
    person.open(link)
    see("reset-password", "Choose a new password")
    person.fill("New password", "password1")
    person.press("Set new password")
    see("reset-password-error", "Choose a new password")
    person.fill("New password", "quite another horse battery")
    person.press("Set new password")
    see("reset-done", "Your new password is set")
    person.open(link)
    see("reset-link-dead", person.heading)
    person.open(f"{demo.provider}/verify-email/confirm?token=nonsense")
    see("confirm-link-dead", person.heading)
    person.open(f"{demo.provider}/oauth2/authorize?client_id=nobody")
    see("refused", person.heading)
    # The page that posts an answer is gone at once, unless its script does nothing.
    person.page.route("**/form_post.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
    asked = {"client_id": "quill", "redirect_uri": f"{demo.web_app}/callback", "response_mode": "form_post"}
    person.open(f"{demo.provider}/oauth2/authorize?{urlencode(asked)}")
    see("form-post", "Back to Quill")
    person.open(f"{demo.provider}/no-such-page")
    see("not-found", person.heading)


@sees(
    "/select-account",
    "/account/two-factor",
    "/account/two-factor/set-up",
    "/account/recovery-codes",
    "/oauth2/logout",
    "/oauth2/logout/done",
    "/login/second-factor",
)
@pytest.mark.slow
def test_the_pages_of_the_second_factor_and_of_signing_out(
    inspector: Inspector, account: Account, demo: Demo, steps: Steps
) -> None:
    person, see = inspector.person, inspector.see
    steps.sign_in_to_app(person, account)
    again = {
        "client_id": "quill",
        "redirect_uri": f"{demo.web_app}/callback",
        "response_type": "code",
        "scope": "openid",
        "state": "state",
        "nonce": "nonce",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "prompt": "select_account",
    }
    person.open(f"{demo.provider}/oauth2/authorize?{urlencode(again)}")
    see("select-account", "Choose an account")
    person.open(f"{demo.provider}/account/two-factor")
    see("two-factor-off", "Two-factor authentication")
    person.press("Turn on two-factor authentication")
    see("two-factor-set-up", "Set up two-factor authentication")
    authenticator = steps.authenticator(person.page.locator("#key").inner_text())
    person.fill("Code", authenticator.code())
    person.press("Turn on")
    see("recovery-codes-shown", "Save your recovery codes")
    person.follow("I've saved these codes")
    see("two-factor-on", "Two-factor authentication")
    person.open(f"{demo.provider}/account/recovery-codes")
    see("recovery-codes", person.heading)
    person.open(f"{demo.provider}/oauth2/logout")
    see("sign-out-question", person.heading)
    person.press("Sign out")
    see("signed-out", "You are signed out")
    person.follow("Sign in again")
    steps.sign_in(person, account)
    see("second-factor", "Enter your code")
    person.follow("Lost your device? Use a recovery code")
    see("recovery-code", person.heading)


@sees("/select-account", "/signed-out", "/oauth2/logout")
@pytest.mark.slow
def test_the_pages_of_several_accounts(
    inspector: Inspector, account: Account, operator: Account, demo: Demo, steps: Steps
) -> None:
    person, see = inspector.person, inspector.see
    person.open(f"{demo.provider}/account")
    for each in (account, operator):
        steps.sign_in(person, each)
        person.expect_heading("Grace Hopper")
        person.open(f"{demo.provider}/login?prompt=select_account")
    person.open(f"{demo.provider}/select-account")
    see("select-account-of-several", "Choose an account")
    person.open(f"{demo.provider}/oauth2/logout")
    see("sign-out-question-of-several", person.heading)
    person.open(f"{demo.provider}/account")
    person.press("Sign out")
    see("signed-out-of-one", "You are signed out")


ACCOUNT_PAGES = (
    "",
    "/profile",
    "/picture",
    "/security",
    "/password",
    "/email",
    "/two-factor",
    "/sessions",
    "/applications",
    "/applications/app?client_id=quill",
    "/activity",
    "/activity/not-me",
    "/data",
    "/delete",
)


@sees("/device", "/device/answered")
@pytest.mark.slow
def test_the_pages_of_a_device(inspector: Inspector, account: Account, demo: Demo, steps: Steps) -> None:
    person, see = inspector.person, inspector.see
    asked = {"client_id": "quill-tv", "scope": "openid profile offline_access"}
    codes = httpx2.post(f"{demo.provider}/oauth2/device_authorization", data=asked, timeout=PATIENCE).json()
    person.open(codes["verification_uri"])
    steps.sign_in(person, account)
    see("device-code", "Connect a device")
    person.press("Continue")
    see("device-code-error", "Connect a device")
    person.fill("Code", codes["user_code"])
    person.press("Continue")
    see("device", "Connect this device?")
    person.press("Allow")
    see("device-answered", "Device connected")


@sees("/approve", "/approve/answered")
@pytest.mark.slow
def test_the_pages_of_an_approval(inspector: Inspector, account: Account, demo: Demo, steps: Steps) -> None:
    person, see = inspector.person, inspector.see
    with work_of(demo) as work:
        metadata = ClientMetadata(client_name="Example Bank", grant_types=(CIBA,), response_types=())
        bank, secret = create_client(work, metadata)
    asked = {"scope": "openid profile", "login_hint": account.email, "binding_message": "Transfer 4711"}
    url = f"{demo.provider}/oauth2/bc-authorize"
    assert httpx2.post(url, data=asked, auth=(bank.client_id, str(secret)), timeout=PATIENCE).status_code == 200
    person.open(f"{demo.provider}/account")
    steps.sign_in(person, account)
    see("account-with-approval", "Grace Hopper")
    person.follow("Example Bank")
    see("approve", "Example Bank asks for your approval")
    page = person.page.url
    person.press("Deny")
    see("approval-denied", "Request denied")
    person.open(page)
    see("approval-gone", "No request to approve")


@sees(
    "/account",
    "/account/profile",
    "/account/picture",
    "/account/security",
    "/account/password",
    "/account/email",
    "/account/sessions",
    "/account/applications",
    "/account/applications/app",
    "/account/activity",
    "/account/activity/not-me",
    "/account/data",
    "/account/delete",
    "/account-leaving",
)
@pytest.mark.slow
def test_the_account_pages(inspector: Inspector, account: Account, demo: Demo, steps: Steps) -> None:
    person, see = inspector.person, inspector.see
    steps.sign_in_to_app(person, account)
    for path in ACCOUNT_PAGES:
        person.open(f"{demo.provider}/account{path}")
        assert person.page.url == f"{demo.provider}/account{path}"
        see(f"account{re.sub('[^a-z]+', '-', path)}", person.heading)
    person.page.get_by_role("checkbox").check()
    person.press("Delete account")
    see("account-leaving", "Your account will be deleted")
    person.follow("Sign in to keep your account")
    steps.sign_in(person, account)
    see("keep-account", "This account will be deleted")
    person.press("Keep my account")
    see("account-kept", "Your account won't be deleted")


CONSOLE_PAGES = (
    "",
    "/users",
    "/users?q=grace",
    "/users/new",
    "/users/import",
    "/users/runs",
    "/clients",
    "/clients/new",
    "/clients/new?preset=web",
    "/clients/client?client_id=quill",
    "/clients/client/settings?client_id=quill",
    "/clients/client/settings?client_id=quill&group=sign-in",
    "/clients/client/settings?client_id=quill&group=advanced",
    "/clients/client/json?client_id=quill",
    "/clients/client/credentials?client_id=quill",
    "/clients/client/users?client_id=quill",
    "/clients/client/rejected?client_id=quill",
    "/clients/client/try?client_id=quill",
    "/clients/client/disable?client_id=quill",
    "/sessions",
    "/keys",
    "/audit",
    "/outbox",
    "/webhooks",
    "/trusted-issuers",
    "/upstreams",
    "/upstreams/new?preset=other",
    "/attributes",
    "/attributes/new",
    "/details-types",
    "/details-types/new",
    "/claims",
    "/claims/new",
    "/clients/client/claims?client_id=quill",
    "/clients/client/site?client_id=quill",
    "/clients/client/provisioning?client_id=quill",
    "/signal-streams",
    "/clients/client/signals?client_id=quill",
    "/explain",
    "/inspect",
    "/branding",
    "/emails",
    "/emails/verify_email",
    "/doctor",
    "/design",
    "/design/parts",
    "/settings",
    "/roles",
    "/roles/new",
    "/roles/role?name=user-manager",
    "/groups",
    "/groups/new",
)


@pytest.mark.nightly
@sees(
    "/admin",
    "/admin/users",
    "/admin/users/new",
    "/admin/users/{user_id}",
    "/admin/users/{user_id}/security",
    "/admin/users/{user_id}/sessions",
    "/admin/users/{user_id}/apps",
    "/admin/users/{user_id}/activity",
    "/admin/users/{user_id}/{action}",
    "/admin/roles",
    "/admin/roles/new",
    "/admin/roles/role",
    "/admin/groups",
    "/admin/groups/new",
    "/admin/clients",
    "/admin/clients/new",
    "/admin/clients/client",
    "/admin/clients/client/settings",
    "/admin/clients/client/json",
    "/admin/clients/client/credentials",
    "/admin/clients/client/users",
    "/admin/clients/client/try",
    "/admin/clients/try",
    "/admin/clients/client/rejected",
    "/admin/clients/client/{action}",
    "/admin/sessions",
    "/admin/keys",
    "/admin/audit",
    "/admin/outbox",
    "/admin/webhooks",
    "/admin/trusted-issuers",
    "/admin/upstreams",
    "/admin/upstreams/new",
    "/admin/attributes",
    "/admin/attributes/new",
    "/admin/details-types",
    "/admin/details-types/new",
    "/admin/claims",
    "/admin/claims/new",
    "/admin/clients/client/claims",
    "/admin/clients/client/site",
    "/admin/clients/client/provisioning",
    "/admin/signal-streams",
    "/admin/clients/client/signals",
    "/admin/branding",
    "/admin/emails",
    "/admin/emails/{name}",
    "/admin/doctor",
    "/admin/settings",
    "/admin/explain",
    "/admin/inspect",
    "/admin/design",
    "/admin/design/parts",
)
@pytest.mark.slow
def test_the_console(inspector: Inspector, operator: Account, account: Account, demo: Demo, steps: Steps) -> None:
    person, see = inspector.person, inspector.see
    httpx2.post(
        f"{demo.provider}/oauth2/token", data={"grant_type": "password", "client_id": "quill"}, timeout=PATIENCE
    )
    person.open(f"{demo.provider}/admin")
    steps.sign_in(person, operator)
    person.expect_heading("Two-factor authentication")  # without a second factor there is no console
    steps.turn_on_two_factor(person)
    for path in CONSOLE_PAGES:
        person.open(f"{demo.provider}/admin{path}")
        assert person.page.url == f"{demo.provider}/admin{path}"
        see(f"admin{re.sub('[^a-z]+', '-', path)}", person.heading)
    person.open(f"{demo.provider}/admin/users?q={account.email}")
    person.follow(account.email)
    see("admin-user", account.email)
    user_page = person.page.url
    for tab in ("security", "sessions", "apps", "activity"):
        person.open(f"{user_page}/{tab}")
        see(f"admin-user-{tab}", account.email)
    person.open(f"{user_page}/profile-about?from=overview")
    see("admin-user-profile", "Edit personal details")
    person.open(user_page)
    person.page.get_by_text("Actions", exact=True).click()
    person.follow("Suspend account")
    see("admin-act", "Suspend account")
    person.fill("Reason", "x" * 201)
    person.press("Suspend")
    see("admin-act-error", "Suspend account")
    person.fill("Reason", "chargebacks")
    person.press("Suspend")
    see("admin-user-suspended", account.email)
    person.open(f"{demo.provider}/admin/clients/client/rotate-secret?client_id=quill")
    person.press("Rotate secret")
    see("admin-shown-once", "New client secret")
    person.open(f"{demo.provider}/admin/clients/client/settings?client_id=quill")
    person.fill("Name client_name", "Quill & Ink")
    person.press("Review changes")
    see("admin-client-changes", "Save changes to Quill?")
    person.follow("Cancel")
    person.open(f"{demo.provider}/admin/clients/client/settings?client_id=quill&group=sign-in")
    person.fill("Redirect URIs redirect_uris", "shop.example.test/cb")
    person.press("Review changes")
    see("admin-client-settings-error", "Quill")
    person.open(f"{demo.provider}/admin/clients/client/try?client_id=quill")
    person.press("Start sign-in")
    person.press("Allow")
    see("admin-client-tried", "Quill")


@pytest.mark.nightly
@sees(
    "/admin/users/selected",
    "/admin/users/matching",
    "/admin/users/changes/{run_id}",
    "/admin/users/runs",
    "/admin/users/import",
    "/admin/users/imports/{import_id}",
)
@pytest.mark.slow
def test_the_console_for_many_users(
    inspector: Inspector, operator: Account, account: Account, demo: Demo, steps: Steps
) -> None:
    """A change to selected users and to all that match, an import, and their progress."""
    person, see = inspector.person, inspector.see
    person.open(f"{demo.provider}/admin")
    steps.sign_in(person, operator)
    steps.turn_on_two_factor(person)
    person.open(f"{demo.provider}/admin/users?q={account.email}")
    person.page.get_by_label(f"Select {account.email}").check()
    person.page.get_by_label("With selected:").select_option("restore")
    person.press("Continue")
    see("admin-users-selected", "Restore accounts")
    person.open(f"{demo.provider}/admin/users/matching?action=add-role&q={account.email}")
    see("admin-users-matching", "Add role")
    person.press("Add role")
    see("admin-users-matching-error", "Add role")
    person.fill("Role to add", "staff")
    person.press("Add role")
    person.expect_text("finished")  # the page follows the change by itself
    see("admin-users-change", "Add role")
    person.open(f"{demo.provider}/admin/users/import")
    person.press("Check the file")
    see("admin-users-import-error", "Import users")
    hostile = "x" * 250 + ",<b>bold</b>"
    person.fill(
        "Or paste the text",
        f"email,name\n{account.email},\nnew-{account.email},New\n{hostile}\n\u05e9\u05dc\u05d5\u05dd,\n",
    )
    person.page.locator("summary", has_text="Columns").click()
    see("admin-users-import-columns", "Import users")
    person.press("Check the file")
    see("admin-import-checked", "Check the import")
    person.fill("Reason", "x" * 201)
    person.press("Import 1 user")
    see("admin-import-checked-error", "Check the import")
    person.fill("Reason", "moved here")
    person.press("Import 1 user")
    person.expect_text("finished")
    see("admin-import", "Import users")
    person.open(f"{demo.provider}/admin/users/runs")
    see("admin-runs", "Imports and bulk changes")


@pytest.mark.nightly
@pytest.mark.slow
def test_the_emails(inspector: Inspector) -> None:
    """In a mail program that draws like a browser. It is the program that has landmarks."""
    for name in NAMES:
        inspector.person.page.set_content(rendered(Settings(), ENGLISH, name).html)
        inspector.look_at(f"email-{name}", ["wcag2a", "wcag2aa"])


@sees("/account/email/confirm", "/undo-email-change")
@pytest.mark.slow
def test_the_pages_of_a_changed_password_and_email_address(
    inspector: Inspector, account: Account, newcomer: Account, demo: Demo, steps: Steps
) -> None:
    person, see = inspector.person, inspector.see
    steps.sign_in_to_app(person, account)
    person.open(f"{demo.provider}/account/password")
    person.press("Change password")
    see("account-password-error", "Change your password")
    person.open(f"{demo.provider}/account/email")
    person.fill("New email address", newcomer.email)
    person.press("Email a code to this address")
    see("account-email-asked", "Your email address")
    person.open(link_in(steps.read_letter(person, "Confirm your new email address for Signet", newcomer.email)))
    see("account-email-confirm", "Confirm your new email address")
    person.press("Confirm new address")
    see("account-email-changed", "Your email address")
    letter = steps.read_letter(person, "The email address of your Signet account was changed", account.email)
    person.open(link_in(letter))
    see("undo-email-change", "Recover your account")
