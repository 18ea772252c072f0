"""The command `signet completion`: shell completion with Tab."""

from enum import StrEnum
from typing import Annotated

import typer

from provider.cli.output import Json, say

ASKED = "_SIGNET_COMPLETE"
"""The environment variable with which a shell's completion script asks for completions."""


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell to print the script for.")], *, as_json: Json = False
) -> None:
    """Print a shell completion script. It completes commands and options with the Tab key.

    Example: signet completion bash > /etc/bash_completion.d/signet
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # it has it, unlisted

    script = get_completion_script(prog_name="signet", complete_var=ASKED, shell=shell.value)
    say(script, {"shell": shell.value, "script": script}, as_json=as_json)


def prepare() -> None:
    """Prepare to answer the completion script of a shell."""
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
