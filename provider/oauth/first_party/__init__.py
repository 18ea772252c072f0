"""Sign-in inside first-party apps (draft-ietf-oauth-first-party-apps)."""
