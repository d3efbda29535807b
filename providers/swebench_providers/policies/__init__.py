"""What makes a long run survive: one file per policy, each wrapped around the next with the provider's own interface.

Outermost first:

    spending       reserves the worst case of a call, charges its attempts, settles it      (account, budget, journal)
    fallback       another model where one fails
    observed       statistics and the log
    retry          the one layer that repeats a request                                     (retry_budget, parameters)
    keys           the key with the most room; bad ones are set aside
    breaker        leaves an endpoint alone that fails most of the time
    rate_limit     waits until there is room           (limiter, pause, slots, token_bucket, concurrency)

`ProviderCoordinator` puts them together. Time and chance are handed in, so that nothing has to be waited for in a test.
"""
