"""Users and groups pushed to the SCIM services of apps (`provisioning`).

`wanted` says what an app should have now, `sending` brings the app there, `jobs` does so for all that is pending, and
`scan` goes through all users.
"""
