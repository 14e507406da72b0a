"""Running the service: its units, its configuration, its jobs, its space on disk."""
