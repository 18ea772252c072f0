"""The page on which an operator edits the attributes of a user: /admin/users/{user_id}/attributes."""

from starlette.responses import Response

from provider.accounts.attributes import values as rules
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.values import InvalidAttributes, UserAttribute
from provider.accounts.pages.attribute_form import errors_of, fields_of, read_values, typed_values
from provider.accounts.store import users
from provider.admin.guards import require_operator
from provider.admin.pages import conflicts
from provider.admin.pages.actions import InvalidInput, Subject, record_reason, require_version_seen
from provider.admin.pages.conflicts import Record, conflict
from provider.admin.pages.users.details import UserDetails
from provider.admin.pages.users.frame import NEEDS, find_user
from provider.audit.events import Event
from provider.operators.etags import ChangedMeanwhile, version_of
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint
def show_attributes(call: Call) -> Response:
    """Show the form: GET /admin/users/{user_id}/attributes."""
    subject = find_user(call, require_operator(call, NEEDS))
    subject.require_possible()
    return _form(call, subject, _found(call, subject))


@endpoint
def save_attributes(call: Call) -> Response:
    """Save the form: POST to the same URL."""
    subject = find_user(call, require_operator(call, NEEDS))
    subject.require_possible()
    users.lock(call.work.db, subject.value.user.id)
    found = _found(call, subject)
    try:
        require_version_seen(call, rules.set_values(found))
        record_reason(call)
        given = read_values(found, typed_values(call, found, editor=Editor.OPERATOR))
        rules.change_values(
            call.work,
            user_id=subject.value.user.id,
            given=given,
            editor=Editor.OPERATOR,
            place=Place.ADMIN,
            complete=True,
        )
    except InvalidAttributes as refusal:
        return _form(call, subject, found, errors_of(refusal), status_code=refusal.status_code)
    except InvalidInput as refusal:
        return _form(call, subject, found, {refusal.name: refusal.message}, status_code=refusal.status_code)
    except ChangedMeanwhile as refusal:
        return _form(call, subject, found, {"": conflicts.MESSAGE}, status_code=refusal.status_code)
    return go(f"{subject.url}?attributes=saved")


def _found(call: Call, subject: Subject[UserDetails]) -> list[UserAttribute]:
    return rules.find_of_user(call.work, subject.value.user.id, seen_by=Editor.OPERATOR)


def _form(
    call: Call,
    subject: Subject[UserDetails],
    found: list[UserAttribute],
    errors: dict[str, str] | None = None,
    *,
    status_code: int = 200,
) -> Response:
    typed = None if errors is None else typed_values(call, found, editor=Editor.OPERATOR)
    fields = fields_of(found, editor=Editor.OPERATOR, place=Place.ADMIN, typed=typed)
    overtaken = None
    if errors is not None and "" in errors:
        saved = fields_of(found, editor=Editor.OPERATOR, place=Place.ADMIN)
        differing = [(one.label, one.text) for one, mine in zip(saved, fields, strict=True) if one.text != mine.text]
        overtaken = conflict(call, Record(Event.ATTRIBUTES_CHANGED, user_id=subject.value.user.id), differing)
    return page(
        call,
        "admin/user_attributes.html",
        status_code=status_code,
        subject=subject,
        attributes=fields,
        why=call.form.get("why", "") if errors is not None else "",
        version=version_of(rules.set_values(found)),
        errors=errors or {},
        overtaken=overtaken,
    )
