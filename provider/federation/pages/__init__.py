"""The way to an upstream and back, and the account's page of what is linked."""
