"""The pages about applications: the list, one application, its settings, and the actions on it."""
