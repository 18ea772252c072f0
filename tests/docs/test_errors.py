"""docs/reference/errors.md has every error that the code can answer with, and no other."""

import ast
import inspect
import re
from functools import cache

from authlib.oauth2 import OAuth2Error

import provider.metrics  # noqa: F401  # imports every module that declares metrics
from provider.config.settings import PREFIX, Settings
from provider.oauth import errors
from provider.oauth.errors import ChallengeError
from provider.observability import metrics
from provider.observability.instruments import METRICS
from provider.web.errors import as_json
from tests.docs.generate.endpoints import every_route
from tests.docs.generate.markdown import DOCS
from tests.docs.generate.oauth_codes import CODES
from tests.docs.generate.oauth_errors import AT, ENDPOINTS, OUTSIDE, STEP_UP, classes_of_errors
from tests.docs.generate.problems import FIXES, PAGES, types_of_the_apis
from tests.docs.generate.refusals import refusals
from tests.support.server_process import REPOSITORY


@cache
def nodes() -> list[ast.AST]:
    """Return every node of the modules that name an OAuth error or explain one, without those called `errors.py`."""
    words = {each.__name__ for each in classes_of_errors()} | {
        "OAuth2Error",
        "ChallengeError",
        "Checks",
        "authenticated",
    }
    named = re.compile(rf"\b({'|'.join(words)})\b")
    texts = [path.read_text() for path in (REPOSITORY / "provider").rglob("*.py") if path.name != "errors.py"]
    return [node for text in texts if named.search(text) for node in ast.walk(ast.parse(text))]


def test_every_oauth_error_that_the_code_raises_has_a_code_in_the_reference() -> None:
    classes = {each.__name__: each.error for each in classes_of_errors()}
    raised = {classes[node.id] for node in nodes() if isinstance(node, ast.Name) and node.id in classes}
    assert raised | OUTSIDE.keys() | {STEP_UP} == CODES.keys()
    assert raised == set().union(*AT.values()) - OUTSIDE.keys() | (raised & OUTSIDE.keys())


def test_no_other_module_has_errors_of_oauth() -> None:
    """The two modules of errors list theirs in `__all__`, which is what the tests compare with."""
    bases = {each.__name__ for each in classes_of_errors()} | {"OAuth2Error", "ChallengeError"}
    classes = [node for node in nodes() if isinstance(node, ast.ClassDef)]
    assert [each.name for each in classes if bases & {ast.unparse(base) for base in each.bases}] == []
    defined = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, OAuth2Error)}
    assert {each for each in defined if each.__module__ == errors.__name__} <= {*classes_of_errors(), ChallengeError}


def test_every_endpoint_that_explains_its_errors_is_in_the_reference() -> None:
    """By its name in explanations. Errors of the consent page are raised again by the authorization endpoint."""
    calls = [node for node in nodes() if isinstance(node, ast.Call)]
    named = [each for call in calls if ast.unparse(call.func) in {"Checks", "authenticated"} for each in call.args]
    names = {each.value for each in named if isinstance(each, ast.Constant)}
    assert names - {"consent"} == AT.keys() == set(metrics.ENDPOINTS)


def test_every_endpoint_of_the_reference_is_a_route() -> None:
    paths = {path for endpoint in ENDPOINTS.values() for path in endpoint.path.split(", ")}
    assert paths <= {route.path for route in every_route()}


def test_an_error_outside_the_protocol_has_one_of_three_codes() -> None:
    """Whatever a machine endpoint raises: rate limits, outages, bugs, requests that cannot be read."""
    function = ast.parse(inspect.getsource(as_json))
    texts = {
        node.value for node in ast.walk(function) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert texts & CODES.keys() == {"invalid_request", *OUTSIDE}


def test_a_challenge_that_names_a_code_names_one_of_the_reference() -> None:
    """In a WWW-Authenticate header (RFC 6750 section 3)."""
    texts = [node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert {code for text in texts for code in re.findall(r'error="(\w+)"', text)} == {STEP_UP}


def test_every_problem_of_the_apis_says_what_to_do() -> None:
    assert FIXES.keys() == types_of_the_apis()


def test_every_page_of_an_error_is_of_a_refusal() -> None:
    assert PAGES.keys() <= refusals().keys()


def test_the_advice_names_only_settings_metrics_and_log_events_that_exist() -> None:
    """In the references that are generated from tables of the tests, and in the declarations of metrics."""
    texts = [(DOCS / f"reference/{page}.md").read_text("utf-8") for page in ("errors", "metrics", "tokens")]
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    metric_names = {metric.name for metric in METRICS}
    events = (REPOSITORY / "docs/reference/events.md").read_text("utf-8")
    for text in texts:
        assert set(re.findall(r"SIGNET_[A-Z0-9_]+", text)) <= settings
        named = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in re.findall(r"\bsignet_\w+", text)}
        assert named <= metric_names
        assert [name for name in re.findall(r"log event `([\w.]+)`", text) if f"| `{name}` |" not in events] == []
