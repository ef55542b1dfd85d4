"""References, versions, constraints and policies: which tag a workload should run."""
