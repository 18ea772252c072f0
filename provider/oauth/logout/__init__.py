"""Notifying clients that a session ended: back channel and front channel."""
