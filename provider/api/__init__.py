"""The account API: JSON under `/api/account`, through which first-party apps let users manage their own account.

| who | how | module |
|---|---|---|
| a user, through an app | an access token with the scope `account` (RFC 6750) | `callers`, `confirmation` |
| an app, before a user is signed in | its client secret; first-party clients only | `callers` |

`operation` turns a plain function, its body and its answer into an endpoint. `problems` writes errors (RFC 9457), and
`openapi` describes all operations. The rules are those of the pages and live in `accounts` and `oauth`.
"""
