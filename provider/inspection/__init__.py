"""The inspector: what a pasted URL, code, token or id is, and what it means to this installation."""
