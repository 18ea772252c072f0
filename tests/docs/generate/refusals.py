"""What each refusal means, from its class."""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache

import provider
from provider.api.problems import URN
from provider.refusals import Refusal
from tests.docs.generate.markdown import first_sentence
from tests.docs.generate.oauth_codes import CODES
from tests.docs.generate.oauth_errors import OF_THE_APIS


@cache
def refusals() -> dict[str, type[Refusal]]:
    """Return every refusal by its code, also those of modules that nothing has imported yet."""
    for module in pkgutil.walk_packages(provider.__path__, "provider."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {each.code: each for each in _below(Refusal)}


def _below(refusal: type[Refusal]) -> Iterator[type[Refusal]]:
    yield refusal
    for each in refusal.__subclasses__():
        yield from _below(each)


def meaning_of(type_: str) -> str:
    """Return what a problem type means: the detail that is sent, or the docstring where that says more than one thing.

    `type_` is with or without the prefix of its URN.
    """
    code = type_.removeprefix(URN)
    if code in OF_THE_APIS:
        return OF_THE_APIS[code] or CODES[code].meaning
    refusal = refusals()[code]
    if refusal.message != Refusal.message:
        return str(refusal.message)
    return first_sentence(refusal.__doc__ or "")
