"""The account pages: one file per screen, named after its rule."""
