module reconcile.bench/registry

go 1.25.0
