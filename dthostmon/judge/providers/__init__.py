"""The services that answer with a model, one module per wire protocol, over one way to send a request."""
