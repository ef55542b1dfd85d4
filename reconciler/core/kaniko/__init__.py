"""Image builds by Kaniko, as values: what is asked for, the Job, how it fares. No I/O is here."""
