"""What people decide: about prompts, adapters, trusted code, paused projects."""
