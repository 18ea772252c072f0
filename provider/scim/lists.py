"""Lists of resources: filtered, sorted, and in pages by index (RFC 7644 section 3.4.2.4) or by cursor (RFC 9865).

A page by cursor costs the same wherever it is. A filter has at most `filters.MOST` candidates, which are read at once.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scim2_models import Context, Resource, SearchRequest

from provider.scim import filters, groups, users
from provider.scim.callers import Directory
from provider.scim.errors import ScimRefusal
from provider.scim.filters import Finder
from provider.scim.finders import find_groups, find_users
from provider.scim.models import GROUP, USER, Group
from provider.scim.reading import as_refusals
from provider.scim.store import groups as group_store
from provider.scim.store import users as user_store
from provider.work import UnitOfWork

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
USUAL, MOST = 100, 200
"""How many resources a page has: without `count`, and at most."""
MOST_SKIPPED = 500_000
"""The most resources that a page by index skips. Cursors have no limit."""
CURSOR_LIFETIME = timedelta(hours=1)
REMEMBERED = timedelta(days=7)
"""How long an expired cursor is told from an invalid one."""
PARAMETERS = {
    "filter": "filter",
    "sortby": "sortBy",
    "sortorder": "sortOrder",
    "startindex": "startIndex",
    "count": "count",
    "cursor": "cursor",
    "attributes": "attributes",
    "excludedattributes": "excludedAttributes",
}


@dataclass(frozen=True)
class _Kind:
    """One kind of resource, and how its lists are read."""

    name: str
    core: str
    model: type[Resource[Any]]
    finder: Finder
    show: Callable[[list[str]], list[dict[str, Any]]]
    page: Callable[..., list[tuple[Any, str]]]
    count: Callable[[], int]
    sorted_by: Mapping[str, str]
    """What lists can be sorted by without a filter: attribute in lower case to column."""


def list_users(work: UnitOfWork, directory: Directory, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a list of users. Raises ScimRefusal."""
    kind = _Kind(
        name="users",
        core=USER,
        model=users.find_model(work),
        finder=find_users(work, directory),
        show=lambda keys: users.find_views(work, directory, keys),
        page=lambda **asked: user_store.find_page(work.read, **asked),
        count=lambda: user_store.count(work.read),
        sorted_by={"id": "id", "meta.created": "created_at"},
    )
    return _list(work, directory, kind, given)


def list_groups(work: UnitOfWork, directory: Directory, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a list of groups. Raises ScimRefusal."""
    query = filters.read_query(Group, _known(given))
    # What a filter compares is needed also where it is not returned (RFC 7644 section 3.9). `meta` has the
    # version, which depends on the members.
    with_members = _wants_members(query) or (
        query.filter is not None and filters.names_any(query.filter.ast, {"members", "meta"})
    )

    def page(
        *, after: tuple[Any, str] | None = None, skip: int = 0, limit: int, descending: bool, **_order: str
    ) -> list[tuple[Any, str]]:
        last = None if after is None else after[1]
        found = group_store.find_page(work.read, after=last, skip=skip, limit=limit, descending=descending)
        return [(name, name) for name in found]

    kind = _Kind(
        name="groups",
        core=GROUP,
        model=Group,
        finder=find_groups(work, directory),
        show=lambda keys: groups.find_views(work, directory, keys, with_members=with_members),
        page=page,
        count=lambda: group_store.count(work.read),
        sorted_by={"id": "name"},
    )
    return _list(work, directory, kind, given)


def project(model: type[Resource[Any]], view: Mapping[str, Any], query: SearchRequest[Any] | None) -> dict[str, Any]:
    """Return a resource with the attributes that a client asked for (RFC 7644 section 3.9)."""
    if query is None or not (query.attributes or query.excluded_attributes):
        return dict(view)
    with as_refusals():
        resource = model.model_validate(view)
        return resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=query)


def read_selection(model: type[Resource[Any]], given: Mapping[str, Any]) -> SearchRequest[Any]:
    """Return the attributes that a request for one resource asks for. Raises ScimRefusal."""
    known = _known(given)
    return filters.read_query(
        model, {name: known[name] for name in ("attributes", "excludedAttributes") if name in known}
    )


def wants_members(given: Mapping[str, Any]) -> bool:
    """Return whether a request for groups asks for their members."""
    return _wants_members(read_selection(Group, given))


def _wants_members(query: SearchRequest[Any]) -> bool:
    asked = [_short(path) for path in query.attributes or ()]
    if asked:
        return any(path.startswith("members") for path in asked)
    return all(_short(path) != "members" for path in query.excluded_attributes or ())


def _short(path: object) -> str:
    return str(path).rpartition(":")[2].lower()


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {PARAMETERS[name.lower()]: value for name, value in given.items() if name.lower() in PARAMETERS}
    if str(found.get("count", "0")).lstrip("-").isdigit() is False:
        raise ScimRefusal("invalidCount" if "cursor" in found else "invalidValue", "count must be a whole number.")
    if isinstance(found.get("sortOrder"), str):
        found["sortOrder"] = found["sortOrder"].lower()
    return found


def _list(work: UnitOfWork, directory: Directory, kind: _Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    known = _known(given)
    query = filters.read_query(kind.model, known)
    count = USUAL if query.count is None else min(query.count, MOST)
    if query.cursor is not None and query.start_index is not None:
        raise ScimRefusal("invalidValue", "Send either cursor or startIndex.")
    if query.filter is not None:
        return _filtered(work, directory, kind, query, count)
    order = "id" if query.sort_by is None else _short(query.sort_by)
    if order not in kind.sorted_by:
        raise ScimRefusal("invalidPath", f"Without a filter, lists can be sorted by {', '.join(kind.sorted_by)} only.")
    descending = query.sort_order == SearchRequest.SortOrder.descending
    asked = {"order": kind.sorted_by[order], "descending": descending}
    if query.cursor is not None:
        return _by_cursor(work, directory, kind, query, count=count, asked=asked)
    start = query.start_index or 1
    if start > MOST_SKIPPED:
        raise ScimRefusal("tooMany", f"startIndex can be at most {MOST_SKIPPED}. Use cursor instead.")
    total = kind.count()
    found = kind.page(skip=start - 1, limit=count, **asked) if count and start <= total else []
    shown = [project(kind.model, view, query) for view in kind.show([key for _, key in found])]
    return _response(shown, total=total, startIndex=start)


def _by_cursor(
    work: UnitOfWork, directory: Directory, kind: _Kind, query: SearchRequest[Any], *, count: int, asked: dict[str, Any]
) -> dict[str, Any]:
    purpose = _purpose(directory, kind, query)
    after = _open_cursor(work, purpose, query.cursor) if query.cursor else None
    place = None if after is None else (_place(after[0], asked["order"]), after[1])
    found = kind.page(after=place, limit=count + 1, **asked)
    page, further = found[:count], len(found) > count and bool(count)
    shown = [project(kind.model, view, query) for view in kind.show([key for _, key in page])]
    cursor = {"nextCursor": _seal_cursor(work, purpose, page[-1])} if further else {}
    return _response(shown, total=None, **cursor)


def _filtered(
    work: UnitOfWork, directory: Directory, kind: _Kind, query: SearchRequest[Any], count: int
) -> dict[str, Any]:
    """Return the resources that match a filter. All candidates are read, so a cursor is the number of the next one."""
    assert query.filter is not None  # noqa: S101  # of the only caller
    views = kind.show(filters.find_candidates(query.filter.ast, kind.finder, core=kind.core))
    with as_refusals():
        pairs = [(resource, view) for view in views if query.filter.match(resource := kind.model.model_validate(view))]
        if query.sort_by is not None:
            places = {id(resource): view for resource, view in pairs}
            ordered = query.sort([resource for resource, _ in pairs])
            pairs = [(resource, places[id(resource)]) for resource in ordered]
    start, total = query.start_index or 1, len(pairs)
    more: dict[str, Any] = {}
    if query.cursor is not None:
        purpose = _purpose(directory, kind, query)
        start = int(_open_cursor(work, purpose, query.cursor)[1]) if query.cursor else 1
        if count and start - 1 + count < total:
            more["nextCursor"] = _seal_cursor(work, purpose, ("", str(start + count)))
    else:
        more["startIndex"] = start
    shown = [project(kind.model, view, query) for _, view in pairs[start - 1 : start - 1 + count]]
    return _response(shown, total=total, **more)


def _response(shown: list[dict[str, Any]], *, total: int | None, **more: Any) -> dict[str, Any]:
    known = {} if total is None else {"totalResults": total}
    return {"schemas": [LIST], **known, "itemsPerPage": len(shown), **more, "Resources": shown}


def _purpose(directory: Directory, kind: _Kind, query: SearchRequest[Any]) -> str:
    """Return what a cursor is sealed for: the client, and the query that it continues."""
    asked = f"{query.filter}\n{query.sort_by}\n{query.sort_order}"
    return f"scim/{kind.name}/{directory.client_id}/{hashlib.sha256(asked.encode()).hexdigest()}"


def _seal_cursor(work: UnitOfWork, purpose: str, place: tuple[Any, str]) -> str:
    value, key = place
    text = value.isoformat() if isinstance(value, datetime) else value
    expires = (work.now + CURSOR_LIFETIME).timestamp()
    sealed = work.vault.seal(
        {"value": text, "key": key, "expires": expires}, purpose=purpose, now=work.now, lifetime=REMEMBERED
    )
    # RFC 9865 section 2: unreserved characters alone.
    return base64.urlsafe_b64encode(sealed.encode()).decode().rstrip("=")


def _open_cursor(work: UnitOfWork, purpose: str, cursor: str) -> tuple[str, str]:
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        opened = work.vault.unseal(sealed, purpose=purpose, now=work.now)
    except ValueError:
        opened = None
    if opened is None:
        raise ScimRefusal("invalidCursor", "The cursor is invalid, or belongs to another query.")
    if opened["expires"] <= work.now.timestamp():
        raise ScimRefusal("expiredCursor", "The cursor has expired. Start again with an empty cursor.")
    return opened["value"], opened["key"]


def _place(text: str, order: str) -> Any:
    return datetime.fromisoformat(text) if order == "created_at" else text
