"""The syntax of the expressions of claim mappings: a subset of the Common Expression Language (https://cel.dev).

It has literals, lists, maps, members, indexes, the operators, the conditional, `has` and the macros. It has no bytes,
no unsigned numbers, no messages and no regular expressions. Pure.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LONGEST = 1000
"""The longest expression, in characters."""
DEEPEST = 40
"""How deep an expression can be nested, operators in a row included."""
MACROS = {"all": 2, "exists": 2, "exists_one": 2, "filter": 2, "map": 2}
"""The macros on lists and maps, with the number of their arguments; `map` also takes a condition before the last."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|0[xX][0-9a-fA-F]+|\d+)(?![A-Za-z_0-9])
        |(?P<text>[rR]?(?:"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*'))
        |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
        |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])
    )""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in")
_CONSTANTS = {"true": True, "false": False, "null": None}
_RESERVED = frozenset(
    {
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
        "namespace", "null", "package", "return", "true", "var", "void", "while",
    }
)  # fmt: skip


class InvalidExpression(ValueError):
    """An expression that is not accepted. The message says where and why."""


@dataclass(frozen=True)
class Node:
    """A part of an expression: its kind, a name or a constant, and the parts it consists of."""

    kind: str
    value: Any = None
    parts: tuple["Node", ...] = ()
    depth: int = 1


def parse(text: str) -> Node:
    """Parse an expression. Raises InvalidExpression."""
    if len(text) > LONGEST:
        raise InvalidExpression(f"is longer than {LONGEST} characters.")
    parser = _Parser(list(_tokens(text)))
    found = parser.expression()
    parser.expect("end")
    return found


def _tokens(text: str) -> Iterator[tuple[str, Any, int]]:
    """Iterate over (kind, value, place). A sign is its own kind."""
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise InvalidExpression(f"has something unexpected at character {_place(text, at)}.")
        kind, value = match.lastgroup, match.group(match.lastgroup)
        yield (value, value, match.start(kind)) if kind == "sign" else (kind, value, match.start(kind))
        at = match.end()
    yield "end", None, end


def _place(text: str, at: int) -> int:
    return at + len(text[at:]) - len(text[at:].lstrip()) + 1


class _Parser:
    def __init__(self, tokens: list[tuple[str, Any, int]]) -> None:
        self._tokens, self._at, self._nested = tokens, 0, 0

    def expect(self, kind: str) -> Any:
        found, value, place = self._tokens[self._at]
        if found != kind:
            what = "the end" if kind == "end" else kind if not kind.isalpha() else f"a {kind}"
            raise InvalidExpression(f"needs {what} at character {place + 1}.")
        self._at += 1
        return value

    def expression(self) -> Node:
        self._nested += 1
        if self._nested > DEEPEST:
            raise InvalidExpression(f"is nested more than {DEEPEST} levels deep.")
        condition = self._either()
        if self._takes("?"):
            chosen = self._either()
            self.expect(":")
            condition = _node("if", None, condition, chosen, self.expression())
        self._nested -= 1
        return condition

    def _either(self) -> Node:
        found = self._both()
        while self._takes("||"):
            found = _node("||", None, found, self._both())
        return found

    def _both(self) -> Node:
        found = self._comparison()
        while self._takes("&&"):
            found = _node("&&", None, found, self._comparison())
        return found

    def _comparison(self) -> Node:
        found = self._sum()
        while (sign := self._one_of(*_COMPARISONS)) is not None:
            found = _node(sign, None, found, self._sum())
        return found

    def _sum(self) -> Node:
        found = self._product()
        while (sign := self._one_of("+", "-")) is not None:
            found = _node(sign, None, found, self._product())
        return found

    def _product(self) -> Node:
        found = self._unary()
        while (sign := self._one_of("*", "/", "%")) is not None:
            found = _node(sign, None, found, self._unary())
        return found

    def _unary(self) -> Node:
        sign = self._one_of("!", "-")
        if sign is None:
            return self._member()
        self._nested += 1
        if self._nested > DEEPEST:
            raise InvalidExpression(f"is nested more than {DEEPEST} levels deep.")
        found = _node("not" if sign == "!" else "negative", None, self._unary())
        self._nested -= 1
        return found

    def _member(self) -> Node:
        found = self._primary()
        while True:
            if self._takes("."):
                name = self.expect("name")
                if self._takes("("):
                    arguments = self._list(")")
                    kind = "macro" if name in MACROS else "method"
                    found = _node(kind, name, found, *arguments)
                else:
                    found = _node("member", name, found)
            elif self._takes("["):
                found = _node("index", None, found, self.expression())
                self.expect("]")
            else:
                return found

    def _primary(self) -> Node:
        kind, value, place = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return Node("constant", _number(value))
        if kind == "text":
            return Node("constant", _text(value))
        if kind == "name" and value in _CONSTANTS:
            return Node("constant", _CONSTANTS[value])
        if kind == "name" and value not in _RESERVED:
            return _node("call", value, *self._list(")")) if self._takes("(") else Node("name", value)
        if kind == "(":
            found = self.expression()
            self.expect(")")
            return found
        if kind == "[":
            return _node("list", None, *self._list("]"))
        if kind == "{":
            return _node("map", None, *self._entries())
        raise InvalidExpression(f"needs a value at character {place + 1}.")

    def _list(self, end: str) -> list[Node]:
        found: list[Node] = []
        while not self._takes(end):
            if found:
                self.expect(",")
                if end == "]" and self._takes(end):
                    break
            found.append(self.expression())
        return found

    def _entries(self) -> list[Node]:
        found: list[Node] = []
        while not self._takes("}"):
            if found:
                self.expect(",")
                if self._takes("}"):
                    break
            key = self.expression()
            self.expect(":")
            found += [key, self.expression()]
        return found

    def _takes(self, kind: str) -> bool:
        return self._one_of(kind) is not None

    def _one_of(self, *kinds: str) -> str | None:
        kind, value, _ = self._tokens[self._at]
        found = value if kind == "name" and value == "in" else kind
        if found not in kinds:
            return None
        self._at += 1
        return str(found)


def _node(kind: str, value: Any, *parts: Node) -> Node:
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > DEEPEST:
        raise InvalidExpression(f"is nested more than {DEEPEST} levels deep.")
    return Node(kind, value, parts, depth)


def _number(text: str) -> int | float:
    if text.lower().startswith("0x"):
        value: int | float = int(text, 16)
    else:
        value = int(text) if text.isdigit() else float(text)
    if isinstance(value, int) and value > 2**63 - 1:
        raise InvalidExpression(f"has a number that is too large: {text[:40]}.")
    return value


def _text(text: str) -> str:
    try:
        found = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        raise InvalidExpression(f"has an invalid escape in {text[:40]}.") from None
    if re.search(r"\\[^\\'\"abfnrtvxuU0-7`?]", text) and text[0] not in "rR":
        raise InvalidExpression(f"has an invalid escape in {text[:40]}.")
    if "\0" in found or not found.isprintable() or any("\ud800" <= one <= "\udfff" for one in found):
        raise InvalidExpression("has text with control characters or unpaired surrogates.")
    return str(found)
