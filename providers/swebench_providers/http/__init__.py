"""HTTP: the client behind one interface, framing of bodies, deadlines and rate-limit headers."""
