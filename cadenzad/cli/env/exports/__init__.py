"""What `cadenza env finetune` does besides one log as JSON lines, and what every export does."""
