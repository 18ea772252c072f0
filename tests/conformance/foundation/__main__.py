"""Run plans of the OpenID Foundation's conformance suite against Signet: `python -m tests.conformance.foundation`.

docs/development/conformance-suite.md says how to start the suite.
"""

import argparse
import json
import secrets
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

from provider.refusals import Refusal
from tests.conformance.foundation.approval import approving
from tests.conformance.foundation.nginx import nginx
from tests.conformance.foundation.person import person
from tests.conformance.foundation.plans import PLANS, Builder
from tests.conformance.foundation.suite_api import Module, Suite, count
from tests.conformance.foundation.under_test import signet_under_test

BAD = {"FAILED", "NO RESULT", "UNKNOWN"}


def main() -> int:
    """Run the plans that the command line names. 1 if a module failed."""
    parser = argparse.ArgumentParser(prog="tests.conformance.foundation")
    parser.add_argument("plans", nargs="*", metavar="PLAN", help=f"of {', '.join(PLANS)}; all, if none is named")
    parser.add_argument("--module", help="only modules whose name contains this")
    parser.add_argument("--folder", type=Path, default=Path("conformance-run"), help="for logs and the database")
    parser.add_argument("--suite", default="127.0.0.1:8080", help="where the suite listens for plain http")
    parser.add_argument("--suite-host", default="localhost", help="the host of its base_url, which is this machine")
    parser.add_argument("--suite-port", type=int, default=8443, help="the port of its base_url")
    parser.add_argument("--suite-mtls-port", type=int, default=8444, help="the port of its base_mtls_url")
    parser.add_argument("--port", type=int, default=9443, help="for Signet")
    parser.add_argument("--mtls-port", type=int, default=9444, help="for Signet with client certificates")
    parser.add_argument("--patience", type=float, default=180, help="seconds for one module")
    parser.add_argument("--together", type=int, default=1, help="plans at the same time")
    parser.add_argument("--beside", type=Path, help="the folder of a run whose nginx this one uses")
    given = parser.parse_args()
    if unknown := set(given.plans) - set(PLANS):
        parser.error(f"no such plan: {', '.join(sorted(unknown))}")
    folder = given.folder.resolve()
    other = given.beside and given.beside.resolve() / "authority.pem"
    with signet_under_test(folder, given.port, given.mtls_port, suite_authority=other) as signet:
        trusted = ssl.create_default_context(cafile=signet.authority.file)
        at = {"host": given.suite_host, "plain": given.suite_port, "mtls": given.suite_mtls_port}
        url = f"https://{given.suite_host}:{given.suite_port}"
        if other:
            trusted.load_verify_locations(other)
        with (
            nullcontext() if other else nginx(folder, signet.authority, **at, suite=given.suite),
            approving(signet.issuer, trusted) as approval,
        ):

            def run(name: str) -> list[Module]:
                builder = Builder(f"signet-{name}-{secrets.token_hex(3)}", signet, url, trusted, approval)
                return run_plan(Suite(url, trusted), builder, name, given.module, given.patience, folder)

            with ThreadPoolExecutor(given.together) as pool:
                ran = [module for modules in pool.map(run, given.plans or PLANS) for module in modules]
    print(f"all: {count(ran)}")
    return int(bool(BAD & {module.result for module in ran}))


def run_plan(
    suite: Suite, builder: Builder, name: str, only: str | None, patience: float, folder: Path
) -> list[Module]:
    """Run one plan, print what it found, and keep the log of each module that did not pass."""
    ran: list[Module] = []
    try:
        plan = PLANS[name](builder)
        print(f"{name}: {plan}", flush=True)
        created = suite.create(plan.name, plan.variant, plan.configuration)
    except (Refusal, RuntimeError) as error:
        print(f"{name}: not started: {error}", flush=True)
        return [Module(name, result="NO RESULT")]
    with person() if plan.needs_person else nullcontext() as visit:
        for module in created["modules"]:
            if only and only not in module["testModule"]:
                continue
            result = suite.run(created, module, patience, plan.meanwhile, visit)
            ran.append(result)
            print(f"{name}: {result}", flush=True)
            if result.result != "PASSED":
                (folder / f"{name}-{result.name}.json").write_text(json.dumps(suite.log(result), indent=1))
    print(f"{name}: {count(ran)}", flush=True)
    return ran


if __name__ == "__main__":
    sys.exit(main())
