"""Signet: an OAuth 2.0 / OpenID Connect provider.

The map, top to bottom; each line may import those below it, never above (`lint-imports` checks):

- `cli`, `demo`, `serve`, `worker`: the ways to start it. `app` puts the web service together, `routes` is every URL.
- `api`: the account API: what a person may do with their account, for first-party apps, as JSON.
- `oauth`: the protocol. Authorization, tokens, keys, clients, consent, and why a request was refused.
- `federation`: sign in with an upstream OpenID Provider, and link it to an account. A sibling of `oauth`.
- `login`: proving who is at the browser: password, second factor, sign out.
- `accounts`: people and their credentials: registration, addresses, passwords, TOTP, recovery codes, suspension.
- `sessions`: browser sessions and how sure we are of them.
- `mail`: the letters and how they leave.
- `audit`, `outbox`, `ratelimits`: what happened; what was promised; how often is too often.
- `web`: our HTTP kit. `work`: the unit of work, one transaction per request.
- `database`, `crypto`, `observability`, `outbound`: primitives; the last asks other people's servers.
- `settings`, `refusals`: known to all, knowing nobody.
"""

__version__ = "0.1.0"
