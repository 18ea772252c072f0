"""Try the guides of docs/connect/apps with the real apps: `make test-apps`, or with names of guides as ARGS.

Each script in this folder that belongs to a guide has `VERSION`, what the pages show, and `check(bench)`. It installs
the app, follows the guide, signs people in with Chromium, and raises AssertionError at the first thing that differs. A
run that succeeded is written into the guide and into the table of docs/connect/apps/index.md.
"""

import importlib
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from playwright.sync_api import sync_playwright

from provider import __version__
from tests.interop.apps.guide import LIST, TESTED, Guide, guides
from tests.interop.apps.install import Cache
from tests.interop.apps.workbench import workbench
from tests.support.chromium import NAMES

REPOSITORY = Path(__file__).parents[3]
RUN, NOT_RUN = "run with the app", "written from documentation"
"""What the table says of a guide."""
START, END = "<!-- last run: start -->", "<!-- last run: end -->"


def script_of(guide: Guide) -> str:
    """Return the name of the script that tries a guide."""
    return guide.name.replace("-", "_")


def has_script(guide: Guide) -> bool:
    return (Path(__file__).parent / f"{script_of(guide)}.py").exists()


def main(names: list[str]) -> int:
    """Try the guides of these names, or all that have a script. Return how many failed."""
    cache = Cache(Path(os.environ.get("APPS_CACHE", REPOSITORY / "build/apps")).absolute())
    cache.folder.mkdir(parents=True, exist_ok=True)
    wanted = [guide for guide in guides() if (guide.name in names if names else has_script(guide))]
    failed = [guide.name for guide in wanted if not tried(guide, cache)]
    write_table()
    print(f"{len(wanted) - len(failed)} passed, {len(failed)} failed" + "".join(f"\n  {name}" for name in failed))
    return len(failed)


def tried(guide: Guide, cache: Cache) -> bool:
    """Try one guide, and return whether it holds."""
    script = importlib.import_module(f"tests.interop.apps.{script_of(guide)}")
    folder = Path(tempfile.mkdtemp(prefix=f"signet-{guide.name}-"))
    chromium = next((path for name in NAMES if (path := shutil.which(name))), None)
    began = time.monotonic()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            with workbench(guide, cache=cache, folder=folder, browser=browser) as bench:
                script.check(bench)
    except Exception:
        print(f"FAILED {guide.name}, logs in {folder}\n{traceback.format_exc()}", flush=True)
        return False
    print(f"passed {guide.name}: {script.VERSION}, {time.monotonic() - began:.0f} s", flush=True)
    guide.record(app=script.VERSION, signet=__version__)
    shutil.rmtree(folder, ignore_errors=True)
    return True


def write_table() -> None:
    """Write the versions that the guides name into the page that lists them."""
    rows = ["| App | Guide | App version | Signet | Date |", "|---|---|---|---|---|"]
    for guide in guides():
        title = guide.text.partition("\n")[0].removeprefix("# ")
        found = TESTED.search(guide.text)
        cells = (RUN, *found.groups()) if found else (NOT_RUN, "", "", "")
        rows.append(f"| [{title}]({guide.name}.md) | {' | '.join(cells)} |")
    before, _, rest = LIST.read_text("utf-8").partition(START)
    LIST.write_text(f"{before}{START}\n" + "\n".join(rows) + f"\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
