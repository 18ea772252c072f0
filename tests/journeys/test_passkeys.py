"""Passkeys in a browser with a virtual authenticator: add one, sign in with it in each way, and remove it."""

from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import CDPSession

from tests.journeys.conftest import Account, Steps
from tests.support.authenticator import BACKED_UP, ELIGIBLE, Authenticator
from tests.support.chromium import Person
from tests.support.demo_process import Demo
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]


@dataclass
class Device:
    """The authenticator that is built into a person's device."""

    session: CDPSession
    id: str

    def count(self) -> int:
        return len(self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"])

    def answers(self, *, answers: bool) -> None:
        """Whether the person touches it as soon as it asks."""
        self.session.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": self.id, "enabled": answers})


def device_of(person: Person) -> Device:
    session = person.context.new_cdp_session(person.page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "ctap2Version": "ctap2_1",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return Device(session, added["authenticatorId"])


def add_passkey(person: Person, demo: Demo, device: Device | None = None) -> Device:
    device = device or device_of(person)
    person.open(f"{demo.provider}/account/security")
    person.follow("Add a passkey")
    person.press("Add a passkey")
    person.expect_text("Passkey added. You can now sign in with it.")
    assert device.count() == 1
    return device


def software_device_of(person: Person) -> Authenticator:
    """A browser that creates passkeys without asking (conditional create), which a virtual authenticator does not do.
    The device in software answers for it, with nobody there.
    """
    device = Authenticator(flags=ELIGIBLE | BACKED_UP)

    def create(options: dict[str, Any], origin: str) -> str:
        device.origin = origin
        return device.create(options)

    person.page.expose_function("createInSoftware", create)
    person.page.add_init_script("""
        PublicKeyCredential.getClientCapabilities = async () =>
          ({ conditionalCreate: true, userVerifyingPlatformAuthenticator: true });
        PublicKeyCredential.parseCreationOptionsFromJSON = (options) => options;
        navigator.credentials.create = async ({ publicKey, mediation }) => {
          if (mediation !== "conditional") throw new DOMException("nobody is there", "NotAllowedError");
          return JSON.parse(await createInSoftware(publicKey, location.origin));
        };
    """)
    return device


def without_autofill(person: Person) -> None:
    """Take conditional mediation away: the virtual device would choose its passkey as soon as a page offers it."""
    person.page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")


def without_signals(person: Person) -> None:
    """Take away what notifies the device of removed passkeys, as in browsers that do not have it yet."""
    person.page.add_init_script("delete PublicKeyCredential.signalAllAcceptedCredentials")


def test_a_passkey_signs_in_to_an_app_with_one_press(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    steps.sign_in_to_app(person, account)
    add_passkey(person, demo)
    without_autofill(person)
    person.open(demo.web_app)
    person.press("Sign out")
    person.follow("Sign in")
    person.press("Sign in with a passkey")
    person.expect_heading("Hello, Grace Hopper")
    claims = person.facts("id-token")
    assert claims["acr"] == "aal2"
    assert claims["amr"].endswith("user, mfa")


def test_the_browser_offers_the_passkey_in_the_field_for_the_email_address(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    """WebAuthn Level 3 section 5.1.4: conditional mediation. The virtual device chooses the only passkey at once."""
    steps.sign_in_to_app(person, account)
    add_passkey(person, demo)
    person.open(demo.web_app)
    person.press("Sign out")
    person.follow("Sign in")
    person.expect_heading("Hello, Grace Hopper")


def test_a_device_without_the_passkey_says_so_and_the_password_still_works(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    steps.sign_in_to_app(person, account)
    device = add_passkey(person, demo)
    device.session.send("WebAuthn.clearCredentials", {"authenticatorId": device.id})
    person.open(demo.web_app)
    person.press("Sign out")
    person.follow("Sign in")
    device.session.send("WebAuthn.setUserVerified", {"authenticatorId": device.id, "isUserVerified": False})
    person.press("Sign in with a passkey")
    person.expect_text("No passkey was used. Try again.")
    steps.sign_in(person, account)
    person.expect_heading("Hello, Grace Hopper")


def test_a_passkey_is_the_second_factor_after_the_password(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    steps.sign_in_to_app(person, account)
    steps.turn_on_two_factor(person)
    add_passkey(person, demo)
    without_autofill(person)
    person.open(demo.web_app)
    person.press("Sign out")
    person.follow("Sign in")
    steps.sign_in(person, account)
    person.expect_heading("Use your passkey")
    person.press("Use passkey")
    person.expect_heading("Hello, Grace Hopper")
    assert person.facts("id-token")["acr"] == "aal2"


def test_a_device_gets_one_passkey_and_forgets_a_removed_one(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    """WebAuthn Level 3 section 5.1.10: the page signals which passkeys the user still has."""
    steps.sign_in_to_app(person, account)
    device = add_passkey(person, demo)
    person.press("Add a passkey")
    person.expect_text("This device already has a passkey for your account.")
    person.page.get_by_role("button", name="Remove ").click()
    person.expect_text("You have no passkeys yet.")
    wait_until(lambda: device.count() == 0 or None, what="the device still has the removed passkey")


def test_a_removed_passkey_that_a_device_still_has_does_not_sign_in(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    without_signals(person)
    steps.sign_in_to_app(person, account)
    device = add_passkey(person, demo)
    person.page.get_by_role("button", name="Remove ").click()
    person.expect_text("You have no passkeys yet.")
    assert device.count() == 1
    without_autofill(person)
    person.open(demo.web_app)
    person.press("Sign out")
    person.follow("Sign in")
    person.press("Sign in with a passkey")
    person.expect_text("That passkey was removed from your account.")


def test_a_passkey_is_offered_after_the_password_and_signs_in_the_next_time(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    device = device_of(person)
    without_autofill(person)
    person.open(demo.web_app)
    person.follow("Sign in")
    steps.sign_in(person, account)
    person.expect_heading("Sign in faster next time")
    person.press("Create a passkey")
    steps.allow(person)
    person.expect_heading("Hello, Grace Hopper")
    assert device.count() == 1
    person.press("Sign out")
    person.follow("Sign in")
    person.press("Sign in with a passkey")
    person.expect_heading("Hello, Grace Hopper")


def test_not_now_leads_on_to_the_app_and_is_not_asked_again(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    device = device_of(person)
    person.open(demo.web_app)
    person.follow("Sign in")
    steps.sign_in(person, account)
    person.expect_heading("Sign in faster next time")
    person.page.reload()
    person.press("Not now")
    steps.allow(person)
    person.expect_heading("Hello, Grace Hopper")
    person.press("Sign out")
    steps.sign_in_to_app(person, account)
    person.expect_heading("Hello, Grace Hopper")
    assert device.count() == 0


def test_a_canceled_creation_says_so_and_can_be_tried_again(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    device = device_of(person)
    person.page.add_init_script("""
        const create = navigator.credentials.create.bind(navigator.credentials);
        window.refuses = true;
        navigator.credentials.create = (options) =>
          window.refuses ? Promise.reject(new DOMException("canceled", "NotAllowedError")) : create(options);
    """)
    person.open(f"{demo.provider}/login")
    steps.sign_in(person, account)
    person.expect_heading("Sign in faster next time")
    person.press("Create a passkey")
    person.expect_text("No passkey was used. Try again.")
    person.page.evaluate("delete window.refuses")
    person.press("Create a passkey")
    person.page.wait_for_url(f"{demo.provider}/account")
    assert device.count() == 1


def test_a_browser_that_creates_passkeys_without_asking_does_so_after_the_password(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    """WebAuthn Level 3 section 5.1.3: conditional mediation. The user presses nothing."""
    device = software_device_of(person)
    person.open(f"{demo.provider}/login")
    steps.sign_in(person, account)
    person.page.wait_for_url(f"{demo.provider}/account")
    assert len(device.credentials) == 1
    person.open(f"{demo.provider}/account/passkeys")
    person.expect_text("Google Password Manager")


def test_without_scripts_the_pages_offer_the_other_ways(
    plain_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    steps.sign_in_to_app(plain_person, account)  # nothing is offered on the way
    plain_person.open(f"{demo.provider}/account/passkeys")
    plain_person.expect_text("Passkeys need a browser that supports them, with JavaScript turned on.")
    assert not plain_person.page.get_by_role("button", name="Add a passkey").is_visible()
