"""The `signet` command, with one file per group. Commands call the same rules as the pages, and print what they
changed.

Every command takes `--json`. Commands start fast because nothing is loaded before it is needed: a command's module when
the command is looked up (`run.COMMANDS`), and what the command uses, such as SQLAlchemy, inside its function. Below
them, modules are cut so that a large library is behind a boundary that most commands do not cross:
`outbound.connection`, `observability.json_lines`, `jose.registry`. Imports inside other functions say which library
they defer.
"""
