"""The endpoints of SCIM. They load `scim2-models` with the first request."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

from starlette.responses import Response

from provider.scim.callers import Directory, require_directory
from provider.scim.error_responses import as_scim
from provider.scim.errors import MEDIA_TYPE, ScimRefusal
from provider.web.call import Call
from provider.web.endpoint import Endpoint
from provider.web.json_responses import JsonResponse

if TYPE_CHECKING:
    from provider.scim.resources import Answer, Groups, Users

LARGEST = 1024 * 1024
"""The largest body in bytes. A group may be replaced with ten thousand members."""
NO_STORE = {"cache-control": "no-store"}
Kind = Literal["Users", "Groups"]
Function = Callable[[Call, Directory], Response]


def _endpoint(function: Function) -> Endpoint:
    def carry_out(call: Call) -> Response:
        return function(call, require_directory(call))

    carry_out.__name__, carry_out.__doc__ = function.__name__, function.__doc__
    carry_out.__module__ = function.__module__
    return Endpoint(carry_out, csrf_checked=False, hashes_passwords=False, render=as_scim, max_body=LARGEST)


def _json(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JsonResponse(body, status_code=status, headers={**NO_STORE, **(headers or {})}, media_type=MEDIA_TYPE)


def _kind(call: Call, directory: Directory, name: Kind) -> "Users | Groups":
    from provider.scim import resources  # noqa: PLC0415

    kind = resources.Users if name == "Users" else resources.Groups
    return kind(call.work, directory)


def _response(answer: "Answer") -> Response:
    headers = {} if answer.version is None else {"etag": answer.version}
    if answer.status == 201 and answer.location is not None:
        headers["location"] = answer.location
    if answer.view is None:
        return Response(status_code=answer.status, headers={**NO_STORE, **headers})
    return _json(answer.view, answer.status, headers)


def _asked(call: Call) -> Any:
    from provider.scim.resources import Asked  # noqa: PLC0415

    return Asked(
        query=call.query, if_match=call.header_list("if-match"), if_none_match=call.header_list("if-none-match")
    )


def _query(call: Call) -> dict[str, str]:
    """Return the parameters of the query. An empty `cursor` asks for the first page (RFC 9865 section 2); other empty
    parameters are left out.
    """
    given = dict(call.query)
    blank = dict(parse_qsl(call.scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return {**{name: "" for name in blank if name.lower() == "cursor"}, **given}


def _body(call: Call) -> dict[str, Any]:
    from provider.scim.reading import read_body  # noqa: PLC0415

    return read_body(call.headers.get("content-type", ""), call.body)


def list_resources(kind: Kind) -> Endpoint:
    def list_resources(call: Call, directory: Directory) -> Response:
        """List resources (RFC 7644 section 3.4.2)."""
        return _json(_kind(call, directory, kind).list(_query(call)))

    return _endpoint(list_resources)


def search_resources(kind: Kind) -> Endpoint:
    def search_resources(call: Call, directory: Directory) -> Response:
        """List resources by a query in the body (RFC 7644 section 3.4.3)."""
        return _json(_kind(call, directory, kind).list(_body(call)))

    return _endpoint(search_resources)


def create_resource(kind: Kind) -> Endpoint:
    def create_resource(call: Call, directory: Directory) -> Response:
        """Create a resource (RFC 7644 section 3.3)."""
        return _response(_kind(call, directory, kind).create(_body(call), _asked(call)))

    return _endpoint(create_resource)


def show_resource(kind: Kind) -> Endpoint:
    def show_resource(call: Call, directory: Directory) -> Response:
        """Get a resource (RFC 7644 section 3.4.1)."""
        return _response(_kind(call, directory, kind).show(call.path_params["resource_id"], _asked(call)))

    return _endpoint(show_resource)


def replace_resource(kind: Kind) -> Endpoint:
    def replace_resource(call: Call, directory: Directory) -> Response:
        """Replace a resource (RFC 7644 section 3.5.1)."""
        replace = _kind(call, directory, kind).replace
        return _response(replace(call.path_params["resource_id"], _body(call), _asked(call)))

    return _endpoint(replace_resource)


def change_resource(kind: Kind) -> Endpoint:
    def change_resource(call: Call, directory: Directory) -> Response:
        """Change a resource (RFC 7644 section 3.5.2)."""
        change = _kind(call, directory, kind).change
        return _response(change(call.path_params["resource_id"], _body(call), _asked(call)))

    return _endpoint(change_resource)


def delete_resource(kind: Kind) -> Endpoint:
    def delete_resource(call: Call, directory: Directory) -> Response:
        """Delete a resource (RFC 7644 section 3.6)."""
        return _response(_kind(call, directory, kind).delete(call.path_params["resource_id"], _asked(call)))

    return _endpoint(delete_resource)


def _bulk(call: Call, directory: Directory) -> Response:
    """Carry out several operations (RFC 7644 section 3.7)."""
    from provider.scim import bulk as operations  # noqa: PLC0415

    return _json(operations.carry_out(call.work, directory, _body(call)))


def _not_implemented(_call: Call, _directory: Directory) -> Response:
    """Answer 501: there is no user who acts (`/Me`), and no search of users and groups together."""
    raise ScimRefusal(None, "This is not supported. Use /Users or /Groups.", status=501)


def _show_config(call: Call, _directory: Directory) -> Response:
    """Get the capabilities (RFC 7643 section 5)."""
    from provider.scim import discovery  # noqa: PLC0415

    return _json(discovery.config(call.work))


def _documents(call: Call, which: Literal["resource_types", "schemas"]) -> list[dict[str, Any]]:
    from provider.scim import discovery  # noqa: PLC0415

    if "filter" in call.query:  # RFC 7644 section 4
        raise ScimRefusal(None, "Filters are not supported here.", status=403)
    return discovery.resource_types(call.work) if which == "resource_types" else discovery.schemas(call.work)


def list_documents(which: Literal["resource_types", "schemas"]) -> Endpoint:
    def list_documents(call: Call, _directory: Directory) -> Response:
        """List the resource types or schemas (RFC 7644 section 4)."""
        from provider.scim.lists import LIST  # noqa: PLC0415

        found = _documents(call, which)
        size = {"totalResults": len(found), "itemsPerPage": len(found), "startIndex": 1}
        return _json({"schemas": [LIST], **size, "Resources": found})

    return _endpoint(list_documents)


def show_document(which: Literal["resource_types", "schemas"]) -> Endpoint:
    def show_document(call: Call, _directory: Directory) -> Response:
        """Get a resource type or a schema (RFC 7644 section 4)."""
        from provider.scim import discovery  # noqa: PLC0415

        return _json(discovery.find(_documents(call, which), call.path_params["resource_id"]))

    return _endpoint(show_document)


bulk = _endpoint(_bulk)
not_implemented = _endpoint(_not_implemented)
show_config = _endpoint(_show_config)
