"""How the services are called: the published retry policy, and checks of idle connections."""
import pathlib

POLICY = pathlib.Path(__file__).parents[2] / "proto" / "service-config.json"

# A stream whose server has disappeared ends after both, in milliseconds.
KEEPALIVE = [("grpc.keepalive_time_ms", 20_000), ("grpc.keepalive_timeout_ms", 10_000)]

RETRYING = [("grpc.service_config", POLICY.read_text()), *KEEPALIVE]
"""The options of a channel that retries."""

PLAIN = [("grpc.enable_retries", 0), *KEEPALIVE]
"""The options of one that returns each error."""
