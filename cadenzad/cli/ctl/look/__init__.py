"""How everything stands, and how it came to that. Changes nothing."""
