"""dthostmon: an agentless host monitor that reads logs over SSH and says what matters once."""

__version__ = "0.1.0"
