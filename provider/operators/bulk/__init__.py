"""Actions on many users: on those selected in a list, and on all that match its filters."""
