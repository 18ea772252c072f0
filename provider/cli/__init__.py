"""The `signet` command, with one file per group. Commands call the same rules as the pages, and print what they
changed.

Every command takes `--json`. Imports are inside the commands, so that `signet serve` and `--help` start quickly.
"""
