"""What a client sends: JSON read strictly, and validated as a message of RFC 7643 and RFC 7644."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError
from scim2_models import Context, Error, PatchOp, Resource, SCIMException, ScimPolicy

from provider.jose.json_objects import is_deeper, read_object
from provider.scim.errors import MEDIA_TYPE, ScimRefusal, invalid
from provider.scim.models import ENTERPRISE

POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""What is tolerated, because Microsoft Entra ID and Okta send it: attributes that are not kept, the value of a removal,
and a change of an entry that is not there yet.
"""
DEEPEST = 12
"""How deep the JSON of a request may be nested."""
MOST_CHANGES = 100
"""The most operations of one PATCH of a user. Each may compare every value of an attribute."""
TYPES = {MEDIA_TYPE, "application/json"}


def read_body(content_type: str, raw: bytes) -> dict[str, Any]:
    """Parse the body of a request. Raises ScimRefusal."""
    if content_type.partition(";")[0].strip().lower() not in TYPES:
        raise ScimRefusal(None, f"Send the body as JSON with the header Content-Type: {MEDIA_TYPE}.", status=415)
    try:
        given = read_object(raw)
        if is_deeper(given, DEEPEST):
            raise ScimRefusal("invalidSyntax", f"The body is nested more than {DEEPEST} levels deep.")
        text = json.dumps(given, ensure_ascii=False)
        text.encode("utf-8")  # a lone surrogate is no text
    except (ValueError, RecursionError):
        raise ScimRefusal("invalidSyntax", "The body must be a JSON object in UTF-8.") from None
    if "\\u0000" in text:
        raise invalid("Text can't contain the character U+0000.")
    return given


@contextmanager
def as_refusals() -> Iterator[None]:
    """Turn the errors of scim2-models into refusals."""
    try:
        with POLICY:
            yield
    except ValidationError as error:
        raise _refusal(Error.from_validation_errors(error)[0]) from None
    except SCIMException as error:
        raise _refusal(error.to_error()) from None


def _refusal(error: Error) -> ScimRefusal:
    return ScimRefusal(error.scim_type, (error.detail or "The request is not valid.")[:500], status=error.status or 400)


def read_resource(
    model: type[Resource[Any]], given: Mapping[str, Any], *, original: Resource[Any] | None = None
) -> Resource[Any]:
    """Validate a resource that is created, or that replaces `original`. Raises ScimRefusal."""
    _require_schemas(model, given.get("schemas"))
    context = Context.RESOURCE_CREATION_REQUEST if original is None else Context.RESOURCE_REPLACEMENT_REQUEST
    with as_refusals():
        resource = model.model_validate(_with_objects(given), scim_ctx=context)
        if original is not None:
            resource.replace(original)
        return resource


def load(model: type[Resource[Any]], view: Mapping[str, Any]) -> Resource[Any]:
    """Return a resource as the client sees it as a model."""
    with POLICY:
        return model.model_validate(dict(view))


def read_changes(model: type[Resource[Any]], given: Mapping[str, Any], *, most: int = MOST_CHANGES) -> Any:
    """Validate a PATCH request (RFC 7644 section 3.5.2). Raises ScimRefusal."""
    operations = given.get("Operations", given.get("operations"))
    if not isinstance(operations, list) or not operations:
        raise ScimRefusal("invalidSyntax", "Operations must be a list of one or more operations.")
    if len(operations) > most:
        raise ScimRefusal("tooMany", f"A PATCH can have at most {most} operations.")
    with as_refusals():
        # Subscripted like this, because a checker takes the index for a type.
        kind: Any = PatchOp.__class_getitem__(model)
        changes = kind.model_validate(
            {**given, "Operations": [_with_manager(one) for one in operations]}, scim_ctx=Context.RESOURCE_PATCH_REQUEST
        )
        for one in changes.operations:
            if one.path is not None and str(one.path) and one.path.model is None and one.path.resolve() is None:
                raise ScimRefusal("invalidPath", f"There is no attribute {str(one.path)[:100]}.")
        return changes


def apply_changes(changes: Any, resource: Resource[Any]) -> bool:
    """Apply a PATCH to a resource. Returns whether it changed something. Raises ScimRefusal."""
    with as_refusals():
        return bool(changes.patch(resource))


def _require_schemas(model: type[Resource[Any]], schemas: object) -> None:
    known = {str(model.__schema__).lower(), *(urn.lower() for urn in model.get_extension_models())}
    if not isinstance(schemas, list) or not all(isinstance(one, str) for one in schemas):
        raise ScimRefusal("invalidSyntax", f"schemas must be a list with {model.__schema__}.")
    unknown = [one for one in schemas if one.lower() not in known]
    if unknown or str(model.__schema__).lower() not in {one.lower() for one in schemas}:
        problem = f"{unknown[0][:100]} is unknown." if unknown else f"It must contain {model.__schema__}."
        raise invalid(f"schemas: {problem}")


def _with_objects(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource in which a manager that is only an ID is an object, as Microsoft Entra ID sends it."""
    return {name: _with_manager_object(value) if _is_enterprise(name) else value for name, value in given.items()}


def _with_manager(operation: Any) -> Any:
    if not isinstance(operation, dict):
        return operation
    path, value = operation.get("path"), operation.get("value")
    if isinstance(path, str) and path.lower() == f"{ENTERPRISE}:manager".lower() and isinstance(value, str):
        return {**operation, "value": {"value": value} if value else None}
    if isinstance(path, str) and _is_enterprise(path):
        return {**operation, "value": _with_manager_object(value)}
    if not path and isinstance(value, dict):
        manager = f"{ENTERPRISE}:manager".lower()
        plain = {
            name: {"value": one} if name.lower() == manager and isinstance(one, str) else one
            for name, one in value.items()
        }
        return {**operation, "value": _with_objects(plain)}
    return operation


def _is_enterprise(name: str) -> bool:
    return name.lower() == ENTERPRISE.lower()


def _with_manager_object(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("manager"), str):
        manager = value["manager"]
        return {**value, "manager": {"value": manager} if manager else None}
    return value
