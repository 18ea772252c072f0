"""OpenID Connect Client-Initiated Backchannel Authentication (CIBA) 1.0: an app asks, and the user answers elsewhere.

The modes are poll and ping. `endpoints.backchannel_authentication` takes a request, `endpoints.backchannel_approval`
shows it to the user, and `grants.ciba` gives the tokens.
"""
