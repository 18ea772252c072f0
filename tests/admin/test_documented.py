"""docs/reference/admin-api.md: its commands, in their order, against a service; and its table, against the routes."""

import re
import subprocess
from pathlib import Path

import pytest
from starlette.routing import Route

from provider.config.settings import Settings
from provider.routes.api import admin_api
from tests.support.forking import signet_in
from tests.support.installation import SECRET_KEY
from tests.support.server_process import REPOSITORY, environment, free_port, serving
from tests.support.waiting import PATIENCE

DOCUMENT = (REPOSITORY / "docs/reference/admin-api.md").read_text()


@pytest.mark.slow
def test_the_commands_do_what_they_say(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "SIGNET_DATABASE_URL": database_url,
        "SIGNET_SECRET_KEY": SECRET_KEY,
        "SIGNET_ISSUER": f"http://127.0.0.1:{port}",
    }
    commands = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert len(commands) == 8
    last = 'admin "$API/clients/shop"'
    script = [f'PATH="{tmp_path}:$PATH"', *commands, last]
    with serving(settings, port=port), signet_in(tmp_path):
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
            env=environment(settings), cwd=tmp_path, capture_output=True, text=True, timeout=5 * PATIENCE, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr + ran.stdout
        assert "412\n" in ran.stdout
        made = re.findall(r'"client_secret":"([^"]+)"', ran.stdout)
        assert len(made) == len({*made}) + 1 == 2  # the second sending was answered as the first
        assert '"client_name":"The shop"' in ran.stdout.splitlines()[-1]
    assert (tmp_path / "audit.csv").read_text().startswith('"at","name"')


def test_its_table_has_every_operation() -> None:
    rows = re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE).*?) \|", DOCUMENT, re.MULTILINE)
    documented = " ".join(rows)
    routes = admin_api(Settings())
    assert routes
    for route in routes:
        assert isinstance(route, Route)
        if route.path.endswith("/openapi.json"):
            continue
        for part in route.path.removeprefix("/api/admin").split("/"):
            assert not part or part.startswith("{") or part in documented, route.path
