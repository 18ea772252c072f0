"""The one table of the account API."""
