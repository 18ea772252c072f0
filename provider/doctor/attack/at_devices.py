"""Probes of the device flow (RFC 8628), and of guessing: user codes and passwords."""

from collections.abc import Mapping

from provider.crypto.digests import new_opaque
from provider.doctor.attack.on_pages import FOREIGN
from provider.doctor.attack.probe import probe
from provider.doctor.attack.visitor import Page
from provider.doctor.attack.wire import TOO_MANY, Unclear
from provider.doctor.attack.world import LOGIN, TOKEN, World, first, read, rejected
from provider.doctor.transport import Response
from provider.oauth.clients.choices import DEVICE_CODE

DEVICE = "/device"
CSRF = "csrf_token"
GUESSES = 8
"""Wrong passwords for the throw-away user. After five, Signet lets no more be tried for a while."""
WHY = "Someone else's device would get into the account of the user."


def _begin(world: World) -> dict[str, str]:
    """Return the codes of a new device. Raises Unclear."""
    answer = world.post("/oauth2/device_authorization", {"scope": "openid"}, world.guests.public)
    found = read(answer)
    if answer.status != 200 or "device_code" not in found:
        raise Unclear(f"No device flow begins: {answer.status} {found.get('error', '')}")
    return {name: str(value) for name, value in found.items()}


def _poll(world: World, device_code: str, *, confidential: bool = False) -> Response:
    by = world.guests.confidential if confidential else world.guests.public
    return world.post(TOKEN, {"grant_type": DEVICE_CODE, "device_code": device_code}, by)


@probe(
    "device-code-before-approval",
    tries="A device code that no user has allowed, and an invented one",
    must="authorization_pending, and invalid_grant",
    why=WHY,
    section="RFC 8628 section 3.5",
)
def before_approval(world: World) -> str | None:
    waiting = _poll(world, _begin(world)["device_code"])
    return first(
        [
            rejected(waiting, "authorization_pending", "slow_down"),
            rejected(_poll(world, new_opaque()), "invalid_grant", "expired_token"),
        ]
    )


@probe(
    "device-code-of-another-client",
    tries="A device code of one client, used by another",
    must="invalid_grant",
    why="An app gets tokens for which the user allowed another app.",
    section="RFC 8628 section 3.4",
)
def of_another_client(world: World) -> str | None:
    codes = _begin(world)
    return rejected(_poll(world, codes["device_code"], confidential=True), "invalid_grant", "expired_token")


@probe(
    "forged-device-approval",
    tries="The form that allows a device: without token, with that of another browser, from another site; and the link "
    "with the user code alone",
    must="rejected, and the device waits on",
    why=WHY,
    section="RFC 8628 section 5.4",
)
def forged_approval(world: World) -> str | None:
    codes = _begin(world)
    page = world.visitor.visit(f"{world.case.url}{DEVICE}?user_code={codes['user_code']}")
    form = page.form_to_allow()
    if form is None:
        raise Unclear(f"The device page has no form to allow (status {page.response.status}).")
    stranger = world.new_visitor().visit(world.case.url + LOGIN).form_with("password")
    other = "" if stranger is None else stranger.values().get(CSRF, "")
    attempts: list[tuple[dict[str, str | None], Mapping[str, str]]] = [
        ({CSRF: None}, {}),
        ({CSRF: other}, {}),
        *(({}, headers) for headers in FOREIGN),
    ]
    answers = [
        world.visitor.submit(page, form, {"decision": "allow", **changes}, headers=headers)
        for changes, headers in attempts
    ]
    allowed = [answer for answer in answers if _is_allowed(answer)]
    if allowed:
        return f"A forged form allows the device: it leads to {allowed[0].location}."
    return rejected(_poll(world, codes["device_code"]), "authorization_pending", "slow_down")


def _is_allowed(page: Page) -> bool:
    return page.location is not None and "answer=allowed" in page.location


@probe(
    "password-guessing",
    tries=f"{GUESSES} wrong passwords for the throw-away user, one after the other, in a browser that is not known",
    must="429 after five, also for the right password",
    why="With enough attempts, any password is guessed.",
    section="OWASP ASVS 5.0 section 6.3.1; NIST SP 800-63B section 3.2.2",
)
def password_guessing(world: World) -> str | None:
    visitor = world.new_visitor()
    world.wire.expects_limit = True
    try:
        for number in range(1, GUESSES + 1):
            page = visitor.visit(world.case.url + LOGIN)
            form = page.form_with("password")
            if form is None:
                raise Unclear(f"There is no sign-in form on a page with status {page.response.status}.")
            _, typed = world.next_form(page)
            wrong = {**typed, str(form.find("password")): new_opaque()}
            answer = visitor.submit(page, form, typed if number == GUESSES else wrong)
            if visitor.session() is not None:
                return f"The right password signs in after {number - 1} wrong ones, without a wait."
            if number == 1 and answer.response.status == TOO_MANY:
                raise Unclear("The first attempt is limited already, so this is no verdict about guessing.")
        if answer.response.status != TOO_MANY:
            return f"After {GUESSES - 1} wrong passwords, the answer is {answer.response.status}."
    finally:
        world.wire.expects_limit = False
    return None
