"""The emails in the console: each with sample values, in every language, and sent as a test (docs/guides/emails.md)."""

from dataclasses import dataclass

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import require_operator
from provider.admin.pages.actions import with_done
from provider.admin.pages.branding import DARK_MODE
from provider.config.settings import Settings
from provider.languages.catalogs import LANGUAGES, Language
from provider.languages.text import Text
from provider.mail.rendering import Email, render_with
from provider.mail.samples import NAMES, sent_when, values_of
from provider.operators import email_tests
from provider.operators.email_tests import NoVerifiedAddress
from provider.refusals import NotFound, TooManyRequests
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.errors import too_many
from provider.web.pages import go, page, sandboxed

PATH = "/admin/emails"


@dataclass(frozen=True)
class Sample:
    """An email with sample values."""

    template: str
    email: Email
    when: str
    """When it is sent, in English."""
    is_own: bool
    """Whether the template is in SIGNET_EMAIL_TEMPLATES."""
    failure: str
    """What is wrong with that template, if it fails. Then ours is sent."""


@endpoint
def list_emails(call: Call) -> Response:
    """List the emails with their subjects: GET /admin/emails."""
    require_operator(call, Permission.SETTINGS_READ)
    samples = [_sample(call.settings, name, call.language) for name in NAMES]
    return page(call, "admin/emails.html", samples=samples, own=call.settings.email_templates)


@endpoint
def show_email(call: Call) -> Response:
    """Show an email: GET /admin/emails/{name}?language=. Raises NotFound."""
    operator = require_operator(call, Permission.SETTINGS_READ)
    to = email_tests.find_own_address(call.work, operator.user_id)
    done = Text("Test email sent to %(address)s.", address=to) if call.query.get("done") == "test" and to else None
    return _show(call, to, done=done)


@endpoint
def show_html(call: Call) -> Response:
    """Show the HTML part in a frame of the page: GET /admin/emails/{name}/html?language=&scheme=. Raises NotFound."""
    require_operator(call, Permission.SETTINGS_READ)
    html = _sample(call.settings, _name(call), _language(call)).email.html
    always = "(min-width: 0)" if call.query.get("scheme") == DARK_MODE else "(max-width: 0)"
    return sandboxed(call, html.replace("(prefers-color-scheme: dark)", always))


@endpoint(form_on=PATH)
def send_test(call: Call) -> Response:
    """Send an email to the operator who asks: POST /admin/emails/{name}/test. Raises NotFound."""
    operator = require_operator(call, Permission.SETTINGS_WRITE)
    name, language = _name(call), _language(call)
    try:
        email_tests.send_test(call.work, user_id=operator.user_id, name=name, language=language)
    except NoVerifiedAddress as refusal:
        return _show(call, None, errors={"": refusal.message}, status_code=refusal.status_code)
    except TooManyRequests as refusal:
        to = email_tests.find_own_address(call.work, operator.user_id)
        return _show(call, to, **too_many(call, refusal))
    return go(with_done(f"{PATH}/{name}?language={language.tag}", "test"))


def _show(
    call: Call,
    to: str | None,
    *,
    done: Text | None = None,
    errors: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    language = _language(call)
    return page(
        call,
        "admin/email.html",
        status_code=status_code,
        frame_sources=("'self'",),
        sample=_sample(call.settings, _name(call), language),
        shown_in=language,
        offered=[LANGUAGES[tag] for tag in call.settings.languages],
        to=to,
        done=done,
        errors=errors or {},
    )


def _name(call: Call) -> str:
    name = call.path_params["name"]
    if name not in NAMES:
        raise NotFound
    return name


def _language(call: Call) -> Language:
    """Return the language that the request names, if it is offered, or that of the page."""
    tag = call.form.get("language") or call.query.get("language")
    return LANGUAGES[tag] if tag in call.settings.languages else call.language


def _sample(settings: Settings, name: str, language: Language) -> Sample:
    own = settings.email_templates
    failure = ""
    if own is not None:
        try:
            email = render_with(own, settings, language, name, **values_of(settings))
        except Exception as error:  # noqa: BLE001  # a template can raise anything
            failure, own = f"{type(error).__name__}: {error}", None
    if own is None:
        email = render_with(None, settings, language, name, **values_of(settings))
    folder = settings.email_templates
    is_own = folder is not None and (folder / f"{name}.jinja").is_file()
    return Sample(name, email, sent_when(name), is_own, failure)
