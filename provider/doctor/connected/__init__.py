"""Examinations of other systems that Signet asks or tells: upstream providers, SCIM services, receivers, webhooks."""
