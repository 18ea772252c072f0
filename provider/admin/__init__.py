"""For operators: everybody's accounts and the installation, by API. No rules of its own: it calls the capabilities'.

| who | how |
|---|---|
| a program of the operator | client_credentials with the scope `admin:read` or `admin:write` |
| an operator, through an app | the same scopes, the role `admin`, and a second factor shown at the sign-in |

Neither scope is among those a client gets by default. An operator chooses nobody's password (OWASP ASVS v5.0.0-6.4.6):
no operation takes one.
"""
