"""The database: the engine, its column types and the shared metadata. This package knows no table."""
