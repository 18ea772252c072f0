"""The entry point of `signet` and `python -m provider`."""

import sys


def main() -> None:
    from provider.cli.run import run  # noqa: PLC0415  # nothing is imported before there is something to run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
