"""The policies that make long runs reliable: one per file, each wrapping the next with the provider's own interface.

Outermost first:

    budget_policy      reserves the worst case of a call, charges its attempts, settles it (call_ledger, budget,
                       journal)
    fallback           uses another model after a failure
    observer           reports attempts to statistics, request_log and telemetry
    retry              is the only policy that repeats a request (retry_budget, refused_parameters)
    keys               sends with the key that has the most capacity, disables bad ones
    breaker_policy     sends nothing to an endpoint that fails most of the time (breaker)
    rate_limit_policy  waits for capacity (limiter, rate_limits, token_bucket, concurrency, cooldown, slots)

`ProviderCoordinator` puts them together. Clock and randomness are injected, so that tests need not wait.
"""
