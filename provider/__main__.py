"""The entry point of `signet` and `python -m provider`."""

import os
import sys


def main() -> None:
    # Nothing is imported before there is something to run.
    from provider.runtime.garbage import collect_rarely  # noqa: PLC0415

    collect_rarely()
    # We use no plugins of pydantic. To find them, it would read the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    from provider.cli.run import run  # noqa: PLC0415

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
