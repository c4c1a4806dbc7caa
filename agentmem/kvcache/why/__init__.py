"""Why a prefix was not read from the cache: requests compared, and their differences explained."""
