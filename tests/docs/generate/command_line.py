"""The reference of the commands, from the command line itself."""

from collections.abc import Iterator
from typing import Any

from provider.cli.run import command_line
from tests.docs.generate.markdown import table


def commands() -> str:
    return "\n".join(_command(name, command) for name, command in _walk("signet", command_line()))


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not (below := getattr(command, "commands", None)):
        yield name, command
        return
    for each in below:
        yield from _walk(f"{name} {each}", below[each])


def _command(name: str, command: Any) -> str:
    shown = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    options = [one for one in shown if one.param_type_name == "option"]
    words = [one.metavar or str(one.name).upper() for one in arguments]
    usage = [name, *(["[OPTIONS]"] if options else []), *words]
    help_, example = _help(command.help or "")
    text = f"## {name}\n\n{help_}\n\n```text\n{' '.join(usage)}\n```\n\n"
    if example:
        text += f"For example:\n\n```text\n{example}\n```\n\n"
    described = [(f"`{word}`", "", one.help or "") for word, one in zip(words, arguments, strict=True)]
    described += [(_names(one), _default(one), one.help or "") for one in options]
    return text + (table(("option", "default", "what it does"), described) if described else "")


def _help(text: str) -> tuple[str, str]:
    about, _, example = text.partition("Example:")
    return "\n\n".join(" ".join(part.split()) for part in about.strip().split("\n\n")), " ".join(example.split())


def _names(option: Any) -> str:
    return ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))


def _default(option: Any) -> str:
    if option.required:
        return "required"
    default = option.default
    empty = default is None or default is False or default == () or callable(default)
    return "" if empty else f"`{getattr(default, 'value', default)}`"
