"""How long to wait before trying again."""


def delay_s(attempt: int, *, base_s: float, cap_s: float, jitter: float) -> float:
    """Return the seconds to wait after a failed attempt: exponential, capped, with equal jitter.

    Half of the delay is fixed and half is random, so that many who failed together do not come back
    together, and nobody comes back at once.

    Args:
        attempt: how many attempts failed before this one; 0 for the first failure.
        base_s: the full delay after the first failure.
        cap_s: the longest delay.
        jitter: a fraction from 0 to 1, random.
    """
    full = min(cap_s, base_s * 2.0 ** min(attempt, 62))
    return full / 2 + full / 2 * jitter
