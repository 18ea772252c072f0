"""The problem types of our APIs: the code of each refusal is unique, stays as published, and is documented."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache

import pytest
from starlette.routing import Route

import provider
from provider.api.operation import Operation
from provider.api.problems import PROTOCOL_TITLES, URN, type_of
from provider.config.settings import Settings
from provider.refusals import RedirectRequired, Refusal
from provider.routes import routes
from tests.support.server_process import REPOSITORY

DOCUMENTS = ("account-api.json", "admin-api.json")


@cache
def refusals() -> tuple[type[Refusal], ...]:
    """Every class of refusal there is, after importing every module."""
    for module in pkgutil.walk_packages(provider.__path__, "provider."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    return tuple(dict.fromkeys(kind for kind in below(Refusal) if kind.__module__.startswith("provider.")))


def published() -> set[str]:
    """The problem types in the OpenAPI documents of docs."""
    texts = [(REPOSITORY / "docs/reference" / name).read_text() for name in DOCUMENTS]
    return {found for text in texts for found in re.findall(rf'"({URN}[^"]+)"', text)}


def test_every_refusal_has_a_code_of_its_own() -> None:
    assert len(refusals()) > 80
    inherited = [kind.__qualname__ for kind in refusals() if "code" not in vars(kind)]
    assert not inherited, "a class without `code` has the problem type of its base"
    malformed = [kind.code for kind in refusals() if not re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)]
    assert not malformed


def test_no_two_refusals_have_the_same_code() -> None:
    """Nor the code of an error of OAuth, which has an underscore where it has two words."""
    codes = [kind.code for kind in refusals()] + list(PROTOCOL_TITLES)
    assert sorted(codes) == sorted(set(codes))


def test_every_published_problem_type_exists() -> None:
    """A type that disappears from the code breaks the programs that check for it."""
    existing = {type_of(kind) for kind in refusals()} | {URN + code for code in PROTOCOL_TITLES}
    assert published() - existing == set()
    assert len(published()) > 50


def test_every_refusal_that_an_operation_declares_is_documented() -> None:
    operations = [route.endpoint for route in routes(Settings()) if isinstance(route, Route)]
    declared = {kind for each in operations if isinstance(each, Operation) for kind in each.problems}
    assert {type_of(kind) for kind in declared} <= published()
    assert not any(issubclass(kind, RedirectRequired) for kind in declared), "an API has no other page to go to"


@pytest.mark.parametrize(
    "code",
    ["unfit-password", "unfit-picture", "unfit-webhook", "unfit-idempotency-key", "wrong-code", "changed-meanwhile"],
)
def test_a_published_code_outlives_the_name_of_its_class(code: str) -> None:
    assert URN + code in published()
    assert [kind for kind in refusals() if kind.code == code]
