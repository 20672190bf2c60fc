"""The judge: asks models about what rules alone cannot decide. What they say is checked, bounded and never trusted."""
