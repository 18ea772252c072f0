"""The real helm, and the schemas of Kubernetes and of the Gateway API, which `tests/set_up BIN --helm` provides."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from tests.support.server_process import REPOSITORY
from tests.support.services import unavailable

CHART = REPOSITORY / "deploy/helm/signet"
EXAMPLES = CHART.parent / "examples"
KUBERNETES = ("v1.30.0", "v1.37.0")
"""The versions whose schemas the objects are compared with."""
GATEWAY_API = "sigs.k8s.io/gateway-api@v1.6.3/config/crd/standard"

Manifest = dict[str, Any]


@cache
def helm() -> str:
    """Return the path of helm. Without it the test is skipped, loudly."""
    beside = Path(sys.executable).with_name("helm")
    return shutil.which("helm") or (str(beside) if beside.exists() else unavailable("helm", "no helm, and no Go"))


def run(*words: object, values: Manifest | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm without a cluster. It gets `values` as a file."""
    given = [] if values is None else ["--values=-"]
    command = [helm(), *map(str, words), *given]
    text = "" if values is None else json.dumps(values)
    return subprocess.run(command, input=text, env=_environment(), capture_output=True, text=True, check=False)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HELM_", "KUBE"))}
    return kept | {"KUBECONFIG": os.devnull}


def render(values: Manifest, *, release: str = "id") -> list[Manifest]:
    """Return the objects that the chart becomes with these values."""
    done = run("template", release, CHART, "--namespace=signet", values=values)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def refusal(values: Manifest) -> str:
    """Return why helm does not render the chart with these values."""
    done = run("template", "id", CHART, values=values)
    assert done.returncode != 0, done.stdout
    return done.stderr


def problems(manifest: Manifest) -> Iterator[str]:
    """Yield what the schemas of Kubernetes say against an object, also about members that they do not have."""
    for version in KUBERNETES:
        for error in _validator(manifest["apiVersion"], manifest["kind"], version).iter_errors(manifest):
            yield f"{manifest['kind']} {manifest['metadata']['name']}, {version}: {error}"


@cache
def _validator(api_version: str, kind: str, version: str) -> Any:
    group, _, of_group = api_version.rpartition("/")
    if group == "gateway.networking.k8s.io":
        return jsonschema_rs.Draft202012Validator(_of_gateway_api(kind, of_group))
    folder = _schemas() / f"{version}-local-strict"
    name = "-".join(filter(None, (kind.lower(), group.partition(".")[0], of_group)))
    schema = _file(folder, f"{name}.json")
    return jsonschema_rs.Draft7Validator(schema, retriever=lambda uri: _file(folder, uri))


@cache
def _file(folder: Path, uri: str) -> Any:
    """Return what a schema refers to, such as `_definitions.json`, whatever address it gives for it."""
    return json.loads((folder / uri.rpartition("/")[2]).read_text())


def _schemas() -> Path:
    found = importlib.util.find_spec("kubernetes_validate")
    if found is None or found.origin is None:
        unavailable("the schemas of Kubernetes", "kubernetes-validate is not installed")
    return Path(found.origin).parent / "kubernetes-json-schema"


@cache
def _of_gateway_api(kind: str, version: str) -> Manifest:
    """Return the schema of a custom resource definition, with no other members than those it has."""
    folder = Path(_go_modules()) / GATEWAY_API
    if not folder.exists():
        unavailable("the Gateway API", "its Go module is not there")
    definition = yaml.safe_load((folder / f"gateway.networking.k8s.io_{kind.lower()}s.yaml").read_text())
    (found,) = [each for each in definition["spec"]["versions"] if each["name"] == version]
    schema: Manifest = _closed(found["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"].pop("additionalProperties", None)
    return schema


def _go_modules() -> str:
    go = shutil.which("go") or unavailable("the Gateway API", "no Go")
    return subprocess.run([go, "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout.strip()


def _closed(schema: Any) -> Any:
    """Return a schema in which each object that lists its members has no others."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _closed(value) for name, value in schema.items() if not name.startswith("x-")}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        found["additionalProperties"] = False
    return found
