"""Filters (RFC 7644 section 3.4.2.2), answered with indexes.

A filter is read as a tree. Conditions that an index answers give candidates: of several that must hold together, the
first one that is selective enough; of alternatives, all of them. Every candidate is then compared with the whole
filter. A filter without such a condition would read all users, and is rejected.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scim2_models import Resource, SearchRequest
from scim2_models.path import AttrPath, Comparison, FilterNode, LogicalExpr, LogicalOperator, Present, ValuePath

from provider.scim import reading
from provider.scim.errors import ScimRefusal

MOST = 500
"""The most candidates that are compared with a filter."""
LONGEST = 2_000
"""The most characters of a filter."""
MOST_CONDITIONS = 40


class TooMany(Exception):
    """A condition that more than `MOST` resources fulfil."""


@dataclass(frozen=True)
class Condition:
    """A comparison of an attribute with a value. `path` is the attribute in lower case, with its URN if it is one of an
    extension, and without `value` at the end.
    """

    path: str
    operator: str
    value: Any


Finder = Callable[[Condition], Iterable[str] | None]
"""Finds what fulfils a condition, at most `MOST` + 1; None if no index answers it."""


def read_query(model: type[Resource[Any]], given: Mapping[str, Any]) -> SearchRequest[Any]:
    """Validate the parameters of a query. Raises ScimRefusal."""
    text = given.get("filter")
    if text is not None and len(str(text)) > LONGEST:
        raise ScimRefusal("invalidFilter", f"A filter can have at most {LONGEST} characters.")
    kind: Any = SearchRequest.__class_getitem__(model)
    with reading.as_refusals():
        query: SearchRequest[Any] = kind.model_validate(dict(given))
    if query.filter is not None and _count(query.filter.ast) > MOST_CONDITIONS:
        raise ScimRefusal("invalidFilter", f"A filter can have at most {MOST_CONDITIONS} conditions.")
    return query


def find_candidates(node: FilterNode, find: Finder, *, core: str) -> list[str]:
    """Return the keys of all resources that may match a filter, in order. `core` is the URN of the core schema. Raises
    ScimRefusal if no index answers it, or if they are too many.
    """
    try:
        found = _candidates(node, find, core=core)
    except TooMany:
        raise ScimRefusal(
            "tooMany", f"More than {MOST} resources match a part of the filter. Add a more selective condition."
        ) from None
    if found is None:
        raise ScimRefusal(
            "invalidFilter",
            "This filter can't be answered with an index. At least one condition that must hold has to compare an "
            "attribute such as id, userName, externalId or emails.value with eq.",
        )
    return sorted(found)


def names_any(node: FilterNode, names: Collection[str]) -> bool:
    """Return whether any condition of a filter is about one of these attributes, in lower case, or what is in it."""
    if isinstance(node, LogicalExpr):
        return any(names_any(term, names) for term in node.terms)
    if isinstance(node, Comparison | ValuePath | Present):
        return node.attr_path.attr.lower() in names
    inner = getattr(node, "expr", None)
    return inner is not None and names_any(inner, names)


def _candidates(node: FilterNode, find: Finder, *, core: str, within: AttrPath | None = None) -> set[str] | None:
    if isinstance(node, Comparison):
        return _found(node, find, core=core, within=within)
    if isinstance(node, ValuePath):
        return _candidates(node.val_filter, find, core=core, within=node.attr_path)
    if not isinstance(node, LogicalExpr):
        return None
    if node.op == LogicalOperator.or_:
        each = [_candidates(term, find, core=core, within=within) for term in node.terms]
        if any(one is None for one in each):
            return None
        union = set().union(*(one for one in each if one is not None))
        if len(union) > MOST:
            raise TooMany
        return union
    too_many = False
    for term in node.terms:
        try:
            found = _candidates(term, find, core=core, within=within)
        except TooMany:
            too_many = True
            continue
        if found is not None:
            return found
    if too_many:
        raise TooMany
    return None


def _found(node: Comparison, find: Finder, *, core: str, within: AttrPath | None) -> set[str] | None:
    path = node.attr_path
    if within is not None:  # of a selection such as emails[value eq "..."]
        path = AttrPath(within.attr, path.attr, within.uri)
    names = f"{path.attr}.{path.sub_attr}" if path.sub_attr else path.attr
    urn = "" if path.uri is None or path.uri.lower() == core.lower() else f"{path.uri}:"
    keys = find(Condition(f"{urn}{names}".lower().removesuffix(".value"), str(node.op), node.value))
    if keys is None:
        return None
    found = set(keys)
    if len(found) > MOST:
        raise TooMany
    return found


def _count(node: FilterNode) -> int:
    if isinstance(node, LogicalExpr):
        return sum(_count(term) for term in node.terms)
    inner = getattr(node, "val_filter", None) or getattr(node, "expr", None)
    return 1 if inner is None else 1 + _count(inner)
