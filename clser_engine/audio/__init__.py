"""Reading recordings and computing acoustic features; nothing here knows a model."""
