"""LoRA: an action head from a goal in words to robot actions, and the scorecard that governs it."""
