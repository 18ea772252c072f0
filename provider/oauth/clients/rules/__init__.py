"""The rules for client metadata whose members have to fit each other, or have a form of their own. Pure.

`metadata_rules` applies them. What is known about one member alone is in `members`.
"""
