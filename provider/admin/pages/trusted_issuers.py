"""The trusted issuers in the console (docs/guides/workloads.md): list, add, change, disable and delete."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    Edit,
    Input,
    InvalidInput,
    Subject,
    action_endpoint,
    available,
    done_message,
    require_version_seen,
)
from provider.admin.pages.conflicts import Record
from provider.audit.events import Event
from provider.database.base import parse_id
from provider.jose.algorithms import SIGNATURES
from provider.jose.json_objects import read_object
from provider.languages.catalogs import Language
from provider.languages.text import Text
from provider.oauth.trusted_issuers import issuers, store
from provider.oauth.trusted_issuers.issuers import InvalidIssuer, IssuerSettings, NoSuchIssuer
from provider.oauth.trusted_issuers.store import TrustedIssuer
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/admin/trusted-issuers"
NEEDS = Permission.APPLICATIONS_TRUST
FIELDS = ("issuer", *issuers.MEMBERS)
MAPPINGS: Mapping[str, Text] = {
    issuers.NONE: Text("Not at all: its tokens only authenticate applications"),
    issuers.LINKED: Text("By the account that the user linked"),
    issuers.SUB: Text("Its subject is the user ID"),
}
"""How the subjects of an issuer are users, in words."""


def _options(_language: Language, _chosen: str) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in MAPPINGS.items()]


def _typed_settings(call: Call) -> IssuerSettings:
    """Return the settings in the form. Raises InvalidIssuer."""
    text = {name: call.form.text(name).strip() for name in issuers.MEMBERS}
    given: dict[str, Any] = {**text, "algorithms": tuple(text["algorithms"].split()), "jwks": None}
    if text["jwks"]:
        try:
            given["jwks"] = read_object(text["jwks"])
        except ValueError:
            raise InvalidIssuer("jwks", 'must be a JSON object, for example {"keys": []}.') from None
    return issuers.parse_settings(given)


def _edit(call: Call, subject: Subject[TrustedIssuer]) -> None:
    issuer_id = subject.value.id
    store.lock(call.work.db, issuer_id)
    require_version_seen(call, _version(issuers.find(call.work, issuer_id)))
    try:
        issuers.update(call.work, issuer_id, _typed_settings(call))
    except InvalidIssuer as invalid:
        raise InvalidInput(invalid.member, str(invalid)) from None


def _version(issuer: TrustedIssuer) -> object:
    return [getattr(issuer, name) for name in issuers.MEMBERS]


def _disable(call: Call, subject: Subject[TrustedIssuer]) -> None:
    issuers.disable(call.work, subject.value.id)


def _enable(call: Call, subject: Subject[TrustedIssuer]) -> None:
    issuers.enable(call.work, subject.value.id)


def _delete(call: Call, subject: Subject[TrustedIssuer]) -> None:
    issuers.delete(call.work, subject.value.id)


KEYS_URL = Text("URL of its public keys (optional)")
KEYS_URL_HINT = Text("Leave both key fields empty to find the keys by discovery.")
KEYS = Text("Its public keys (optional)")
KEYS_HINT = Text("A JSON Web Key Set, if Signet can't reach the issuer. Update it when the issuer rotates its keys.")
ALGORITHMS = Text("Signing algorithms")
ALGORITHMS_HINT = Text("With a space between them.")
MAPPING = Text("How its subjects are users")
ACTIONS: Actions[TrustedIssuer] = {
    "edit": Action(
        title=Text("Edit trusted issuer"),
        button=Text("Save"),
        means=(Text("Changes apply to the next token. The URL of an issuer can't be changed."),),
        done=Text("Trusted issuer updated."),
        do=_edit,
        inputs=(
            Input("jwks_uri", KEYS_URL, KEYS_URL_HINT, shown=lambda issuer: issuer.jwks_uri or ""),
            Input(
                "jwks",
                KEYS,
                KEYS_HINT,
                shown=lambda issuer: "" if issuer.jwks is None else json.dumps(issuer.jwks),
            ),
            Input("algorithms", ALGORITHMS, ALGORITHMS_HINT, shown=lambda issuer: " ".join(issuer.algorithms)),
            Input("user_mapping", MAPPING, shown=lambda issuer: issuer.user_mapping, options=_options),
        ),
        edits=Edit(_version, lambda issuer: Record(Event.ISSUER_UPDATED, detail=("issuer", issuer.issuer))),
    ),
    "disable": Action(
        title=Text("Disable trusted issuer"),
        button=Text("Disable"),
        means=(
            Text("Its tokens are rejected from now on. Applications that it authenticates get no more tokens."),
            Text("Tokens that Signet issued in exchange for its tokens stop working."),
            Text("Users have to sign in again to applications that it authenticates."),
        ),
        done=Text("Trusted issuer disabled."),
        do=_disable,
        is_available=lambda issuer: issuer.disabled_at is None,
    ),
    "enable": Action(
        title=Text("Enable trusted issuer"),
        button=Text("Enable"),
        means=(Text("Its tokens are accepted again. Tokens from before it was disabled stay invalid."),),
        done=Text("Trusted issuer enabled."),
        do=_enable,
        is_available=lambda issuer: issuer.disabled_at is not None,
    ),
    "delete": Action(
        title=Text("Delete trusted issuer"),
        button=Text("Delete"),
        means=(
            Text("Applications that it authenticates can no longer authenticate. This can't be undone."),
            Text("Tokens that Signet issued in exchange for its tokens stop working."),
            Text("Users have to sign in again to applications that it authenticates."),
        ),
        done=Text("Trusted issuer deleted."),
        do=_delete,
        danger=True,
    ),
}


@endpoint
def list_trusted_issuers(call: Call) -> Response:
    return _list(call, require_operator(call, Permission.APPLICATIONS_READ))


@endpoint
def create_trusted_issuer(call: Call) -> Response:
    """Trust an issuer: POST /admin/trusted-issuers."""
    operator = require_operator(call, NEEDS)
    try:
        issuers.create(call.work, call.form.text("issuer").strip(), _typed_settings(call))
    except InvalidIssuer as invalid:
        return _list(call, operator, errors={invalid.member: str(invalid)})
    return go(f"{PATH}?added=yes")


def find_trusted_issuer(call: Call, operator: Operator) -> Subject[TrustedIssuer]:
    """Return the issuer named by the path, as a Subject. Raises NoSuchIssuer."""
    issuer_id = parse_id(call.path_params["issuer_id"])
    if issuer_id is None:
        raise NoSuchIssuer
    issuer = issuers.find(call.work, issuer_id)
    return Subject(issuer.issuer, PATH, issuer, operator)


act_on_trusted_issuer = action_endpoint(find_trusted_issuer, ACTIONS, here="trusted-issuers", needs=NEEDS)


def _list(call: Call, operator: Operator, *, errors: dict[str, str] | None = None) -> Response:
    defaults = {"algorithms": " ".join(SIGNATURES), "user_mapping": issuers.NONE}
    typed = {name: call.form.text(name) for name in FIELDS} if errors else dict.fromkeys(FIELDS, "") | defaults
    return page(
        call,
        "admin/trusted_issuers.html",
        status_code=400 if errors else 200,
        issuers=[(issuer, available(ACTIONS, issuer, NEEDS, operator)) for issuer in store.find_all(call.work.read)],
        mappings=MAPPINGS,
        options=_options(call.language, ""),
        typed=typed,
        done=Text("Trusted issuer added.") if "added" in call.query else done_message(call, ACTIONS),
        errors=errors or {},
    )
