"""Audit events, told to other systems: signed as Standard Webhooks has it, kept in the outbox until they arrived."""
