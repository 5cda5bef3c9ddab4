"""One module a device, each with `scan(x, y, axis, ...)`; nothing heavy is imported here."""
