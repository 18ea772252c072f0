"""The audit log as operators see it: searched, exported, and written as sentences."""
