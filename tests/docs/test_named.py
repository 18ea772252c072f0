"""What documents name exists: settings, commands with their options, endpoints, and members of client metadata."""

import json
import re
from itertools import takewhile
from pathlib import Path

from provider.config.environment import FROM_FILE
from provider.config.passkeys import AndroidApp
from provider.config.secrets import may_be_in_a_file
from provider.config.settings import PREFIX, Settings
from provider.doctor.findings import KINDS
from provider.doctor.registry import EXAMINATIONS
from provider.oauth.clients.metadata import FIELDS
from provider.routes import routes
from tests.docs.test_quickstarts import commands
from tests.docs.test_references import documents, found_in

CODE = re.compile(r"^ {4,}[^\n]*$|(?<=^```sh\n).*?(?=^```$)|(?<=^```bash\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
"""Lines of code in a document: indented, or between fences."""
ENDPOINT = re.compile(
    r"(?:`|`(?:GET|POST|PUT|PATCH|DELETE) |\$SIGNET_ISSUER)"
    r"(/(?:oauth2|api/account|api/admin|account|login|device|health|\.well-known)(?:/[\w.{}/-]*\w)?)(?=[`?\s\"/])"
)
BASES = {"/oauth2", "/api/account", "/api/admin", "/.well-known"}
"""What is not an endpoint itself, but the beginning of many."""
ABOUT_OTHERS = {"docs/reference/settings.md: /.well-known/NAME/auth"}
"""What a proxy must pass on, for an issuer with a path."""
HISTORY = {"CHANGELOG.md", "docs/development/decisions.md"}
"""Documents that also name what there was before."""
EVERYTHING = Settings(
    session_management=True,
    registration="open",
    request_uri=True,
    upstreams=Path("upstreams.toml"),
    passkey_related_origins=("https://shop.example.com",),
    passkey_android_apps=(AndroidApp("com.example.app", ":".join(["AB"] * 32)),),
    passkey_apple_apps=("ABCDE12345.com.example.app",),
)


def test_every_setting_that_a_document_names_exists() -> None:
    settings = {PREFIX + name.upper(): may_be_in_a_file(name, field) for name, field in Settings.model_fields.items()}
    names = {*settings, *(f"{name}{FROM_FILE}" for name, is_secret in settings.items() if is_secret)}
    # What Kubernetes sets for a service of this name is not a setting.
    named = re.compile(rf"(?<!\w){PREFIX}[A-Z0-9_]*[A-Z0-9]\b(?!\*|=tcp:)")
    wrong = [f"{path}: {each}" for path, each in found_in(documents(), named) if each not in names]
    assert not wrong, "\n".join(wrong)


def test_every_command_that_a_document_names_exists_with_its_options() -> None:
    wrong = [f"{path}: {each}" for path, text in documents().items() for call in calls(text) for each in unknown(call)]
    assert not wrong, "\n".join(wrong)


def test_a_command_or_an_option_that_does_not_exist_is_found_in_a_document() -> None:
    text = "`signet user list`, `signet client`, `signet nosuch`\n\n    signet client create --nosuch # signet away\n"
    assert [each for call in calls(text) for each in unknown(call)] == [
        "signet nosuch",
        "signet client create has no --nosuch",
    ]


def test_every_endpoint_that_a_document_names_exists() -> None:
    paths = [re.escape(getattr(route, "path", "")) for route in routes(EVERYTHING)]
    exists = re.compile("|".join(re.sub(r"\\{[^}]+\}", "[^/]+", path) for path in paths))
    named = (f"{path}: {each}" for path, each in found_in(documents(), ENDPOINT) if each not in BASES)
    wrong = [each for each in named if not exists.fullmatch(each.partition(": ")[2])]
    assert set(wrong) == ABOUT_OTHERS, "\n".join(wrong)


def test_every_member_of_client_metadata_that_a_document_sends_exists() -> None:
    sent = re.compile(r"echo '(\{[^']*\})' \|\s*\\?\s*signet client (?:create|update)")
    found = [(path, name) for path, text in found_in(documents(), sent) for name in json.loads(text)]
    assert {"backchannel_logout_uri", "default_max_age"} <= {name for _, name in found}, "the pattern finds none"
    assert [each for each in found if each[1] not in FIELDS] == []


def calls(document: str) -> list[list[str]]:
    """Return the words of every call of `signet` in a document's code, without what is not the call's own."""
    text = document.replace("\\\n", " ")
    code = re.findall(r"`(signet [^`\n]+)`", text)
    code += re.findall(r"(?:^ *|[|;&(] *)(signet .*)$", "\n".join(CODE.findall(text)), re.MULTILINE)
    return [re.split(r" [#<>|;&]|[`)]| +- |, then ", call)[0].split()[1:] for call in code]


def unknown(call: list[str]) -> list[str]:
    """Return what `signet` does not know of a call: its command, or an option."""
    words = [*takewhile(re.compile("[a-z][a-z-]*").fullmatch, call)]
    name = next((" ".join(words[:length]) for length in (2, 1) if " ".join(words[:length]) in commands()), None)
    if name is None:
        is_group = any(command.startswith(" ".join([*words, ""])) for command in commands())
        return [] if is_group else [f"signet {' '.join(call)}"]
    options = {word.partition("=")[0] for word in call if word.startswith("--")}
    return [f"signet {name} has no {option}" for option in sorted(options - commands()[name])]


def test_every_event_that_a_document_names_exists() -> None:
    """docs/reference/events.md has every event; tests/observability compares it with the code."""
    known = set(re.findall(r"^\| `([a-z_]+(?:\.[a-z_]+)+)` \|", documents()["docs/reference/events.md"], re.MULTILINE))
    kinds = "|".join(sorted({event.partition(".")[0] for event in known}))
    named = re.compile(rf"`((?:{kinds})\.(?!json`|md`|py`|sub`)[a-z_]+(?:\.[a-z_]+)*)`")
    assert len(known) > 80
    assert EXAMINATIONS  # importing them defines the findings of `signet doctor`, which have names of the same form
    known |= {*KINDS, "installation.check"}
    current = {path: text for path, text in documents().items() if path not in HISTORY}
    assert [f"{path}: {each}" for path, each in found_in(current, named) if each not in known] == []
