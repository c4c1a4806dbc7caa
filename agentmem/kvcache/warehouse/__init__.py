"""The token warehouse: KV state in blocks, held in tiers, so that what was computed once is not computed again."""
