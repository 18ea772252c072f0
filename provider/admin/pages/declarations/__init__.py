"""The pages of what operators declare: attributes of users, claim mappings, and types of authorization details."""
