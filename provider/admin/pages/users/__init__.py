"""The pages about users: the list, one user, and the actions on users."""
