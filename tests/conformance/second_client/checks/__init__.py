"""All checks, registered by being imported."""

from . import balancing, cli, databases, dns, governance, identity, network, objects, stacks, streams  # noqa: F401
