"""The chart, linted and rendered with the real helm: valid for Kubernetes, hardened, and Signet starts as it says."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from starlette.routing import Route

from provider.config.environment import FROM_FILE, load_settings
from provider.config.settings import PREFIX, Settings
from provider.routes import routes
from tests.chart.helm import CHART, EXAMPLES, Manifest, problems, refusal, render, run
from tests.cli.test_every_command import EVERY, options
from tests.support.client_certificates import issue

pytestmark = [pytest.mark.slow, pytest.mark.deployment]

LEAST: Manifest = {
    "image": {"repository": "registry.example.com/signet"},
    "settings": {"SIGNET_ISSUER": "https://id.example.com"},
}
MOST: Manifest = LEAST | {
    "image": {"repository": "registry.example.com/signet", "digest": f"sha256:{'0' * 64}"},
    "settings": {"SIGNET_ISSUER": "https://example.com/auth", "SIGNET_SMTP_PORT": 587, "SIGNET_SMTP_UTF8": True},
    "imagePullSecrets": [{"name": "registry"}],
    "extraEnv": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}],
    "extraVolumes": [{"name": "logo", "configMap": {"name": "logo"}}],
    "extraVolumeMounts": [{"name": "logo", "mountPath": "/etc/signet"}],
    "web": {
        "host": "::",
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "priorityClassName": "high",
        "topologySpreadConstraints": [
            {"topologyKey": "rack", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ],
    },
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"e": "f"}},
    "autoscaling": {"enabled": True},
    "networkPolicy": {
        "from": [{"namespaceSelector": {}}],
        "metricsFrom": [{"podSelector": {}}],
        "egress": {"enabled": True, "to": [{"ports": [{"port": 5432}]}]},
    },
    "service": {"annotations": {"g": "h"}},
    "serviceAccount": {"annotations": {"i": "j"}},
}
BARE: Manifest = LEAST | {
    "secrets": {"SIGNET_REDIS_URL": None},
    "metrics": {"enabled": False},
    "migrate": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "podDisruptionBudget": {"enabled": False},
    "serviceAccount": {"create": False, "name": "signet"},
}


def example(name: str) -> Manifest:
    loaded: Manifest = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text("utf-8"))
    return loaded


WAYS = {"least": LEAST, "most": MOST, "bare": BARE, "ingress": example("ingress"), "gateway": example("gateway")}
RENDERED: dict[str, list[Manifest]] = {}


def rendered(way: str) -> list[Manifest]:
    if way not in RENDERED:
        RENDERED[way] = render(WAYS[way])
    return RENDERED[way]


def one(way: str, kind: str, *, of: str = "") -> Manifest:
    name = f"id-signet{of and f'-{of}'}"
    (found,) = [each for each in rendered(way) if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pods(way: str) -> Iterator[tuple[str, Manifest]]:
    for each in rendered(way):
        if each["kind"] in {"Deployment", "Job"}:
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def kinds(way: str) -> list[str]:
    return sorted(each["kind"] for each in rendered(way))


@pytest.mark.parametrize("way", WAYS)
def test_helm_lint_finds_nothing(way: str) -> None:
    done = run("lint", CHART, "--strict", values=WAYS[way])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_every_object_is_valid_for_kubernetes(way: str) -> None:
    assert [problem for each in rendered(way) for problem in problems(each)] == []


def test_the_objects_of_the_gateway_example_are_valid() -> None:
    objects = yaml.safe_load_all((EXAMPLES / "gateway-objects.yaml").read_text("utf-8"))
    assert [problem for each in objects for problem in problems(each)] == []


def test_a_member_that_kubernetes_does_not_have_is_found() -> None:
    wrong = {"web": {"topologySpreadConstraints": [{"topologyKeys": "rack"}]}}
    assert [problem for each in render(LEAST | wrong) for problem in problems(each) if "topologyKeys" in problem]
    route = {"httpRoute": {"enabled": True, "parentRefs": [{"nam": "public"}]}}
    assert [problem for each in render(LEAST | route) for problem in problems(each) if "nam" in problem]


def test_the_chart_has_what_an_installation_needs() -> None:
    least = ["ConfigMap", "Deployment", "Deployment", "Job", "NetworkPolicy", "NetworkPolicy"]
    least += ["PodDisruptionBudget", "Service", "ServiceAccount"]
    assert kinds("least") == least
    assert kinds("most") == sorted([*least, "HorizontalPodAutoscaler", "Ingress"])
    assert kinds("gateway") == sorted([*least, "HorizontalPodAutoscaler", "HTTPRoute"])
    assert kinds("bare") == ["ConfigMap", "Deployment", "Service"], "without Redis there is no worker"


@pytest.mark.parametrize("way", WAYS)
def test_every_pod_is_hardened(way: str) -> None:
    for name, pod in pods(way):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"], name
        assert "memory" in container["resources"]["limits"], name


def given(way: str, container: Manifest) -> dict[str, str]:
    """Return the variables that a container of Signet has."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= one(way, "ConfigMap")["data"]
        assert source == {"configMapRef": {"name": "id-signet"}}
    return found | {each["name"]: each["value"] for each in container["env"]}


@pytest.mark.parametrize("way", WAYS)
def test_signet_accepts_the_settings_and_options_of_every_pod(way: str, tmp_path: Any) -> None:
    contents = {
        "SIGNET_DATABASE_URL": "postgresql://signet@db/signet",
        "SIGNET_REDIS_URL": "redis://redis/0",
        "SIGNET_SECRET_KEY": "k" * 32,
        "SIGNET_SMTP_PASSWORD": "several words",
    }
    for name, pod in pods(way):
        (container,) = pod["containers"]
        command, *words = container["args"]
        assert {word.partition("=")[0] for word in words} <= set(options(EVERY[command])), name
        files = {
            item["path"]: source["secret"]["name"]
            for volume in pod["volumes"]
            for source in volume.get("projected", {}).get("sources", [])
            for item in source["secret"]["items"]
        }
        environ = given(way, container)
        for setting in files:
            assert environ[f"{setting}{FROM_FILE}"] == f"/run/secrets/signet/{setting}"
            (tmp_path / setting).write_text(contents[setting] + "\n")
            environ[f"{setting}{FROM_FILE}"] = str(tmp_path / setting)
        settings = load_settings(environ)
        assert settings.issuer == WAYS[way]["settings"]["SIGNET_ISSUER"]
        assert settings.database_url.startswith("postgresql")
        assert (settings.redis_url is None) == (way == "bare")
        assert (settings.metrics_address is None) == (way == "bare" or command == "migrate")


@pytest.mark.parametrize("way", WAYS)
def test_no_value_of_a_secret_is_in_an_object(way: str) -> None:
    data = one(way, "ConfigMap")["data"]
    assert not data.keys() & {PREFIX + name for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SMTP_PASSWORD")}
    assert "Secret" not in kinds(way), "secrets are created by the operator, so helm does not store them"


def test_the_probes_ask_the_health_endpoints() -> None:
    (web,) = one("least", "Deployment")["spec"]["template"]["spec"]["containers"]
    paths = {probe: web[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/health/live", "readiness": "/health/ready", "liveness": "/health/live"}
    assert set(paths.values()) <= {route.path for route in routes(Settings()) if isinstance(route, Route)}


def test_a_pod_has_longer_to_stop_than_signet_needs() -> None:
    """It drains, finishes requests for 30 seconds, and gives idle connections three more (`docs/operate/deploy.md`)."""
    pod = render(LEAST | {"web": {"drain": 20}})
    (web,) = [each for each in pod if each["kind"] == "Deployment" and each["metadata"]["name"] == "id-signet"]
    assert web["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 20 + 1 + 30 + 3


def test_the_database_is_migrated_before_pods_change() -> None:
    job = one("least", "Job", of="migrate")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == ["migrate", "--to=head"]
    assert "envFrom" not in container, "the ConfigMap of the chart does not exist yet"
    assert "serviceAccountName" not in pod, "the account of the chart does not exist yet"


def test_old_pods_serve_until_new_ones_are_ready() -> None:
    assert one("least", "Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_a_changed_setting_replaces_the_pods_and_an_unrelated_value_does_not() -> None:
    def checksum(values: Manifest) -> str:
        found = {
            str(each["spec"]["template"]["metadata"]["annotations"]["checksum/settings"])
            for each in render(LEAST | values)
            if each["kind"] == "Deployment"
        }
        assert len(found) == 1
        return found.pop()

    changed = {"settings": LEAST["settings"] | {"SIGNET_BRAND": "Acme"}}
    assert checksum(changed) != checksum({})
    assert checksum({"web": {"replicas": 5}}) == checksum({})


def test_a_number_is_written_as_it_is() -> None:
    """Helm reads numbers as floating point, which are written as 1e+07 beyond six digits."""
    values = {"settings": LEAST["settings"] | {"SIGNET_ACCESS_TOKEN_LIFETIME": 10000000, "SIGNET_SMTP_UTF8": True}}
    (settings,) = [each["data"] for each in render(LEAST | values) if each["kind"] == "ConfigMap"]
    assert (settings["SIGNET_ACCESS_TOKEN_LIFETIME"], settings["SIGNET_SMTP_UTF8"]) == ("10000000", "true")


def test_labels_select_the_pods_of_one_component() -> None:
    for way in WAYS:
        labels = [
            each["spec"]["template"]["metadata"]["labels"]
            for each in rendered(way)
            if each["kind"] in {"Deployment", "Job"}
        ]
        for each in rendered(way):
            selector = each["spec"].get("selector", {}) if "spec" in each else {}
            selector = selector.get("matchLabels", selector)
            if each["kind"] == "NetworkPolicy":
                selector = each["spec"]["podSelector"]["matchLabels"]
            if selector:
                chosen = [found for found in labels if selector.items() <= found.items()]
                assert len(chosen) == 1 or (len(chosen) == 0 and each["metadata"]["name"].endswith("-worker"))


def test_the_host_and_the_paths_come_from_the_issuer() -> None:
    """Metadata of an issuer with a path is also in front of the path (RFC 8414 section 3.1, RFC 9728 section 3.1)."""
    (rule,) = one("most", "Ingress")["spec"]["rules"]
    well_known = [f"/.well-known/{name}/auth" for name in ("oauth-authorization-server", "openid-configuration")]
    paths = [path["path"] for path in rule["http"]["paths"]]
    assert rule["host"] == "example.com"
    assert paths == ["/auth", *well_known, "/.well-known/oauth-protected-resource/auth"]
    (rule,) = one("ingress", "Ingress")["spec"]["rules"]
    assert (rule["host"], [path["path"] for path in rule["http"]["paths"]]) == ("id.example.com", ["/"])
    route = one("gateway", "HTTPRoute")["spec"]
    assert route["hostnames"] == ["id.example.com"]
    assert route["rules"][0]["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert route["rules"][0]["backendRefs"] == [{"name": "id-signet", "port": 80}]


def test_the_network_policy_allows_only_what_is_named() -> None:
    (http,) = one("least", "NetworkPolicy", of="web")["spec"]["ingress"]
    assert http == {"ports": [{"port": "http"}]}
    assert "ingress" not in one("least", "NetworkPolicy", of="worker")["spec"], "nothing connects to the worker"
    http, metrics = one("ingress", "NetworkPolicy", of="web")["spec"]["ingress"]
    assert http["from"] != metrics["from"]
    limited = one("gateway", "NetworkPolicy", of="worker")["spec"]
    assert limited["policyTypes"] == ["Ingress", "Egress"]
    assert {port["port"] for rule in limited["egress"] for port in rule["ports"]} == {53, 443, 465, 5432, 6379}


MUTUAL_TLS: Manifest = LEAST | {
    "mutualTls": {
        "enabled": True,
        "url": "https://mtls.id.example.com",
        "authorities": {"secret": "partners"},
        "selfSigned": {"secret": "agents"},
        "service": {"type": "LoadBalancer", "annotations": {"k": "l"}},
    }
}


def test_clients_can_show_certificates_at_a_port_with_a_service(tmp_path: Any) -> None:
    """RFC 8705: the files are those of Secrets, in the web pods only, and Signet accepts the settings."""
    assert run("lint", CHART, "--strict", values=MUTUAL_TLS).returncode == 0
    objects = {(each["kind"], each["metadata"]["name"]): each for each in render(MUTUAL_TLS)}
    assert [problem for each in objects.values() for problem in problems(each)] == []
    service = objects["Service", "id-signet-mtls"]
    assert service["spec"]["ports"] == [{"name": "mtls", "port": 443, "targetPort": "mtls"}]
    assert service["spec"]["selector"] == objects["Service", "id-signet"]["spec"]["selector"]
    policy = objects["NetworkPolicy", "id-signet-web"]["spec"]["ingress"][0]
    assert policy["ports"] == [{"port": "http"}, {"port": "mtls"}]
    pod = objects["Deployment", "id-signet"]["spec"]["template"]["spec"]
    (web,) = pod["containers"]
    assert {"name": "mtls", "containerPort": 8443} in web["ports"]
    (volume,) = [each["projected"] for each in pod["volumes"] if each["name"] == "mutual-tls"]
    files = {item["path"]: each["secret"]["name"] for each in volume["sources"] for item in each["secret"]["items"]}
    assert files == {
        "server.pem": "signet-mtls",
        "server.key": "signet-mtls",
        "authorities.pem": "partners",
        "self-signed.pem": "agents",
    }
    authority = issue("CN=Authority", ca=True).write(tmp_path)
    named = {each["name"]: each["value"] for each in web["env"] if "/run/secrets/mutual-tls/" in each["value"]}
    assert {value.rpartition("/")[2] for value in named.values()} == set(files)
    environ = {each["name"]: each["value"] for each in web["env"] if each["name"] not in {*named}}
    environ = {name: value for name, value in environ.items() if not name.endswith(FROM_FILE)}
    settings = load_settings(environ | dict.fromkeys(named, str(authority)))
    assert (settings.mtls_port, settings.mtls_url) == (8443, "https://mtls.id.example.com")
    assert "mutual-tls" not in str(objects["Deployment", "id-signet-worker"])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"mutualTls": {"enabled": True, "authorities": {"secret": "a"}}}, "set mutualTls.url"),
        ({"mutualTls": {"enabled": True, "url": "https://mtls.id.example.com"}}, "set mutualTls.authorities.secret"),
        ({"mutualTls": {"url": "https://mtls.id.example.com/"}}, "/mutualTls/url"),
        ({"image": {}}, "/image/repository"),
        ({"settings": {"SIGNET_ISUER": "https://id.example.com"}}, "SIGNET_ISUER"),
        ({"settings": LEAST["settings"] | {"SIGNET_SECRET_KEY": "k" * 32}}, "SIGNET_SECRET_KEY"),
        (
            {"settings": LEAST["settings"] | {"SIGNET_REDIS_URL": "redis://redis"}},
            "set secrets.SIGNET_REDIS_URL to null",
        ),
        ({"secrets": {"SIGNET_DATABASE_URL": None}}, "set secrets.SIGNET_DATABASE_URL"),
        ({"httpRoute": {"enabled": True}}, "set httpRoute.parentRefs"),
        ({"httpRoute": {"enabled": True, "parentRefs": [{}]}, "ingress": {"enabled": True}}, "not both"),
    ],
)
def test_a_mistake_is_refused_with_a_reason(values: Manifest, reason: str) -> None:
    assert reason.lower() in refusal(LEAST | values).lower()


def test_the_notes_say_what_is_missing() -> None:
    done = run("install", "id", CHART, "--dry-run=client", values=LEAST)
    notes = done.stdout.partition("NOTES:")[2]
    for setting in ("SIGNET_TRUSTED_PROXIES", "SIGNET_SMTP_HOST"):
        assert f"Warning: {setting} is not set" in notes, done.stdout[-2000:] + done.stderr
    assert "rollout status deployment/id-signet" in notes
