"""The branding in the console: a form beside a preview of the sign-in page (docs/guides/branding.md)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, operator_of, require_operator
from provider.admin.pages import conflicts
from provider.admin.pages.actions import (
    VERSION,
    Action,
    Actions,
    Edit,
    InvalidInput,
    Subject,
    action_endpoint,
    available,
    done_message,
    record_reason,
    with_done,
)
from provider.admin.pages.conflicts import Record, conflict
from provider.audit.events import Event
from provider.branding.palette import DARK, FOR_TEXT, LIGHT, Contrasts, contrasts, in_the_dark
from provider.config.branding import Branding
from provider.config.settings import Settings
from provider.languages.text import Text
from provider.operators import branding
from provider.operators.branding import Draft
from provider.operators.etags import ChangedMeanwhile
from provider.saved_settings import branding as saved_branding
from provider.saved_settings.branding import LOGOS, Saved
from provider.web.assets import PlacedAsset, inline
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.look import Look, look_of, preview_stylesheet
from provider.web.pages import go, page

PATH = "/admin/branding"
CHOOSE_AGAIN = Text("Choose the file again.")
MAX_BODY = 1024 * 1024
"""The largest request body, in bytes. It exceeds the limit of two logos, so that the page can report the error."""
COLORS = ("brand_accent", "brand_accent_dark", "brand_paper", "brand_paper_dark")
DARK_MODE = "dark"
NEEDS = Permission.SETTINGS_WRITE


def _reset(call: Call, _subject: Subject[Saved]) -> None:
    branding.save(call.work, {}, seen=call.form.get(VERSION, ""))


RECORD = Record(Event.BRANDING_CHANGED)
SAVED = Text("Branding saved. All pages and emails use it.")
ACTIONS: Actions[Saved] = {
    "reset": Action(
        title=Text("Reset branding"),
        button=Text("Reset branding"),
        means=(
            Text("The saved name, logos, colors and support email are deleted."),
            Text("Values set by environment variables stay in effect."),
        ),
        done=Text("Branding reset."),
        do=_reset,
        danger=True,
        is_available=lambda saved: bool(saved.values),
        edits=Edit(lambda saved: saved.version, lambda _saved: RECORD),
    ),
}


LABELS: Mapping[str, Text] = {
    "brand": Text("Name"),
    "support_email": Text("Support email address"),
    "brand_logo": Text("Logo"),
    "brand_logo_dark": Text("Logo in dark mode"),
    "brand_accent": Text("Accent color"),
    "brand_accent_dark": Text("Accent color in dark mode"),
    "brand_paper": Text("Background color"),
    "brand_paper_dark": Text("Background color in dark mode"),
}


@endpoint
def show_branding(call: Call) -> Response:
    """Show the form: GET /admin/branding."""
    require_operator(call, Permission.SETTINGS_READ)
    return _form(call)


@endpoint(max_body=MAX_BODY)
def save(call: Call) -> Response:
    """Save the form: POST /admin/branding. If something is wrong, the form is shown again."""
    require_operator(call, NEEDS)
    draft = _draft(call)
    try:
        record_reason(call)
        if draft.errors:
            return _form(call, typed=call.form, errors=draft.errors)
        branding.save(call.work, draft.values, seen=call.form.get(VERSION, ""))
    except InvalidInput as refusal:
        return _form(call, typed=call.form, errors={**draft.errors, refusal.name: refusal.message})
    except ChangedMeanwhile as refusal:
        return _form(call, typed=call.form, errors=_overtaken(call), status_code=refusal.status_code, is_overtaken=True)
    return go(with_done(PATH, "save"))


@endpoint
def show_preview(call: Call) -> Response:
    """Show the sign-in page with the branding in effect, inside of the console: GET /admin/branding/preview."""
    require_operator(call, Permission.SETTINGS_READ)
    return _preview(call, Draft(saved_branding.find(call.work.read).values), call.query.get("scheme"))


@endpoint(max_body=MAX_BODY, form_on=PATH)
def preview(call: Call) -> Response:
    """Show the sign-in page with the branding in the form, which is not saved: POST /admin/branding/preview."""
    require_operator(call, NEEDS)
    return _preview(call, _draft(call), call.form.get("scheme"))


@endpoint
def preview_css(call: Call) -> Response:
    """Return the styles of a preview with the colors in the query: GET /admin/branding/preview.css."""
    require_operator(call, Permission.SETTINGS_READ)
    settings = call.installation.settings
    draft = branding.read_draft(settings, Saved(), call.query, {})
    styles = preview_stylesheet(branding.applied(settings, draft.values), is_dark=call.query.get("scheme") == DARK_MODE)
    return Response(styles, media_type="text/css", headers={"cache-control": "no-store"})


def find_branding(call: Call, operator: Operator) -> Subject[Saved]:
    """Return what is saved, as a Subject."""
    return Subject(call.settings.brand, PATH, saved_branding.find(call.work.read), operator)


act_on_branding = action_endpoint(find_branding, ACTIONS, here="branding", needs=NEEDS)


def _draft(call: Call) -> Draft:
    saved = saved_branding.find(call.work.read)
    return branding.read_draft(call.installation.settings, saved, call.form, call.files)


def _form(
    call: Call,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    status_code: int = 400,
    is_overtaken: bool = False,
) -> Response:
    saved = saved_branding.find(call.work.read)
    call.installation.branding.take(saved)  # another process may have saved it a moment ago
    settings = call.settings = call.installation.effective_settings
    fixed = branding.fixed(call.installation.settings)
    shown = {name: getattr(settings, name) if name in fixed else saved.values.get(name) for name in LABELS}
    look = look_of(settings)
    return page(
        call,
        "admin/branding.html",
        status_code=status_code if errors else 200,
        frame_sources=("'self'",),
        labels=LABELS,
        default_name=Branding.model_fields["brand"].default,
        fixed=fixed,
        shown=shown,
        typed={name: shown[name] or "" for name in LABELS} if typed is None else typed,
        logos={"brand_logo": look.logo, "brand_logo_dark": look.logo_dark},
        version=branding.version(saved),
        actions=available(ACTIONS, saved, NEEDS, operator_of(call)),
        done=SAVED if call.query.get("done") == "save" else done_message(call, ACTIONS),
        why=call.form.get("why", ""),
        errors=errors or {},
        overtaken=_conflict(call, shown) if is_overtaken else None,
    )


def _overtaken(call: Call) -> dict[str, str]:
    """Return the errors of a form that another change overtook. A browser doesn't keep the file that was chosen."""
    return {"": conflicts.MESSAGE, **{name: CHOOSE_AGAIN for name in LOGOS if call.files.get(name)}}


def _conflict(call: Call, shown: Mapping[str, str | None]) -> dict[str, Any]:
    differing = [
        (label, shown[name])
        for name, label in LABELS.items()
        if name not in LOGOS and (shown[name] or "") != call.form.get(name, "").strip()
    ]
    return conflict(call, RECORD, differing)


def preview_look(settings: Settings, *, is_dark: bool) -> Look:
    """Return the look of pages that are always light or dark, whatever the browser prefers."""
    look = look_of(settings)
    logo = (look.logo_dark if is_dark else None) or look.logo
    colors = {name: getattr(settings, name) for name in COLORS if getattr(settings, name) is not None}
    styles = f"{PATH}/preview.css?{urlencode({'scheme': DARK_MODE if is_dark else 'light', **colors})}"
    stylesheet = PlacedAsset("preview.css", "text/css", b"", styles)
    return replace(look, stylesheet=stylesheet, logo=logo and inline(logo), logo_dark=None)


def _preview(call: Call, draft: Draft, scheme: str | None) -> Response:
    is_dark = scheme == DARK_MODE
    settings = call.settings = branding.applied(call.installation.settings, draft.values)
    return page(
        call,
        "admin/branding_preview.html",
        framed_here=True,
        offers_languages=False,
        look=preview_look(settings, is_dark=is_dark),
        contrasts=_contrasts(settings, is_dark=is_dark),
        least=FOR_TEXT,
        problems=draft.errors,
        labels=LABELS,
        where=destination(call, {}),
        action=PATH,
        passkey_action=None,
        upstreams=call.services.sign_in_buttons(),
        signals=None,
        username="name@example.com",
        reason=None,
        takes_focus=False,
        errors={},
    )


def _contrasts(settings: Settings, *, is_dark: bool) -> Contrasts:
    accent, paper = settings.brand_accent, settings.brand_paper
    if is_dark:
        paper = settings.brand_paper_dark or DARK.paper
        accent = settings.brand_accent_dark or (accent and in_the_dark(accent, paper))
    return contrasts(DARK if is_dark else LIGHT, accent=accent, paper=paper)
