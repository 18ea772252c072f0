"""Groups of users: the rules for their names, members, owners and roles."""
