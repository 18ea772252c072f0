"""`signet client`: register applications and change them.

- `group`: all commands together; `commands`, `secrets` and `registration` have them.
- `options`: the options that several commands have; `types`: the kinds of applications.
"""
