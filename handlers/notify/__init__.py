"""News of verdicts for whoever does not look at `cadenzactl status`: a webhook, a command."""
