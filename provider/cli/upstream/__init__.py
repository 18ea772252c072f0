"""The commands `signet upstream`: the providers that users sign in with."""
