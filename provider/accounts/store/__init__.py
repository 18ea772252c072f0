"""The accounts' database tables, one file each, with the only SQL of this package."""
