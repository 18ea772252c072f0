"""Signet: an OAuth 2.0 / OpenID Connect provider.

Top to bottom; each package may import those below it, never above (`lint-imports` checks):

- `cli`, `demo`, `serve`, `worker`: the ways to start it. `app` puts the web service together, `routes` lists every URL.
- `doctor`: the examinations and attacks of `signet doctor`.
- `scim`, `ssf`: what directories and receivers of shared signals ask; `scim.outbound` sends users to apps.
- `admin`: the console and the admin API. `operators`: the rules behind them, also for SCIM, worker and command line.
- `inspection`: what a pasted token, code or URL means.
- `api`: the account API: what users may do with their account, for first-party apps, as JSON.
- `oauth`: the protocol: authorization, tokens, keys, clients, consent, and why a request was rejected.
- `federation`: signing in with an upstream provider or a directory. A sibling of `oauth`.
- `login`: signing in at the browser: password, second factor; and signing out.
- `accounts`: users and their credentials: registration, email, passwords, second factors, what ends access.
- `sessions`: browser sessions and how the user proved who they are.
- `mail`: emails and sending them.
- `webhooks`, `provisioning`, `signals`: who is notified of changes: webhooks, apps with SCIM, receivers of signals.
- `audit`, `outbox`, `ratelimits`: the audit log, queued jobs, rate limits.
- `declarations`: what attributes, claim mappings and types of authorization details have in common.
- `web`: the HTTP kit. `work`: the unit of work, one transaction per request. `saved_settings`: the branding and the
  upstream providers that operators saved.
- `database`, `crypto`, `jose`, `observability`, `outbound`: primitives; the last calls other servers.
- `config`: the settings. `runtime`: greenlets and the garbage collector.
- `refusals`, `parameters`, `destination`, `changes`: values that all packages share.
- `languages`, `branding`: translations, colors and logo.
"""

__version__ = "0.2.0"
