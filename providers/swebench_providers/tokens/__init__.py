"""Token counting: exact where possible, otherwise a labelled estimate.

counter = TiktokenCounter()  # share one: it keeps the encodings it has loaded and the texts it has counted
count = await counter.count_tokens(text, "gpt-5.4")
print(count.tokens, count.source, count.means)
"""
