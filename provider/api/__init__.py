"""The account API: what a person may do with their own account, for first-party apps, as JSON under `/api/account`.

| who | how | module |
|---|---|---|
| a person, through an app | an access token with the scope `account` (RFC 6750) | `callers`, `confirmation` |
| an app, before anybody is signed in | its client secret; first-party clients only | `callers` |

`operation` makes an endpoint of a plain function, its body and its answer; `problems` says no (RFC 9457); `openapi`
describes all of it. The rules are those of the pages and live in `accounts` and `oauth`.
"""
