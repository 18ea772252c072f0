"""signet client create: the kinds of applications, and what is asked about each."""

from typing import Any

import pytest
import typer

from provider.cli.client.types import ClientType
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.operators.presets import PRESETS, preset_of
from tests.cli.conftest import Signet

CREATE = ("client", "create")
URI = ("--redirect-uri", "https://app.example/cb")
LOOPBACK = ("--redirect-uri", "http://127.0.0.1/cb")
MORE = {
    "web": URI,
    "spa": URI,
    "native": LOOPBACK,
    "service": ("--scope", "reports:read"),
    "device": (),
    "api": ("--resource", "https://api.example"),
    "site": ("--site", "https://wiki.example"),
}
RESPONSE = {"client_id", "client_secret", "disabled", "created_at", "registered_itself", "expires_at"}


@pytest.mark.parametrize("kind", PRESETS)
def test_each_type_is_the_one_of_the_console(kind: str, signet: Signet) -> None:
    made: dict[str, Any] = signet(*CREATE, "--name", "App", "--type", kind, *MORE[kind], "--json").json
    metadata = parse_metadata({name: value for name, value in made.items() if name not in RESPONSE})
    assert preset_of(metadata) == kind
    assert ("client_secret" in made) == (kind in {"web", "service", "api"})
    assert metadata.claims_in_id_token == (kind in {"web", "spa", "native", "device"})  # OIDC Core section 5.4
    assert set(PRESETS) == set(ClientType)


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ((), "missing --name"),
        (("--type", "web"), "missing --name"),
        (("--name", "App"), "missing --type: one of web, spa, native, service, device, api, site"),
        (("--name", "App", "--public"), "missing --type"),
        (("--name", "App", "--type", "web"), "--type web needs --redirect-uri"),
        (("--name", "App", "--type", "spa"), "--type spa needs --redirect-uri"),
        (("--name", "App", "--type", "native"), "--type native needs --redirect-uri"),
        (("--name", "App", "--type", "api"), "--type api needs --resource"),
        (("--name", "App", "--grant", "authorization_code"), "--grant authorization_code needs --redirect-uri"),
        (("--name", "App", "--type", "service", *URI), "--redirect-uri cannot be used with --type service"),
        (("--name", "App", "--type", "website"), "--type: 'website' is not one of 'web', 'spa'"),
        (("--type", "web", "--metadata", "-"), "use --type or --metadata, not both"),
    ],
)
def test_what_is_missing_is_said_in_one_line(arguments: tuple[str, ...], missing: str, signet: Signet) -> None:
    ran = signet(*CREATE, *arguments, stdin="{}")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"signet: {missing}"), ran.err


def test_options_win_over_the_defaults_of_a_type(signet: Signet) -> None:
    made = signet(*CREATE, "--name", "App", "--type", "web", *URI, "--auth-method", "client_secret_post", "--json").json
    assert made["token_endpoint_auth_method"] == "client_secret_post"


def test_at_a_terminal_it_is_asked_for(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"--name": "App", "--type": "spa", "--redirect-uri": "https://app.example/cb"}
    monkeypatch.setattr("provider.cli.client.types._is_terminal", lambda: True)
    monkeypatch.setattr(typer, "prompt", lambda text: answers.pop(text.split()[0]))
    made = signet(*CREATE, "--json").json
    assert (made["client_name"], made["redirect_uris"]) == ("App", ["https://app.example/cb"])
    assert not answers
