"""Why a protocol request was refused, by the error id that its page or answer showed."""

from datetime import datetime

from pydantic import Field

from provider.admin.operation import Thing, by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.languages.text import Text
from provider.oauth.explanations import find_explanation
from provider.refusals import NotFound
from provider.web.call import Call


class NoSuchRefusal(NotFound):
    title = Text("No such refusal")
    message = Text("No refused request of this id is known, or it is older than a week.")


class Check(Body):
    name: str
    passed: bool
    section: str = Field(description="Of the specification.")
    expected: str
    got: str
    fix: str


class ExplainedRefusal(Body):
    error_id: str
    at: datetime
    endpoint: str
    client_id: str | None = None
    network: str
    error: str
    description: str
    checks: list[Check]


def _show(call: Call) -> ExplainedRefusal:
    error_id = call.path_params["error_id"]
    found = find_explanation(call.work, error_id) if error_id.isprintable() else None
    if found is None:
        raise NoSuchRefusal
    checks = [Check.model_validate({**check, "passed": check["passed"] == "True"}) for check in found.checks]
    return ExplainedRefusal(**{**vars(found), "checks": checks})


REFUSAL = Thing(lambda _call: None, _show)


@by_operator(reads=True, of=REFUSAL, gives=ExplainedRefusal, problems=(NoSuchRefusal,))
def show_refusal(call: Call, _operator: Operator, _body: Body) -> ExplainedRefusal:
    """Each check, what was expected and what came."""
    return _show(call)
