"""The expressions of claim mappings: what they mean, and the bounds that none of them passes (https://cel.dev)."""

from time import perf_counter
from typing import Any

import pytest

from provider.oauth.claim_mapping.expression_syntax import DEEPEST, LONGEST, InvalidExpression
from provider.oauth.claim_mapping.expression_values import EvaluationFailed, require_small
from provider.oauth.claim_mapping.expressions import MOST_STEPS, compile_expression

USER: dict[str, Any] = {
    "groups": ["k8s-dev", "k8s-ops", "staff"],
    "roles": ["editor"],
    "email": "ada@example.test",
    "attributes": {"number": "4711", "level": 3, "vip": True, "tags": ["a", "b"]},
}


def evaluate(text: str, **variables: Any) -> Any:
    given = {"user": USER, "scopes": ["openid"], **variables}
    return compile_expression(text, given).evaluate(given)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('user.groups.filter(g, g.startsWith("k8s-"))', ["k8s-dev", "k8s-ops"]),
        ('user.groups.map(g, g.startsWith("k8s-"), "oidc:" + g.substring(4))', ["oidc:dev", "oidc:ops"]),
        ('"editor" in user.roles ? "write" : "read"', "write"),
        ('has(user.attributes.team) ? user.attributes.team : "none"', "none"),
        ('user.email.split("@")[1]', "example.test"),
        ('user.attributes["number"] + "-" + string(user.attributes.level)', "4711-3"),
        ('{"policy": user.attributes.vip ? ["gold",] : [], "n": 1.5}', {"policy": ["gold"], "n": 1.5}),
        ("user.groups.exists(g, g == 'staff') && !user.groups.all(g, g == 'staff')", True),
        ("user.groups.exists_one(g, g.endsWith('dev'))", True),
        ("-7 / 2 * 10 + -7 % 2", -31),
        ("1 + 2 * 3 - 4 == 3 && 1.0 == 1 && 'a' < 'b' && 2 >= 2", True),
        ("true == 1 || [1] == [true]", False),
        ("[1, 2] + [3] == [1, 2, 3] && {'a': [1]} == {'a': [1]} && 2 in [1, 2] && 'a' in {'a': 1}", True),
        ("user.nothing == 'a' || true", True),
        ("1 / 0 == 1 && false", False),
        ("user.groups.map(g, g.upperAscii()).sort().join(',')", "K8S-DEV,K8S-OPS,STAFF"),
        ("[' a ', 'a'].map(t, t.trim()).distinct().size() + int('2') + int(double('1.5'))", 4),
        ("'a.b'.replace('.', '') + \"\\u00e4\" + r'\\d' + string(true)", "abä\\dtrue"),
        ("size(user.email) > 3 && user.email.contains('@') && user.email.indexOf('@') == 3", True),
    ],
)
def test_an_expression_means_what_it_means_in_cel(text: str, value: Any) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs a value"),
        ("user.", "a name"),
        ("1 2", "the end"),
        ("user.groups.map(1, 2)", "needs a name and an expression"),
        ("user.groups.map(user, 1)", "twice"),
        ("secrets", "unknown name"),
        ("open('/etc/passwd')", "unknown function"),
        ("user.email.matches('a')", "unknown function"),
        ("user.email.startsWith()", "arguments"),
        ("has(user)", "has()"),
        ("'\\q'", "escape"),
        ("99999999999999999999", "too large"),
        ("user.__class__(1)", "unknown function"),
        ("(" * 200 + "1" + ")" * 200, "nested"),
        ("!" * 200 + "true", "nested"),
        ("1" + "+1" * 200, "nested"),
        ("'" + "a" * LONGEST + "'", "longer"),
        ("a\0b", "unexpected"),
    ],
)
def test_what_is_no_expression_is_refused_when_it_is_declared(text: str, said: str) -> None:
    """N-320: an expression with a mistake, or that is too long or nested too deep, is refused with the place."""
    with pytest.raises(InvalidExpression, match=said.replace("(", r"\(").replace(")", r"\)")):
        evaluate(text)


@pytest.mark.parametrize(
    "text",
    [
        "user.nothing",
        "user.email.nothing",
        "user.__class__",
        "1 / 0",
        "1.5 % 1.0",
        "9223372036854775807 + 1",
        "1 + 1.0",
        "1 + 'a'",
        "'a' < 1",
        "[1][1]",
        "[1][-1]",
        "{'a': 1}['b']",
        "{1: 2}",
        "'a' ? 1 : 2",
        "!1",
        "-'a'",
        "1 in 1",
        "int('x')",
        "double('x')",
        "double('1e999')",
        "'abc'.substring(2, 9)",
        "'abc'.split('')",
        "[1].join()",
        "user.groups.filter(g, g)",
        "'abc'.map(c, c)",
        "size(1)",
        "string([1])",
        "user.groups.exists(g, g.nothing == 1)",
    ],
)
def test_an_expression_without_a_value_fails_without_saying_a_value(text: str) -> None:
    """N-321: an expression that fails says why, and nothing of the user."""
    with pytest.raises(EvaluationFailed) as failed:
        evaluate(text)
    assert "ada" not in str(failed.value)


def test_no_expression_runs_long_or_builds_much() -> None:
    """N-322: an expression that loops in loops, or doubles a text or a list of one again and again, ends within its
    steps and its size.
    """
    loops = "1"
    for name in "abcdefgh":
        loops = f"[1,2,3,4,5,6,7,8,9,10].map({name}, {loops})"
    doubled = "['" + "x" * 100 + "']" + "".join(f".map({name}, {name} + {name})" for name in "abcdefghijklmnopqrst")
    many = [f"group-{number}" for number in range(1000)]
    lists = "".join(f".map({name}, [{','.join(name * 8)}])" for name in "abcdefghijkl")  # 8 ** 12 numbers, if written
    maps = "".join(f".map({name}, {{'x': {name}, 'y': {name}, 'z': {name}}})" for name in "abcdefghijkl")
    begin = perf_counter()
    for text in (
        loops,
        doubled,
        "many.map(a, many.map(b, a + b))",
        "many.filter(a, many.exists(b, a + 'x' == b))",
        "many.map(a, many + many)",
        "many.map(a, many.join(a))",
        "many.map(a, many == many)",
        f"[1]{lists}",
        f"[1]{maps}",
        f"[1]{lists} == [1]{lists}",
        f"[1]{maps} == [1]{maps}",
        f"[1]{lists} in [[1]{lists}]",
        "['" + "x" * 100 + "']" + ".map(a, a + a)" * 8 + ".map(a, [a, a, a])",
    ):
        with pytest.raises(EvaluationFailed, match=r"too many steps|too large"):
            evaluate(text, many=many)
    assert perf_counter() - begin < 10  # a second at most, on a busy machine too
    assert len(evaluate("many.filter(g, g.startsWith('group-1')).map(g, g + '!')", many=many)) == 111
    assert len(evaluate("many + many", many=many)) == 2000
    assert MOST_STEPS <= 20_000
    assert DEEPEST <= 40


def test_the_size_of_a_value_counts_what_is_in_it() -> None:
    """Nothing that is written as JSON is much larger than the largest value."""
    require_small([["x" * 1000] * 30] * 2)
    large: list[Any] = [["x" * 1000] * 70, "x" * 70_000, {"x" * 70_000: 1}, [[0] * 300] * 300, {"a": [{}] * 70_000}]
    for value in large:
        with pytest.raises(EvaluationFailed, match="too large"):
            require_small(value)
    deep: Any = []
    for _ in range(100):
        deep = [deep, deep]
    with pytest.raises(EvaluationFailed, match="too large"):
        require_small(deep)
