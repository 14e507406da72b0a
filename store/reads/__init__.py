"""Typed reads of the view. Imports nothing heavy: `cadenzactl status` must start as Python does."""
