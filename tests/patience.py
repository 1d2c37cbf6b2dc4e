"""How long a test waits for something that must come. Only a program that hangs uses it up, so a busy machine fails none."""

PATIENCE = 600.0
"""Seconds."""
