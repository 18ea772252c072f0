"""docs/reference/errors.md has every error that the code can answer with, and no other."""

import ast
import inspect
from functools import cache

from authlib.oauth2 import OAuth2Error

from provider.oauth import errors
from provider.oauth.errors import ChallengeError
from provider.web.errors import as_json
from tests.docs.generate.oauth_errors import AT, CODES, OUTSIDE, classes_of_errors
from tests.docs.generate.problems import FIXES, PAGES, types_of_the_apis
from tests.docs.generate.refusals import refusals
from tests.support.server_process import REPOSITORY


@cache
def nodes() -> list[ast.AST]:
    """Return every node of the provider's code, without that of `oauth/errors.py` and other modules of that name."""
    paths = [path for path in (REPOSITORY / "provider").rglob("*.py") if path.name != "errors.py"]
    return [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]


def test_every_oauth_error_that_the_code_raises_has_a_code_in_the_reference() -> None:
    classes = {each.__name__: each.error for each in classes_of_errors()}
    raised = {classes[node.id] for node in nodes() if isinstance(node, ast.Name) and node.id in classes}
    assert raised | OUTSIDE.keys() == CODES.keys()
    assert raised == set().union(*AT.values()) - OUTSIDE.keys() | (raised & OUTSIDE.keys())


def test_no_other_module_has_errors_of_oauth() -> None:
    """The two modules of errors list theirs in `__all__`, which is what the tests compare with."""
    bases = {each.__name__ for each in classes_of_errors()} | {"OAuth2Error", "ChallengeError"}
    classes = [node for node in nodes() if isinstance(node, ast.ClassDef)]
    assert [each.name for each in classes if bases & {ast.unparse(base) for base in each.bases}] == []
    defined = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, OAuth2Error)}
    assert {each for each in defined if each.__module__ == errors.__name__} <= {*classes_of_errors(), ChallengeError}


def test_an_error_outside_the_protocol_has_one_of_three_codes() -> None:
    """Whatever a machine endpoint raises: rate limits, outages, bugs, requests that cannot be read."""
    function = ast.parse(inspect.getsource(as_json))
    texts = {
        node.value for node in ast.walk(function) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert texts & CODES.keys() == {"invalid_request", *OUTSIDE}


def test_every_problem_of_the_apis_says_what_to_do() -> None:
    assert FIXES.keys() == types_of_the_apis()


def test_every_page_of_an_error_is_of_a_refusal() -> None:
    assert PAGES.keys() <= refusals().keys()
