"""Whether the references have what the tests meet: labels of metrics, OAuth errors of each endpoint, and error pages.

Every count of every test is compared, whether metrics are on or not.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from authlib.oauth2 import OAuth2Error

from provider.oauth.http import refused
from provider.observability.instruments import Counter, Described, Gauge, Histogram
from provider.observability.metrics import REFUSALS
from provider.refusals import Refusal
from provider.web import errors
from provider.web.call import Call
from tests.docs.generate.oauth_errors import AT, ENDPOINTS
from tests.docs.generate.problems import FIXES, PAGES

undocumented: list[str] = []
BY_PATH = {each.path.replace("{client_id}", "[^/]+"): each for each in ENDPOINTS.values()}


def compare(metric: Described, values: tuple[str, ...]) -> None:
    """Note the values of labels that the declaration of a metric does not list."""
    for label, value in zip(metric.labels, values, strict=True):
        if label.values and value not in label.values:
            undocumented.append(f"{metric.name}: {label.name}={value}")
    if metric is REFUSALS and values[1] not in AT.get(values[0], {}):
        undocumented.append(f"OAuth error {values[1]} at the endpoint {values[0]}")


def _watch(kind: type[Described], method: str, *, skip: int) -> None:
    """Let a method of a kind of metrics compare its label values, which come after `skip` other arguments."""
    real: Callable[..., Any] = getattr(kind, method)

    def watched(self: Described, *given: Any) -> Any:
        compare(self, given[skip:])
        return real(self, *given)

    setattr(kind, method, watched)


def _watch_pages() -> None:
    real = errors.error_page

    def watched(call: Call, refusal: Refusal, **given: Any) -> Any:
        if not any(each.code in PAGES | FIXES for each in type(refusal).__mro__ if issubclass(each, Refusal)):
            undocumented.append(f"page of {refusal.code}")
        return real(call, refusal, **given)

    errors.error_page = watched


def _watch_responses() -> None:
    """Let the function that each JSON error calls compare its code with those of the endpoint."""
    real = refused.challenge

    def watched(call: Call, error: OAuth2Error) -> dict[str, str]:
        codes = next((each.codes for path, each in BY_PATH.items() if re.fullmatch(path, call.path)), {error.error: ""})
        if error.error not in codes:
            undocumented.append(f"OAuth error {error.error} at {call.path}")
        return real(call, error)

    refused.challenge = watched


def pytest_configure() -> None:
    _watch(Counter, "count", skip=0)
    _watch(Gauge, "add", skip=1)
    _watch(Histogram, "observe", skip=1)
    _watch(Histogram, "timed", skip=0)
    _watch_pages()
    _watch_responses()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Fail the test after which something is not documented. A fixture for every test would take longer."""
    found, undocumented[:] = undocumented[:], []
    assert not found, "docs/reference does not have it"
