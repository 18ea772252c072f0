"""Test emails: an operator sends an email with sample values to their own address."""

from provider.accounts.store import email_addresses
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.catalogs import Language
from provider.languages.text import Text
from provider.mail.rendering import render
from provider.mail.samples import values_of
from provider.outbox import messages
from provider.outbox.topics import Topic
from provider.ratelimits import LIMITS, hit
from provider.refusals import Refusal
from provider.work import UnitOfWork


class NoVerifiedAddress(Refusal):
    """The operator has no verified email address that a test could go to."""

    code = "no-verified-address"
    status_code = 409
    message = Text("Your account has no verified email address. Verify it first.")


def find_own_address(work: UnitOfWork, user_id: str) -> str | None:
    """Return the verified email address of an operator, or None."""
    address = email_addresses.find_of_user(work.read, user_id)
    return None if address is None or address.verified_at is None else address.address


def send_test(work: UnitOfWork, *, user_id: str, name: str, language: Language) -> None:
    """Queue the email `name`, with sample values, to the operator's own address.

    Raises NoVerifiedAddress, TooManyRequests.
    """
    to = find_own_address(work, user_id)
    if to is None:
        raise NoVerifiedAddress
    hit(work, LIMITS.test_email, key=f"test-email:{user_id}")
    email = render(work.settings, language, name, **values_of(work.settings))
    # Its code and links do not work, so the subject must not look like that of an email to act on.
    subject = language.say(Text("Test: %(subject)s", subject=email.subject))
    payload = {"to": to, "subject": subject, "text": email.text, "html": email.html}
    messages.enqueue(work, Topic.MAIL, payload, about=f"test_email to {to}")
    record(work, Event.TEST_EMAIL_SENT, user_id=user_id, template=name, language=language.tag)
