"""The API and console of operators: every user's account and the whole installation. It calls the rules of `operators`
and of the other packages.

| who | how |
|---|---|
| a program of the operator | client_credentials with the scope `admin:read` or `admin:write` |
| an operator, through an app | the same scopes, a role with the permission, and a second factor used at sign-in |

Neither scope is among those a client gets by default. An operator never chooses a user's password (OWASP ASVS
v5.0.0-6.4.6): no operation takes one. A user who moves here may bring along the hash of theirs.
"""
