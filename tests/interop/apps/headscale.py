"""Headscale: name, email address and group of the user who registers a machine. Headscale itself makes the machine."""

import json
import secrets

from tests.interop.apps.workbench import EMAIL, NAME, OTHER_EMAIL, Workbench

RELEASE = "0.27.1"
VERSION = f"Headscale {RELEASE} (without a Tailscale client)"
HERE = """
listen_addr: 127.0.0.1:{port}
metrics_listen_addr: 127.0.0.1:{metrics}
grpc_listen_addr: 127.0.0.1:{grpc}
unix_socket: {folder}/headscale.sock
noise: {{private_key_path: {folder}/noise.key}}
prefixes: {{v4: 100.64.0.0/10, v6: "fd7a:115c:a1e0::/48"}}
database: {{type: sqlite, sqlite: {{path: {folder}/headscale.db}}}}
derp: {{urls: [], paths: ["{folder}/derp.yaml"], auto_update_enabled: false}}
dns: {{magic_dns: false, override_local_dns: false, base_domain: machines.example.com}}
disable_check_updates: true
"""
"""Where this Headscale listens and keeps its data."""
RELAYS = """
regions:
  900:
    regionid: 900
    regioncode: test
    regionname: Test
    nodes: [{name: a, regionid: 900, hostname: localhost}]
"""


def check(bench: Workbench) -> None:
    module = "github.com/juanfont/headscale"
    program = bench.cache.go("headscale", {module: f"v{RELEASE}"}, f"{module}/cmd/headscale") / "headscale"
    server = bench.app_at("https://headscale.example.com")
    bench.type_commands()
    config = bench.write("config.yaml", "config.yaml")
    ports = {"port": server.rpartition(":")[2], "metrics": bench.free_port(), "grpc": bench.free_port()}
    config.write_text(config.read_text() + HERE.format(folder=bench.folder, **ports))
    (bench.folder / "derp.yaml").write_text(RELAYS)
    bench.start(program, "serve", "--config", config, ready=f"{server}/health")

    def typed(*words: str) -> list[dict[str, object]]:
        said = json.loads(bench.run(program, "--config", config, "--output", "json", *words))
        return said if isinstance(said, list) else [said]

    typed("users", "create", "first")

    def machine(name: str) -> str:
        """Make a machine that waits for its user, and return the address that `tailscale up` would show."""
        key = secrets.token_urlsafe(18)
        typed("debug", "create-node", "--user", "first", "--name", name, f"--key={key}")
        return f"{server}/register/{key}"

    ada = bench.person()
    ada.open(machine("laptop"))
    bench.sign_in(ada)
    ada.page.get_by_text("Signed in via your OIDC provider").wait_for()
    (user,) = [user for user in typed("users", "list") if user.get("provider") == "oidc"]
    assert (user["email"], user["display_name"]) == (EMAIL, NAME), user
    assert user["provider_id"] == f"{bench.issuer}/{bench.user_id(EMAIL)}", user
    (node,) = typed("nodes", "list")
    assert (node["name"], node["user"]) == ("laptop", user), node

    other = bench.person()
    other.open(machine("tablet"))
    bench.sign_in(other, email=OTHER_EMAIL)
    bench.wait_for_error(other, "unauthorised group")
    assert len(typed("nodes", "list")) == 1
