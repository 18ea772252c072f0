"""Evaluate the expressions of claim mappings within bounds: no I/O, so many steps, and values of a bounded size.

The meaning is that of the Common Expression Language, for the syntax of `expression_syntax`. An expression is compiled
once, to functions of a `Run`. Each part costs a step, and what builds or searches a value costs more by its size, so
neither time nor memory depends on what an expression does (decision 315). Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provider.oauth.claim_mapping.expression_functions import FUNCTIONS, METHODS
from provider.oauth.claim_mapping.expression_syntax import MACROS, InvalidExpression, Node, parse
from provider.oauth.claim_mapping.expression_values import (
    EvaluationFailed,
    arithmetic,
    compare,
    contains,
    entry,
    equal,
    member,
    require_bool,
    require_small,
)

MOST_STEPS = 20_000
"""How many steps one evaluation can take: some milliseconds."""


@dataclass
class Run:
    """One evaluation: the variables, and the steps that are left."""

    names: dict[str, Any]
    steps: int = MOST_STEPS

    def spend(self, steps: int = 1) -> None:
        """Count steps. Raises EvaluationFailed if none are left."""
        self.steps -= steps
        if self.steps < 0:
            raise EvaluationFailed("too many steps")


Part = Callable[[Run], Any]
Items = Callable[[Run], Iterable[Any]]


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    text: str
    evaluate_in: Part = field(repr=False)

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Return the value as JSON has it. Raises EvaluationFailed, with the reason and without any value."""
        try:
            value = self.evaluate_in(Run(dict(variables)))
        except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
            raise EvaluationFailed(type(error).__name__) from None
        require_small(value)
        return value


def compile_expression(text: str, names: Iterable[str]) -> Expression:
    """Compile an expression over these variables. Raises InvalidExpression."""
    return Expression(text, _compile(parse(text), frozenset(names)))


def _compile(node: Node, names: frozenset[str]) -> Part:
    if node.kind == "macro":
        return _macro(node, names)
    if node.kind == "name":
        if node.value not in names:
            raise InvalidExpression(f"has an unknown name, {node.value[:60]}. Known: {', '.join(sorted(names))}.")
        name = node.value
        return lambda run: _spent(run).names[name]
    if node.kind == "constant":
        constant = node.value
        return lambda _run: constant
    if node.kind == "call" and node.value == "has":
        return _has(node, names)
    parts = [_compile(part, names) for part in node.parts]
    if node.kind in ("call", "method"):
        return _call(node, parts)
    return _OPERATORS[node.kind](node, parts)


def _spent(run: Run) -> Run:
    run.spend()
    return run


def _call(node: Node, parts: list[Part]) -> Part:
    known = FUNCTIONS if node.kind == "call" else METHODS
    found = known.get(node.value)
    if found is None:
        raise InvalidExpression(f"has an unknown function, {node.value[:60]}. Known: {', '.join(sorted(known))}.")
    function, counts = found
    given = len(parts) - (node.kind == "method")
    if given not in counts:
        raise InvalidExpression(f"calls {node.value} with {given} arguments.")

    def run_call(run: Run) -> Any:
        run.spend()
        return function(run.spend, *[part(run) for part in parts])

    return run_call


def _has(node: Node, names: frozenset[str]) -> Part:
    if len(node.parts) != 1 or node.parts[0].kind != "member":
        raise InvalidExpression("calls has() with something else than a member, such as user.attributes.team.")
    of, name = _compile(node.parts[0].parts[0], names), node.parts[0].value

    def run_has(run: Run) -> bool:
        run.spend()
        value = of(run)
        if not isinstance(value, dict):
            raise EvaluationFailed("has() needs a map")
        return name in value

    return run_has


def _macro(node: Node, names: frozenset[str]) -> Part:
    of, *arguments = node.parts
    name = node.value
    counts = (MACROS[name], MACROS[name] + 1) if name == "map" else (MACROS[name],)
    if len(arguments) not in counts or arguments[0].kind != "name":
        raise InvalidExpression(f"needs a name and an expression in {name}().")
    variable = arguments[0].value
    if variable in names:
        raise InvalidExpression(f"has the name {variable[:60]} twice.")
    source = _compile(of, names)
    inner = [_compile(one, names | {variable}) for one in arguments[1:]]

    def items(run: Run) -> Iterable[Any]:
        run.spend()
        found = source(run)
        if not isinstance(found, list | dict):
            raise EvaluationFailed(f"{name}() needs a list or a map")
        before, was_there = run.names.get(variable), variable in run.names
        try:
            for one in found:
                run.spend()
                run.names[variable] = one
                yield one
        finally:
            if was_there:
                run.names[variable] = before
            else:
                run.names.pop(variable, None)

    return _MACROS[name](items, inner)


def _map_macro(items: Items, inner: list[Part]) -> Part:
    if len(inner) == 1:
        return lambda run: [inner[0](run) for _ in items(run)]
    return lambda run: [inner[1](run) for _ in items(run) if require_bool(inner[0](run))]


def _any(run: Run, items: Items, part: Part, *, wanted: bool) -> bool:
    """Return whether one item has the wanted outcome. A failure counts only if none has."""
    failed: EvaluationFailed | None = None
    for _ in items(run):
        try:
            if require_bool(part(run)) is wanted:
                return True
        except EvaluationFailed as error:
            failed = error
            run.spend()
    if failed is not None:
        raise failed
    return False


def _logical(node: Node, parts: list[Part]) -> Part:
    """Return `&&` or `||`. A side that decides wins, also over a failure of the other."""
    decides = node.kind == "||"
    left, right = parts

    def run_logical(run: Run) -> bool:
        run.spend()
        try:
            if require_bool(left(run)) is decides:
                return decides
        except EvaluationFailed:
            if require_bool(right(run)) is decides:
                return decides
            raise
        return require_bool(right(run))

    return run_logical


def _conditional(_node: Node, parts: list[Part]) -> Part:
    condition, yes, no = parts
    return lambda run: yes(run) if require_bool(condition(_spent(run))) else no(run)


def _binary(function: Callable[..., Any]) -> Callable[[Node, list[Part]], Part]:
    """Return an operator. `function` takes what counts steps, the sign and the two values."""

    def compiled(node: Node, parts: list[Part]) -> Part:
        sign, (left, right) = node.kind, parts

        def run_binary(run: Run) -> Any:
            run.spend()
            return function(run.spend, sign, left(run), right(run))

        return run_binary

    return compiled


def _map_literal(_node: Node, parts: list[Part]) -> Part:
    pairs = list(zip(parts[::2], parts[1::2], strict=True))

    def run_map(run: Run) -> dict[str, Any]:
        run.spend(len(pairs))
        found: dict[str, Any] = {}
        for key, value in pairs:
            name = key(run)
            if not isinstance(name, str) or name in found:
                raise EvaluationFailed("a map needs different texts as keys")
            found[name] = value(run)
        return found

    return run_map


def _list_literal(_node: Node, parts: list[Part]) -> Part:
    return lambda run: [part(_spent(run)) for part in parts]


def _not(_node: Node, parts: list[Part]) -> Part:
    return lambda run: not require_bool(parts[0](_spent(run)))


def _negative(_node: Node, parts: list[Part]) -> Part:
    return lambda run: arithmetic(run.spend, "-", 0, parts[0](_spent(run)), negates=True)


_MACROS: dict[str, Callable[[Items, list[Part]], Part]] = {
    "map": _map_macro,
    "filter": lambda items, inner: lambda run: [one for one in items(run) if require_bool(inner[0](run))],
    "exists_one": lambda items, inner: lambda run: sum(require_bool(inner[0](run)) for _ in items(run)) == 1,
    "exists": lambda items, inner: lambda run: _any(run, items, inner[0], wanted=True),
    "all": lambda items, inner: lambda run: not _any(run, items, inner[0], wanted=False),
}
_OPERATORS: dict[str, Callable[[Node, list[Part]], Part]] = {
    "list": _list_literal,
    "map": _map_literal,
    "not": _not,
    "negative": _negative,
    "if": _conditional,
    "&&": _logical,
    "||": _logical,
    "member": lambda node, parts: lambda run: member(parts[0](_spent(run)), node.value),
    "index": _binary(lambda _spend, _sign, value, key: entry(value, key)),
    "in": _binary(lambda spend, _sign, value, of: contains(spend, of, value)),
    "==": _binary(lambda spend, _sign, one, other: equal(spend, one, other)),
    "!=": _binary(lambda spend, _sign, one, other: not equal(spend, one, other)),
    **dict.fromkeys(("<", "<=", ">", ">="), _binary(compare)),
    **dict.fromkeys(("+", "-", "*", "/", "%"), _binary(arithmetic)),
}
