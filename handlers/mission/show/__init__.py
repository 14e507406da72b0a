"""Missions for people's eyes: maps, films, tables, and what past runs say together.

May import everything of handlers.mission, and handlers.project.
"""
