"""Quill, a sample web application that signs people in with OpenID Connect and calls an API for them.

`app` is the application, `sessions` keeps its sessions on the server, `steps` turns an API's wish for a stronger
sign-in (RFC 9470) into one, `logout` reads the provider's word that somebody signed out
(OpenID Connect Back-Channel Logout). It knows the provider only by its issuer: everything else is read from discovery.
"""
