"""The suite's own interface: plans, modules, and what a module found."""

import json
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

ROTATED = "oidcc-server-rotate-keys"
"""The module that waits to be started, until the keys are rotated."""
EVENTS, TRIGGER = "openid-ssf-transmitter-stream-caep-interop", "Please trigger these events"
"""The module that wants events of users, and what it logs then."""
FOUND = ("FAILURE", "WARNING", "INTERRUPTED")


@dataclass
class Module:
    """One module that ran."""

    name: str
    id: str = ""
    status: str = ""
    result: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.result or self.status:9} {self.name} {self.id}"]
        for each in self.findings:
            about = " ".join(each.get("requirements") or ())
            lines.append(f"    {each['result']} {each['src']}: {each.get('msg')} [{about}]")
        return "\n".join(lines)


class Suite:
    """A running suite, in its development mode: without authentication."""

    def __init__(self, url: str, trusted: ssl.SSLContext) -> None:
        self.url = url
        self.http = httpx2.Client(base_url=url, verify=trusted, timeout=60)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        response = self.http.request(method, path, **options)
        if response.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return response.json() if response.content else None

    def create(self, name: str, variant: dict[str, str], configuration: dict[str, Any]) -> dict[str, Any]:
        """A plan: its `id`, and its `modules`."""
        query = {"planName": name, "variant": json.dumps(variant)}
        created: dict[str, Any] = self._call("POST", "/api/plan", params=query, json=configuration)
        return created

    def run(
        self,
        plan: dict[str, Any],
        module: dict[str, Any],
        patience: float,
        meanwhile: Callable[[], None] | None,
        visit: Callable[[str], None] | None = None,
    ) -> Module:
        """Start one module and wait for its end. `meanwhile` is called once, when the module asks for something.
        `visit` opens each URL that the suite's own browser does not open.
        """
        variant = module.get("variant") or {}
        query = {"test": module["testModule"], "plan": plan["id"], "variant": json.dumps(variant)}
        ran = Module(module["testModule"], self._call("POST", "/api/runner", params=query)["id"])
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            ran.status = self._call("GET", f"/api/info/{ran.id}")["status"]
            if ran.status == "CONFIGURED" and ran.name == ROTATED:
                if meanwhile is not None:
                    meanwhile()
                self._call("POST", f"/api/runner/{ran.id}")
            elif ran.status in {"FINISHED", "INTERRUPTED"}:
                break
            elif ran.name == EVENTS and meanwhile is not None and self._asks_for_events(ran):
                meanwhile()
                meanwhile = None
            elif visit is not None:
                self._visit(ran, visit)
            time.sleep(0.5)
        else:
            self.http.request("DELETE", f"/api/runner/{ran.id}")
        info = self._call("GET", f"/api/info/{ran.id}")
        ran.result = info.get("result") or "NO RESULT"
        ran.findings = [each for each in self.log(ran) if each.get("result") in FOUND]
        return ran

    def log(self, module: Module) -> list[dict[str, Any]]:
        """Everything that it did."""
        entries: list[dict[str, Any]] = self._call("GET", f"/api/log/{module.id}")
        return entries

    def _visit(self, module: Module, visit: Callable[[str], None]) -> None:
        for url in self._call("GET", f"/api/runner/browser/{module.id}")["urls"]:
            self._call("POST", f"/api/runner/browser/{module.id}/visit", params={"url": url})
            visit(url)

    def _asks_for_events(self, module: Module) -> bool:
        return any(TRIGGER in str(each.get("msg")) for each in self.log(module))


def count(modules: list[Module]) -> str:
    """How many ended how, in one line."""
    return ", ".join(f"{number} {result}" for result, number in sorted(Counter(m.result for m in modules).items()))
