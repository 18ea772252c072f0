"""The `signet` command: one file per group. Commands call the same rules as the pages, and say what they changed.

Every command takes `--json`. What a command needs is imported when it runs: `signet serve` and `--help` are quick.
"""
