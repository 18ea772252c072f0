"""Proving who is at the browser: password, second factor, step-up, sign out. Where a person goes next is `web.destination`."""
