"""Proving who is at the browser: password, second factor, step-up, sign out. Where they go next: `web.destination`."""
